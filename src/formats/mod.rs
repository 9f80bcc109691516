//! Bytes to records: one file a format, one registry.
//!
//! Must never do: open a file, need a symbol.

pub mod archive;
pub mod boots;
pub mod build_id_note;
mod bytes;
mod crashcatcher;
mod elf_core;
pub mod elf_core_writer;
mod esp;
mod esp_panic;
mod fault_memory;
mod fault_print;
pub mod fleet_manifest;
mod lines;
mod literals;
pub mod log;
pub mod manifest;
mod msgpack;
mod probe_rs_dump;
pub mod recording;
pub mod scan;
pub mod sdk;
mod survey;
pub mod table;
pub mod watch;
pub mod written_table;
mod zephyr;
mod zephyr_text;

use crate::model::{
    coredump::Coredump,
    device_message::DeviceMessage,
    progress::{Cancelled, Progress},
    warning::Warning,
};
use lines::LineSearch;
use literals::Literals;
use std::ops::Range;

/// How sure a format is that the bytes are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Not this format.
    No,
    /// Nothing speaks against it.
    Maybe,
    /// A short signature, or the name, speaks for it.
    Likely,
    /// A long signature and its fields agree.
    Certain,
}

/// What a format made of some bytes.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// Dumps, in the order of the input.
    pub coredumps: Vec<Coredump>,
    /// Boots that the input tells of, in its order.
    pub boots: Vec<boots::BootRecord>,
    /// What devices say of themselves: heartbeats, events, coredumps and states, in the order of the input. Logs are not
    /// among them: they are rows of the log.
    pub messages: Vec<DeviceMessage>,
    /// Numbers that were looked at while a program ran.
    pub watched: Vec<watch::Watched>,
    /// The bytes that were decoded.
    pub understood: Vec<Range<u64>>,
    /// What was wrong with the input outside any one dump.
    pub warnings: Vec<Warning>,
}

/// Where a format is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The file is the record, from its first byte.
    WholeFile,
    /// Any text, among other lines, any number of times.
    Text,
}

/// One input format. A new one is a file here and a line in [`FORMATS`].
pub trait Format: Sync {
    /// Stable id, used in JSON, options and saved files.
    fn id(&self) -> &'static str;
    /// The name on screen.
    fn label(&self) -> &'static str;
    /// Usual file name extensions, without the dot. They break ties only.
    fn extensions(&self) -> &'static [&'static str];
    /// Whether it is a file of its own or found among lines of text.
    fn carrier(&self) -> Carrier;
    /// Looks at the content (and, where that leaves doubt, at the name).
    fn sniff(&self, bytes: &[u8], name: &str) -> Confidence;
    /// Literals, one of which stands on a line of every record: they are looked for together with those of other formats.
    fn literals(&self) -> Option<&'static Literals> {
        None
    }
    /// Takes out all there is on the lines with its literals and around them. Of a format that has literals.
    fn records(&self, lines: LineSearch<'_>) -> Result<Decoded, Cancelled> {
        _ = lines;
        Ok(Decoded::default())
    }
    /// Takes out all there is. Damage gives less and a warning, never an error.
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        match self.literals() {
            Some(literals) => self.records(LineSearch::new(bytes, literals, progress)),
            None => Ok(Decoded::default()),
        }
    }
    /// As [`Format::decode`] for a text in which its literals stand at `places`, in order, and nowhere else.
    fn decode_at(
        &self,
        bytes: &[u8],
        places: &[usize],
        progress: &dyn Progress,
    ) -> Result<Decoded, Cancelled> {
        self.records(LineSearch::at_places(bytes, places, progress))
    }
}

/// Every format, sorted by id.
pub static FORMATS: &[&dyn Format] = &[
    &boots::BootBanner,
    &crashcatcher::CrashCatcher,
    &crashcatcher::CrashCatcherBinary,
    &elf_core::ElfCore,
    &esp::flash::EspCore,
    &esp::console::EspCoreText,
    &esp_panic::EspPanic,
    &fault_print::FaultPrint,
    &probe_rs_dump::ProbeRs,
    &fault_print::riscv::RiscvPrint,
    &sdk::SdkCobs,
    &sdk::SdkLines,
    &watch::WatchedNumbers,
    &zephyr::Zephyr,
    &zephyr_text::ZephyrText,
];

/// No log of a device holds more; bounds the work on garbage.
const MOST_DUMPS: usize = 10_000;

/// True when a format has found enough in one file; then a warning says so.
fn is_full(decoded: &mut Decoded, at: usize) -> bool {
    let is_full = decoded.coredumps.len() >= MOST_DUMPS;
    if is_full {
        decoded.warnings.push(Warning::at(
            "FS-SCAN-002",
            lines::as_u64(at),
            format!("the file holds more than {MOST_DUMPS} dumps of one kind; those from here on were left out"),
        ));
    }
    is_full
}

#[cfg(test)]
mod tests {
    use super::FORMATS;

    #[test]
    fn the_registry_is_sorted_and_its_ids_are_unique() {
        let ids: Vec<&str> = FORMATS.iter().map(|f| f.id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        assert!(FORMATS.iter().all(|f| !f.label().is_empty()));
    }
}
