//! The processor behind a GDB server.

use super::client::{Client, is_output, is_stop};
use super::description::Description;
use super::packet::{from_hex, hex};
use crate::live::LinkError;
use crate::live::target::{ASKED, Act, Cost, Read, RunState, Snapshot, Target};
use crate::model::registers::RegisterSet;
use std::time::{Duration, Instant};

/// Documents of a target description, and bytes of one.
const DOCUMENTS_MAX: usize = 32;
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Monitor commands that reset: of QEMU, and of `OpenOCD`, J-Link, `pyOCD` and Renode.
const RESETS: [&str; 2] = ["system_reset", "reset"];
/// Names of signals that servers stop with (GDB's own numbers).
const SIGNALS: [(u8, &str); 7] = [
    (2, ASKED),
    (4, "an illegal instruction"),
    (5, "a breakpoint"),
    (6, "an abort"),
    (8, "an arithmetic exception"),
    (10, "a bus error"),
    (11, "an invalid memory access"),
];

pub(super) struct Stub {
    name: String,
    client: Client,
    description: Description,
    /// Why the processor stands; `None` while it runs.
    halted: Option<String>,
    cost: Cost,
}

impl Stub {
    /// Connects, learns what the server has, and lets the processor run: most servers halt it for whoever connects.
    pub(super) fn connect(name: &str) -> Result<Self, LinkError> {
        let mut client = Client::connect(name)?;
        let features = client.begin()?;
        let mut stub = Self {
            name: name.to_owned(),
            client,
            description: Description::default(),
            halted: None,
            cost: Cost::default(),
        };
        let begun = Instant::now();
        stub.client.ask_for_stop("?")?;
        let has_description = features
            .iter()
            .any(|feature| feature == "qXfer:features:read+");
        if has_description {
            stub.describe_registers()?;
        }
        if stub.description.is_empty() {
            stub.description = Description::plain_arm();
        }
        stub.client.go_on()?;
        stub.cost.n_halts += 1;
        stub.cost.halted += begun.elapsed();
        Ok(stub)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the program printed through the server.
    pub(super) fn receive(&mut self, wait: Duration, into: &mut Vec<u8>) -> Result<(), LinkError> {
        for said in self.client.hear(wait)? {
            if is_stop(&said) {
                self.halted = Some(why(&said));
            } else if is_output(&said) {
                let output = said.get(1..).and_then(from_hex);
                into.extend(output.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn describe_registers(&mut self) -> Result<(), LinkError> {
        let mut waiting = vec!["target.xml".to_owned()];
        let mut seen = 0;
        while let Some(document) = waiting.pop() {
            seen += 1;
            if seen > DOCUMENTS_MAX {
                break;
            }
            let Some(xml) = self.document(&document)? else {
                continue;
            };
            self.description.add(&xml);
            // The first one goes on first: registers are numbered in the order of the documents.
            waiting.extend(Description::includes(&xml).into_iter().rev());
        }
        Ok(())
    }

    fn document(&mut self, name: &str) -> Result<Option<String>, LinkError> {
        let mut bytes: Vec<u8> = Vec::new();
        let piece = self.client.memory_bytes();
        while bytes.len() < DOCUMENT_BYTES_MAX {
            let at = bytes.len();
            let asked = format!("qXfer:features:read:{name}:{at:x},{piece:x}");
            let answer = self.client.ask(&asked)?;
            match answer.split_first() {
                Some((b'm', more)) if !more.is_empty() => bytes.extend_from_slice(more),
                Some((b'l', last)) => {
                    bytes.extend_from_slice(last);
                    break;
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Halts the processor, if it runs, for as long as `work` takes.
    fn standing<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, LinkError>,
    ) -> Result<T, LinkError> {
        if self.halted.is_some() {
            return work(self);
        }
        let begun = Instant::now();
        let stopped = self.client.interrupt()?;
        if !is_interrupt(&stopped) {
            // It stopped by itself just then.
            self.halted = Some(why(&stopped));
            return work(self);
        }
        let done = work(self);
        if matches!(&done, Err(error) if !matches!(error, LinkError::NotOffered { .. })) {
            // Who did not answer is not waited for a second time; if it still hears, the processor runs.
            _ = self.client.say("c");
            return done;
        }
        self.client.go_on()?;
        self.cost.n_halts += 1;
        self.cost.halted += begun.elapsed();
        done
    }

    fn read(&mut self, read: &mut Read) -> Result<(), LinkError> {
        let begun = Instant::now();
        let mut bytes = Vec::with_capacity(read.n_bytes.min(DOCUMENT_BYTES_MAX));
        let piece = self.client.memory_bytes();
        while bytes.len() < read.n_bytes {
            let n = piece.min(read.n_bytes - bytes.len());
            let addr = read.addr.wrapping_add(bytes.len() as u64);
            let answer = self.client.ask(&format!("m{addr:x},{n:x}"))?;
            self.cost.n_reads += 1;
            let came = from_hex(&answer).filter(|came| !came.is_empty() && came.len() <= n);
            // An error, or the server has nothing there: `E14` is no even number of digits.
            let Some(came) = came else {
                break;
            };
            self.cost.n_bytes += came.len() as u64;
            bytes.extend(came);
        }
        self.cost.busy += begun.elapsed();
        read.bytes = (bytes.len() == read.n_bytes).then_some(bytes);
        Ok(())
    }

    fn write(&mut self, addr: u64, bytes: &[u8]) -> Result<(), LinkError> {
        let piece = (self.client.memory_bytes() / 2).max(1);
        for (n, part) in bytes.chunks(piece).enumerate() {
            let at = addr.wrapping_add((n * piece) as u64);
            let (n_bytes, digits) = (part.len(), hex(part));
            if self.client.ask(&format!("M{at:x},{n_bytes:x}:{digits}"))? != b"OK" {
                return Err(LinkError::NotOffered {
                    what: self.name.clone(),
                    service: format!("the server does not let {at:#010x} be written"),
                });
            }
        }
        Ok(())
    }

    /// Servers reset in words of their own: the first that one understands.
    fn reset(&mut self) -> Result<(), LinkError> {
        for words in RESETS {
            let asked = format!("qRcmd,{}", hex(words.as_bytes()));
            if self.client.ask(&asked)? == b"OK" {
                return Ok(());
            }
        }
        Err(LinkError::NotOffered {
            what: self.name.clone(),
            service: "the server knows no way to reset the board".to_owned(),
        })
    }

    fn registers(&mut self) -> Result<Option<RegisterSet>, LinkError> {
        let answer = self.client.ask("g")?;
        let registers = self.description.registers(&answer);
        Ok((registers.iter().count() > 0).then_some(registers))
    }
}

impl Target for Stub {
    fn describe(&self) -> String {
        let architecture = self.description.architecture().unwrap_or("no description");
        if self.description.has("xpsr") && !self.description.has("psp") {
            return format!(
                "{architecture}; the server has no psp: a fault in a thread of an RTOS is looked for on its stack"
            );
        }
        architecture.to_owned()
    }

    fn halts_to_read(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<RunState, LinkError> {
        Ok(match &self.halted {
            Some(why) => RunState::Halted { why: why.clone() },
            None => RunState::Running,
        })
    }

    fn snapshot(
        &mut self,
        mut reads: Vec<Read>,
        with_registers: bool,
    ) -> Result<Snapshot, LinkError> {
        self.standing(|stub| {
            let mut registers = None;
            if with_registers {
                registers = stub.registers()?;
            }
            for read in &mut reads {
                stub.read(read)?;
            }
            Ok(Snapshot { registers, reads })
        })
    }

    fn act(&mut self, act: &Act) -> Result<(), LinkError> {
        match act {
            Act::Halt => {
                if self.halted.is_none() {
                    self.client.interrupt()?;
                    self.halted = Some(ASKED.to_owned());
                }
                Ok(())
            }
            Act::Run => {
                if self.halted.take().is_some() {
                    self.client.go_on()?;
                }
                Ok(())
            }
            Act::Step => {
                self.act(&Act::Halt)?;
                self.client.ask_for_stop("s")?;
                Ok(())
            }
            Act::Reset => self.standing(Self::reset),
            Act::Write { addr, bytes } => self.standing(|stub| stub.write(*addr, bytes)),
        }
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

impl Drop for Stub {
    /// The server lets the processor run when nobody is attached any more; one that stopped by itself is left as it is only as
    /// far as the server does so.
    fn drop(&mut self) {
        if self.halted.is_none() {
            // `D` is understood while the processor stands.
            let stopped = self.client.interrupt().is_ok();
            let _is_left = stopped && self.client.ask("D").is_ok();
        } else {
            let _is_left = self.client.say("D").is_ok();
        }
    }
}

fn signal(stop: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(stop.get(1..3)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

/// A stop that a halt was asked for: SIGINT, of other servers SIGTRAP, 0 or 17. A breakpoint instruction that was met at that
/// very moment is met again when the processor goes on.
fn is_interrupt(stop: &[u8]) -> bool {
    matches!(signal(stop), Some(0 | 2 | 5 | 17))
}

/// Why it stopped, in words.
fn why(stop: &[u8]) -> String {
    let number = signal(stop);
    let known = SIGNALS.iter().find(|(known, _)| Some(*known) == number);
    match (known, number) {
        (Some((_, name)), _) => (*name).to_owned(),
        (None, Some(number)) => format!("signal {number}"),
        (None, None) => "an unknown reason".to_owned(),
    }
}
