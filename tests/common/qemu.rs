//! Boards that QEMU emulates, with a GDB server and a UART.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Numbers of the kernel of the FreeRTOS firmware (`tests/fixtures/qemu-freertos`).
pub(crate) const NUMBERS: [&str; 20] = [
    "xTickCount",
    "uxCurrentNumberOfTasks",
    "uxTopReadyPriority",
    "uxTaskNumber",
    "xSchedulerRunning",
    "xNumOfOverflows",
    "xNextTaskUnblockTime",
    "uxSchedulerSuspended",
    "xYieldPendings[0]",
    "uxDeletedTasksWaitingCleanUp",
    "pxReadyTasksLists[0].uxNumberOfItems",
    "pxReadyTasksLists[1].uxNumberOfItems",
    "pxReadyTasksLists[2].uxNumberOfItems",
    "pxReadyTasksLists[3].uxNumberOfItems",
    "pxReadyTasksLists[4].uxNumberOfItems",
    "xDelayedTaskList1.uxNumberOfItems",
    "xDelayedTaskList2.uxNumberOfItems",
    "xPendingReadyList.uxNumberOfItems",
    "xSuspendedTaskList.uxNumberOfItems",
    "pxCurrentTCB",
];

/// A board that runs. What it prints on its UART is kept.
pub(crate) struct GdbBoard {
    process: Child,
    uart: Option<ChildStdin>,
    printed: Receiver<Vec<u8>>,
    all: Vec<u8>,
    /// Where its GDB server listens.
    pub(crate) address: String,
}

/// An address that nothing listens at.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").to_string()
}

impl GdbBoard {
    /// Boots an ELF file on an emulated board.
    pub(crate) fn start(machine: &str, elf: &Path, address: &str) -> Self {
        let mut process = Command::new("qemu-system-arm")
            .args(["-M", machine, "-display", "none", "-monitor", "none"])
            .args(["-nic", "none", "-serial", "stdio", "-gdb"])
            .arg(format!("tcp:{address}"))
            .args(["-icount", "shift=6,align=off,sleep=on", "-kernel"])
            .arg(elf)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("QEMU starts");
        let mut out = BufReader::new(process.stdout.take().expect("its UART"));
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n) = out.read(&mut buffer) {
                if n == 0 || sender.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let board = Self {
            uart: process.stdin.take(),
            process,
            printed,
            all: Vec::new(),
            address: address.to_owned(),
        };
        let end = Instant::now() + Duration::from_secs(10);
        // Not connected to: QEMU would take that for a debugger.
        while !listens(address) {
            assert!(Instant::now() < end, "QEMU does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        board
    }

    /// Stops the whole board with its GDB server (`STOP`), or lets it go on (`CONT`): nothing answers meanwhile.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.expect("kill starts").success());
    }

    /// Sends text over the UART.
    pub(crate) fn say(&mut self, text: &str) {
        let uart = self.uart.as_mut().expect("a UART");
        uart.write_all(text.as_bytes()).expect("the UART takes it");
        uart.flush().expect("the UART takes it");
    }

    /// What it printed up to now, as soon as that holds a text.
    pub(crate) fn printed(&mut self, text: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let printed = String::from_utf8_lossy(&self.all).into_owned();
            if printed.contains(text) {
                return printed;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{text} was never printed: {printed}");
            let more = self.printed.recv_timeout(left);
            self.all
                .extend(more.unwrap_or_else(|_| panic!("{text} was never printed: {printed}")));
        }
    }
}

impl Drop for GdbBoard {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Whether something listens at an address, by the system's own list.
fn listens(address: &str) -> bool {
    let port: u16 = address
        .rsplit(':')
        .next()
        .expect("a port")
        .parse()
        .expect("a number");
    let table = std::fs::File::open("/proc/net/tcp").expect("the list");
    let wanted = format!(":{port:04X} 00000000:0000 0A");
    BufReader::new(table)
        .lines()
        .any(|line| line.expect("text").contains(&wanted))
}

/// A server that takes connections and never says anything.
pub(crate) struct SilentServer {
    pub(crate) address: String,
    connections: Receiver<TcpStream>,
}

impl SilentServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its number").to_string();
        let (sender, connections) = channel();
        std::thread::spawn(move || {
            while let Ok((connection, _)) = listener.accept() {
                if sender.send(connection).is_err() {
                    return;
                }
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// How often somebody connected.
    pub(crate) fn n_connections(&self) -> usize {
        self.connections.try_iter().count()
    }
}
