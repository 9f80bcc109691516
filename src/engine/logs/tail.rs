//! A file that somebody writes to, and everything that was ever read of it.
//!
//! Nothing is lost in silence: a file that became shorter or was replaced is read from its beginning, behind what was read
//! before, and the place is remembered.

use super::follow::identity_of;
use super::view::LogRestart;
use crate::engine::file_bytes::FileBytes;
use crate::engine::growing_copy::GrowingCopy;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// Read at a time.
const READ_BYTES: usize = 256 << 10;
/// Read before somebody looks at it.
const MOST_AT_ONCE: u64 = 64 << 20;
/// The last bytes that were read are looked at again: in a file that was cut off and has grown since they differ.
const REMEMBERED: usize = 256;

/// The file.
pub struct Tail {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
    /// Bytes read of this file since its beginning.
    n_read: u64,
    last: Vec<u8>,
    copy: GrowingCopy,
    restarts: Vec<LogRestart>,
}

impl Tail {
    /// Opens a file; nothing of it is read yet. The copy of it lies in `folder` until this is dropped.
    pub fn open(path: &Path, folder: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for its other end.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("only a file can be followed"));
        }
        let file = File::open(path)?;
        let meta = file.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            identity: identity_of(&meta),
            file,
            n_read: 0,
            last: Vec::new(),
            copy: GrowingCopy::in_folder(folder)?,
            restarts: Vec::new(),
        })
    }

    /// Reads what is new; true when there is something.
    pub fn poll(&mut self) -> io::Result<bool> {
        let before = (self.copy.len(), self.restarts.len());
        // A file that is away for a moment (rotation) comes back; until then the old one may still grow.
        if let Ok(meta) = std::fs::metadata(&self.path) {
            if identity_of(&meta) != self.identity {
                // First what was written to the old one until it went away.
                if self.read()? {
                    self.restart(true)?;
                }
            } else if meta.len() < self.n_read || self.has_changed()? {
                self.restart(false)?;
            }
        }
        self.read()?;
        Ok((self.copy.len(), self.restarts.len()) != before)
    }

    /// All that was ever read.
    pub fn bytes(&self) -> io::Result<FileBytes> {
        self.copy.bytes()
    }

    /// Where the file was begun anew.
    pub fn restarts(&self) -> &[LogRestart] {
        &self.restarts
    }

    /// The name of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads on; true when that was all.
    fn read(&mut self) -> io::Result<bool> {
        self.file.seek(SeekFrom::Start(self.n_read))?;
        let mut buffer = vec![0; READ_BYTES];
        let most = self.copy.len().saturating_add(MOST_AT_ONCE);
        while self.copy.len() < most {
            let n = match self.file.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let new = buffer.get(..n).unwrap_or(&[]);
            self.copy.append(new)?;
            self.n_read = self.n_read.saturating_add(n as u64);
            self.last.extend_from_slice(new);
            let n_extra = self.last.len().saturating_sub(REMEMBERED);
            self.last.drain(..n_extra);
        }
        Ok(false)
    }

    /// True when what was read last is not there any more.
    fn has_changed(&mut self) -> io::Result<bool> {
        let from = self.n_read.saturating_sub(self.last.len() as u64);
        self.file.seek(SeekFrom::Start(from))?;
        let mut now = Vec::with_capacity(self.last.len());
        let wanted = self.last.len() as u64;
        Read::take(&mut self.file, wanted).read_to_end(&mut now)?;
        Ok(now != self.last)
    }

    fn restart(&mut self, is_replaced: bool) -> io::Result<()> {
        let file = match File::open(&self.path) {
            // Gone again since it was looked at.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        self.identity = identity_of(&file.metadata()?);
        self.file = file;
        self.n_read = 0;
        self.last.clear();
        self.restarts.push(LogRestart {
            offset: self.copy.len(),
            row: 0,
            is_replaced,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;
    use std::fs::{OpenOptions, rename, write};
    use std::io::Write as _;

    fn text(tail: &Tail) -> String {
        String::from_utf8(tail.bytes().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn what_was_read_stays_when_the_file_grows_shrinks_changes_or_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("uart.log");
        write(&path, "one\ntw").unwrap();
        let mut tail = Tail::open(&path, folder.path()).unwrap();
        assert!(tail.poll().unwrap());
        assert!(!tail.poll().unwrap());
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"o\n").unwrap();
        assert!(tail.poll().unwrap());
        assert_eq!(text(&tail), "one\ntwo\n");
        // Shorter.
        write(&path, "new\n").unwrap();
        assert!(tail.poll().unwrap());
        assert_eq!(text(&tail), "one\ntwo\nnew\n");
        // Cut off and longer than before by now.
        write(&path, "other and longer\n").unwrap();
        assert!(tail.poll().unwrap());
        // Away, then replaced.
        rename(&path, folder.path().join("uart.log.1")).unwrap();
        assert!(!tail.poll().unwrap());
        let mut old = OpenOptions::new()
            .append(true)
            .open(folder.path().join("uart.log.1"))
            .unwrap();
        old.write_all(b"last words\n").unwrap();
        write(&path, "fresh\n").unwrap();
        assert!(tail.poll().unwrap());
        assert_eq!(
            text(&tail),
            "one\ntwo\nnew\nother and longer\nlast words\nfresh\n"
        );
        let restarts: Vec<_> = tail
            .restarts()
            .iter()
            .map(|restart| (restart.offset, restart.is_replaced))
            .collect();
        assert_eq!(restarts, [(8, false), (12, false), (40, true)]);
    }
}
