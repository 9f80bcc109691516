//! A stream of text, worked on by all processors, in and out in the same order.
//!
//! A pipe is answered as it goes: whatever lines are there are worked on at once, and only when much is waiting are
//! other threads asked to help.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};

/// Bytes that are asked for first: one address, the most common question, should not touch the memory of a million.
const FIRST_READ_BYTES: usize = 4 << 10;
/// Bytes that are asked for at a time when there are that many.
const MOST_READ_BYTES: usize = 256 << 10;
/// So much waiting text is worth the help of other threads.
const BULK_BYTES: usize = 32 << 10;
/// A line longer than this is cut.
const LONGEST_LINE: usize = 1 << 20;
/// More threads than this only wait for memory.
const MOST_THREADS: usize = 16;

/// Cuts what comes in behind the last line that is complete.
pub struct Lines<R> {
    input: R,
    rest: Vec<u8>,
    /// Bytes to ask for next: more whenever all that were asked for came.
    n_asked: usize,
    is_at_end: bool,
}

impl<R: Read> Lines<R> {
    /// Over an input.
    pub fn new(input: R) -> Self {
        Self {
            input,
            rest: Vec::new(),
            n_asked: FIRST_READ_BYTES,
            is_at_end: false,
        }
    }

    /// The lines that are there now, at least one; `None` at the end.
    pub fn next_lines(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        while !self.is_at_end {
            let known = self.rest.len();
            self.rest.resize(known + self.n_asked, 0);
            let buffer = self.rest.get_mut(known..).unwrap_or_default();
            let read = match self.input.read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                    self.rest.truncate(known);
                    continue;
                }
                other => other,
            };
            self.rest.truncate(known + read.as_ref().map_or(0, |n| *n));
            let n_read = read?;
            if n_read == 0 {
                self.is_at_end = true;
                break;
            }
            if n_read == self.n_asked {
                self.n_asked = (n_read * 4).min(MOST_READ_BYTES);
            }
            let fresh = self.rest.get(known..).unwrap_or_default();
            if let Some(back) = fresh.iter().rposition(|byte| *byte == b'\n') {
                let rest = self.rest.split_off(known + back + 1);
                return Ok(Some(std::mem::replace(&mut self.rest, rest)));
            }
            if self.rest.len() > LONGEST_LINE {
                break;
            }
        }
        let last = std::mem::take(&mut self.rest);
        Ok((!last.is_empty()).then_some(last))
    }
}

/// Whether so much text is waiting that it is worth the help of other threads.
pub fn is_bulk(lines: &[u8]) -> bool {
    lines.len() >= BULK_BYTES
}

/// What became of some lines; `None` when `work` could not do it.
type Done = (usize, Vec<u8>, Option<Vec<u8>>);

/// Works on `first` and everything that follows it. What `work` cannot do is left to `instead`, in its place.
pub fn in_parallel<R: Read + Send>(
    first: Vec<u8>,
    input: &mut Lines<R>,
    work: &(dyn Fn(&[u8], &mut Vec<u8>) -> bool + Sync),
    instead: &mut dyn FnMut(&[u8], &mut Vec<u8>),
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = n_threads.min(MOST_THREADS);
    std::thread::scope(|scope| {
        let (todo, waiting) = mpsc::sync_channel::<(usize, Vec<u8>)>(n_threads * 2);
        let (done, results) = mpsc::sync_channel::<Done>(n_threads * 2);
        let waiting = std::sync::Arc::new(Mutex::new(waiting));
        for number in 0..n_threads {
            let (waiting, done) = (std::sync::Arc::clone(&waiting), done.clone());
            std::thread::Builder::new()
                .name(format!("names {number}"))
                .spawn_scoped(scope, move || {
                    loop {
                        let next = waiting
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .recv();
                        let Ok((number, lines)) = next else { return };
                        let mut answer = Vec::with_capacity(lines.len() * 8);
                        let answer = work(&lines, &mut answer).then_some(answer);
                        if done.send((number, lines, answer)).is_err() {
                            return;
                        }
                    }
                })?;
        }
        drop((done, waiting));
        let reader = std::thread::Builder::new()
            .name("names input".to_owned())
            .spawn_scoped(scope, move || -> std::io::Result<()> {
                let mut next = Some(first);
                let mut number = 0;
                while let Some(lines) = next {
                    if todo.send((number, lines)).is_err() {
                        return Ok(());
                    }
                    number += 1;
                    next = input.next_lines()?;
                }
                Ok(())
            })?;
        let mut early: BTreeMap<usize, (Vec<u8>, Option<Vec<u8>>)> = BTreeMap::new();
        let mut turn = 0;
        while let Ok((number, lines, answer)) = results.recv() {
            early.insert(number, (lines, answer));
            while let Some((lines, answer)) = early.remove(&turn) {
                turn += 1;
                let answer = answer.unwrap_or_else(|| {
                    let mut answer = Vec::new();
                    instead(&lines, &mut answer);
                    answer
                });
                out.write_all(&answer)?;
            }
        }
        reader
            .join()
            .unwrap_or_else(|_panic| Err(std::io::Error::other("the reader of the input failed")))
    })
}

#[cfg(test)]
mod tests {
    use super::{Lines, in_parallel};
    use std::io::Read;

    /// Gives what it holds a few bytes at a time.
    struct Drip(Vec<u8>, usize);
    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(self.0.len()).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0.drain(..n);
            Ok(n)
        }
    }

    #[test]
    fn lines_come_whole_whatever_the_pipe_does() {
        for step in [1, 3, 7, 1000] {
            let mut lines = Lines::new(Drip(b"ab\ncdef\n\nlast".to_vec(), step));
            let mut all = Vec::new();
            while let Some(some) = lines.next_lines().unwrap() {
                assert!(some.ends_with(b"\n") || some == b"last");
                all.extend(some);
            }
            assert_eq!(all, b"ab\ncdef\n\nlast");
        }
    }

    #[test]
    fn the_order_stays_and_what_fails_is_done_otherwise() {
        let text: Vec<u8> = (0..20_000)
            .flat_map(|n| format!("line {n}\n").into_bytes())
            .collect();
        let mut lines = Lines::new(Drip(text.clone(), 5000));
        let first = lines.next_lines().unwrap().unwrap();
        let mut out = Vec::new();
        let work = |some: &[u8], answer: &mut Vec<u8>| {
            answer.extend_from_slice(some);
            !some.len().is_multiple_of(3)
        };
        let mut instead = |some: &[u8], answer: &mut Vec<u8>| answer.extend_from_slice(some);
        in_parallel(first, &mut lines, &work, &mut instead, &mut out).unwrap();
        assert!(out == text);
    }
}
