//! Links to boards: one file each, one registry.
//!
//! Must never do: decode what comes, keep it, open anything before the user asked for it.

mod baud;
mod error;
mod fields;
pub mod gdb_remote;
#[cfg(feature = "probe")]
pub mod probe;
mod target;
pub mod uart;

pub use error::LinkError;
pub use fields::{Field, FieldKind, Settings};
pub use target::{ASKED, Act, Allowed, Cost, Read, RunState, Snapshot, Target};

use std::time::Duration;

/// All kinds of links.
pub static LINKS: &[&dyn LinkKind] = &[
    #[cfg(feature = "probe")]
    &probe::DebugProbe,
    &uart::Uart,
    &gdb_remote::GdbRemote,
];

/// A kind of link: what it is called, what it has to be told, and what of its kind is present.
pub trait LinkKind: Sync {
    /// Its name in commands and recordings.
    fn id(&self) -> &'static str;

    /// Its name in the window.
    fn title(&self) -> &'static str;

    /// What has to be known to open one, in the order of a form.
    fn fields(&self) -> &'static [Field];

    /// What is present, from the system's own list: nothing is opened.
    fn present(&self) -> Vec<Present>;

    /// What a link with these settings is called: `/dev/ttyUSB0, 115200 baud, 8N1`.
    fn describe(&self, settings: &Settings) -> String;

    /// Opens one. This is the first moment at which a device is touched.
    fn open(&self, settings: &Settings) -> Result<Box<dyn Link>, LinkError>;
}

/// Something that a link could be opened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// What it is called by people: `FT232R USB UART (FTDI)`.
    pub title: String,
    /// The settings that open it; others keep their defaults.
    pub settings: Settings,
    /// Why it cannot be opened as it is, and what to do.
    pub problem: Option<String>,
}

/// An open link.
pub trait Link: Send {
    /// Waits for bytes, at most so long, and appends them; none is no error. After an error the link is of no more use.
    fn receive(&mut self, wait: Duration, into: &mut Vec<u8>) -> Result<(), LinkError>;

    /// Sends all bytes.
    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError>;

    /// The processor behind it, where the link gives access to one.
    fn target(&mut self) -> Option<&mut dyn Target> {
        None
    }
}

/// The kind of link with this id.
pub fn link_kind(id: &str) -> Option<&'static dyn LinkKind> {
    LINKS.iter().copied().find(|kind| kind.id() == id)
}
