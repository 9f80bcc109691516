//! A UART without hardware: a pseudo terminal, whose other end is the board.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

/// The board's end of a UART. Dropped, the cable is pulled.
pub(crate) struct Uart {
    pub(crate) board: File,
    pub(crate) path: PathBuf,
}

impl Uart {
    pub(crate) fn new() -> Self {
        let board = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a pseudo terminal");
        grantpt(&board).expect("may be opened");
        unlockpt(&board).expect("can be opened");
        let mut termios = tcgetattr(&board).expect("its settings");
        termios.make_raw();
        tcsetattr(&board, OptionalActions::Now, &termios).expect("raw");
        let name = ptsname(&board, Vec::new()).expect("a name");
        let path = PathBuf::from(name.into_string().expect("a path"));
        let board = File::from(board);
        Self { board, path }
    }

    pub(crate) fn say(&mut self, text: &[u8]) {
        self.board.write_all(text).expect("the UART takes bytes");
    }
}
