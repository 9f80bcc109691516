//! What an import found, and how it is said.

use super::fleet_import::FleetSummary;
use super::input::Refused;
use serde::Serialize;

/// The `schema` of a summary.
const IMPORT_SCHEMA: &str = "fieldscope.import/1";

/// What an import found.
#[derive(Clone, Debug, Serialize)]
pub struct ImportSummary {
    /// Always `fieldscope.import/1`.
    pub schema: &'static str,
    /// Ids of the captures, new or already there.
    pub captures: Vec<i64>,
    /// How many of them had been imported before.
    pub n_already_here: usize,
    /// Files read.
    pub n_files: usize,
    /// Boots found.
    pub n_boots: usize,
    /// Crashes found.
    pub n_crashes: usize,
    /// Crashes that wait for symbols.
    pub n_without_symbols: usize,
    /// ELF files found.
    pub n_symbol_files: usize,
    /// The headline of each crash.
    pub crashes: Vec<String>,
    /// Files that were kept and not understood.
    pub not_understood: Vec<String>,
    /// What could not be read, wholly or in part, and why.
    pub refused: Vec<Refused>,
    /// Heartbeats of devices.
    pub n_heartbeats: u64,
    /// Events of devices: boots, crashes, disconnects.
    pub n_events: u64,
    /// Builds without whose ELF values of heartbeats have no names yet.
    pub waiting_builds: Vec<WaitingOfBuild>,
    /// How heartbeats and events got their times, and what of them was not stored, in words.
    pub notes: Vec<String>,
    /// Fleet samples.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fleet: Vec<FleetSummary>,
}

/// Heartbeats that wait for an ELF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingOfBuild {
    /// The build; `None`: the heartbeats name none.
    pub build_id: Option<String>,
    pub n_heartbeats: u64,
}

impl Default for ImportSummary {
    fn default() -> Self {
        Self {
            schema: IMPORT_SCHEMA,
            captures: Vec::new(),
            n_already_here: 0,
            n_files: 0,
            n_boots: 0,
            n_crashes: 0,
            n_without_symbols: 0,
            n_symbol_files: 0,
            crashes: Vec::new(),
            not_understood: Vec::new(),
            refused: Vec::new(),
            n_heartbeats: 0,
            n_events: 0,
            waiting_builds: Vec::new(),
            notes: Vec::new(),
            fleet: Vec::new(),
        }
    }
}

impl ImportSummary {
    /// `2 captures: 3 boots, 2 crashes; 1 file not understood (kept)`.
    pub fn sentence(&self) -> String {
        let of_fleets: Vec<String> = self.fleet.iter().map(FleetSummary::sentence).collect();
        if self.captures.is_empty() && !of_fleets.is_empty() {
            return of_fleets.join(" ");
        }
        [self.sentence_of_captures()]
            .into_iter()
            .chain(of_fleets)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn sentence_of_captures(&self) -> String {
        if self.n_already_here == self.captures.len() && self.n_already_here > 0 {
            return "Already here: the same bytes were imported before.".to_owned();
        }
        let count =
            |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let mut parts = vec![count(self.n_files, "file", "files")];
        if self.n_boots > 0 {
            parts.push(count(self.n_boots, "boot", "boots"));
        }
        parts.push(match self.n_crashes {
            0 => "no crash".to_owned(),
            n => count(n, "crash", "crashes"),
        });
        if self.n_symbol_files > 0 {
            parts.push(count(
                self.n_symbol_files,
                "ELF with symbols",
                "ELF files with symbols",
            ));
        }
        let mut sentences = vec![format!("Found {}.", parts.join(", "))];
        if self.n_without_symbols > 0 {
            let waits = if self.n_without_symbols == 1 {
                "waits"
            } else {
                "wait"
            };
            let crashes = count(self.n_without_symbols, "crash", "crashes");
            sentences.push(format!("{crashes} {waits} for symbols."));
        }
        if self.n_heartbeats > 0 {
            let n = usize::try_from(self.n_heartbeats).unwrap_or(usize::MAX);
            sentences.push(format!(
                "{} stored.",
                count(n, "heartbeat was", "heartbeats were")
            ));
        }
        sentences.extend(self.waiting_builds.iter().map(WaitingOfBuild::sentence));
        if !self.not_understood.is_empty() {
            let files = count(self.not_understood.len(), "file was", "files were");
            sentences.push(format!("{files} not understood and kept."));
        }
        if self.n_already_here > 0 {
            let captures = count(self.n_already_here, "capture was", "captures were");
            sentences.push(format!("{captures} already here."));
        }
        sentences.join(" ")
    }
}

impl WaitingOfBuild {
    fn sentence(&self) -> String {
        let (n, who) = match self.n_heartbeats {
            1 => (1, "heartbeat waits"),
            n => (n, "heartbeats wait"),
        };
        match &self.build_id {
            Some(id) => format!("{n} {who} for the ELF of build {id}."),
            None => format!("{n} {who} for an ELF, but the messages name no build."),
        }
    }
}
