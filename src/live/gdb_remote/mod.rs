//! A GDB server over TCP: QEMU, `OpenOCD`, J-Link, `pyOCD`, Renode (GDB manual, appendix E "GDB Remote Serial Protocol").
//!
//! The protocol has no way to read the memory of a processor that runs: it is halted for each look, as briefly as can be, and the
//! cost is counted. Nothing else is done to it: no breakpoint, no reset, no write.

mod client;
mod description;
mod packet;
mod stub;

use super::target::RTT;
use super::{Field, FieldKind, Link, LinkError, LinkKind, Present, Settings, Target};
use std::time::Duration;
use stub::Stub;

/// Where the server listens.
pub const ADDRESS: Field = Field {
    id: "address",
    title: "Address",
    kind: FieldKind::Text,
    default: "localhost:1234",
    help: "Host and port: QEMU mostly has 1234, OpenOCD 3333, J-Link 2331, pyOCD 3333, Renode 3333",
};

/// The kind of link.
pub struct GdbRemote;

impl LinkKind for GdbRemote {
    fn id(&self) -> &'static str {
        "gdb"
    }

    fn title(&self) -> &'static str {
        "GDB server"
    }

    fn fields(&self) -> &'static [Field] {
        &[ADDRESS, RTT]
    }

    /// Which servers listen shows only when they are asked, and nothing is asked before somebody connects.
    fn present(&self) -> Vec<Present> {
        Vec::new()
    }

    fn describe(&self, settings: &Settings) -> String {
        format!("GDB server {}", settings.text(&ADDRESS))
    }

    fn open(&self, settings: &Settings) -> Result<Box<dyn Link>, LinkError> {
        let stub = Stub::connect(settings.checked(&ADDRESS)?)?;
        Ok(Box::new(OpenGdbRemote(stub)))
    }
}

struct OpenGdbRemote(Stub);

impl Link for OpenGdbRemote {
    fn receive(&mut self, wait: Duration, into: &mut Vec<u8>) -> Result<(), LinkError> {
        self.0.receive(wait, into)
    }

    fn send(&mut self, _bytes: &[u8]) -> Result<(), LinkError> {
        Err(LinkError::NotOffered {
            what: self.0.name().to_owned(),
            service: "it has no console to send text to".to_owned(),
        })
    }

    fn target(&mut self) -> Option<&mut dyn Target> {
        Some(&mut self.0)
    }
}
