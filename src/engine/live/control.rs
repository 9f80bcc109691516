//! What a person asks to be done to a board: apart from observing, never unasked, and each told and recorded.

use super::watch::Watch;
use crate::formats::recording::LinkState;
use crate::live::{Act, LinkError, Read, Target};
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// Writes that can be taken back.
const UNDO_MAX: usize = 100;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Send bytes.
    Send(Vec<u8>),
    /// Let the processor stand.
    Halt,
    /// Let it run.
    Run,
    /// Let it execute one instruction.
    Step,
    /// Reset the chip.
    Reset,
    /// Write a number, as in `state.rssi = -57`.
    Write {
        /// The number.
        number: Box<Watch>,
        /// What is written.
        value: String,
    },
    /// Take the last write back.
    Undo,
}

impl Order {
    /// What is asked for in words: `halt`, `run`, `step`, `reset`, `undo` or `NAME = VALUE`. Says what is wrong otherwise.
    pub fn of(text: &str, elfs: &[Arc<SymbolFile>]) -> Result<Self, String> {
        Ok(match text.trim() {
            "halt" => Self::Halt,
            "run" => Self::Run,
            "step" => Self::Step,
            "reset" => Self::Reset,
            "undo" => Self::Undo,
            other => {
                let (name, value) = other.split_once('=').ok_or_else(|| {
                    format!("{other} is none of halt, run, step, reset, undo and NAME = VALUE")
                })?;
                Self::Write {
                    number: Box::new(Watch::find(elfs, name.trim())?),
                    value: value.trim().to_owned(),
                }
            }
        })
    }
}

/// Passes orders to a link, from any thread, for as long as the session lasts.
#[derive(Clone)]
pub struct Orders(pub(super) Sender<Order>);

impl Orders {
    /// Passes one on; false when the session is over.
    pub fn give(&self, order: Order) -> bool {
        self.0.send(order).is_ok()
    }
}

/// One write.
struct Written {
    number: Watch,
    before: Vec<u8>,
}

/// Carries orders out.
#[derive(Default)]
pub(super) struct Control {
    written: Vec<Written>,
    is_halted: bool,
}

impl Control {
    /// Lets a board run that was halted: who leaves it leaves it running.
    pub(super) fn leave(&mut self, target: &mut dyn Target) -> Result<(), LinkError> {
        if std::mem::take(&mut self.is_halted) {
            target.act(&Act::Run)?;
        }
        Ok(())
    }

    /// Does what is asked of a processor; answers what was done, or why not, in words. The error is that of the link.
    pub(super) fn carry_out(
        &mut self,
        order: &Order,
        target: &mut dyn Target,
    ) -> Result<LinkState, LinkError> {
        match order {
            Order::Halt | Order::Step => self.is_halted = true,
            Order::Run | Order::Reset => self.is_halted = false,
            _ => {}
        }
        let done = match order {
            Order::Send(_) => Ok(String::new()),
            Order::Halt => target.act(&Act::Halt).map(|()| "halted".to_owned()),
            Order::Run => target.act(&Act::Run).map(|()| "let run".to_owned()),
            Order::Step => target.act(&Act::Step).and_then(|()| stepped(target)),
            Order::Reset => {
                // What was written is gone.
                self.written.clear();
                target.act(&Act::Reset).map(|()| "reset".to_owned())
            }
            Order::Write { number, value } => self.write(target, number, value),
            Order::Undo => self.undo(target),
        };
        match done {
            Ok(what) => Ok(LinkState::Acted { what }),
            // The board does not let that be done; the link goes on.
            Err(LinkError::NotOffered { service, .. }) => Ok(LinkState::Refused { why: service }),
            Err(LinkError::Setting { why, .. }) => Ok(LinkState::Refused { why }),
            Err(error) => Err(error),
        }
    }

    fn write(
        &mut self,
        target: &mut dyn Target,
        number: &Watch,
        value: &str,
    ) -> Result<String, LinkError> {
        let bytes = number.bytes_of(value).map_err(|why| LinkError::Setting {
            field: "value",
            why,
        })?;
        let before = read(target, number)?;
        write(target, number, bytes)?;
        let after = read(target, number)?;
        let name = &number.number.name;
        let said = |bytes: &[u8]| number.words_of(bytes);
        let words = format!("written: {name} = {} (was {})", said(&after), said(&before));
        self.written.push(Written {
            number: number.clone(),
            before,
        });
        let n_extra = self.written.len().saturating_sub(UNDO_MAX);
        self.written.drain(..n_extra);
        Ok(words)
    }

    fn undo(&mut self, target: &mut dyn Target) -> Result<String, LinkError> {
        let Some(written) = self.written.pop() else {
            return Err(LinkError::Setting {
                field: "value",
                why: "nothing was written that could be taken back".to_owned(),
            });
        };
        let words = written.number.words_of(&written.before);
        let name = written.number.number.name.clone();
        write(target, &written.number, written.before)?;
        Ok(format!("written back: {name} = {words}"))
    }
}

fn stepped(target: &mut dyn Target) -> Result<String, LinkError> {
    let registers = target.snapshot(Vec::new(), true)?.registers;
    let pc = registers.and_then(|registers| registers.pc());
    Ok(match pc {
        Some(pc) => format!("stepped to {pc:#010x}"),
        None => "stepped".to_owned(),
    })
}

fn read(target: &mut dyn Target, number: &Watch) -> Result<Vec<u8>, LinkError> {
    let read = Read::new(number.value_address(), number.value_bytes());
    let snapshot = target.snapshot(vec![read], false)?;
    let bytes = snapshot
        .reads
        .into_iter()
        .next()
        .and_then(|read| read.bytes);
    bytes.ok_or_else(|| LinkError::Setting {
        field: "value",
        why: format!(
            "{} cannot be read, so that it could not be taken back: it was not written",
            number.number.name
        ),
    })
}

fn write(target: &mut dyn Target, number: &Watch, bytes: Vec<u8>) -> Result<(), LinkError> {
    let addr = number.value_address();
    target.act(&Act::Write { addr, bytes })
}
