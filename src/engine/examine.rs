//! From named bytes to crashes: every file is scanned, sources of one fault are joined.
//!
//! The one path that importing, `backtrace` and re-symbolizing share, so that all three agree on which crash is which.

use super::input::{InputFile, Inputs, Refused};
use crate::analysis::join::{JoinedDump, SourceDump, join};
use crate::formats::{self, BootRecord, FileScan, manifest::Manifest};
use crate::model::build_id::BuildId;
use crate::model::progress::{Cancelled, Progress};
use crate::model::warning::Warning;
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;

/// Name of the manifest inside a bundle (contracts.md, section 2).
pub const MANIFEST_NAME: &str = "fieldscope.json";

/// Everything that was found in one input.
#[derive(Default)]
pub struct Examined {
    /// The files, in the order of the input.
    pub files: Vec<ExaminedFile>,
    /// Crashes, in the order of the files and their offsets.
    pub crashes: Vec<ExaminedCrash>,
    /// ELF files that came with the input.
    pub symbol_files: Vec<Arc<SymbolFile>>,
    /// The manifest, if there was one.
    pub manifest: Option<Manifest>,
    /// What could not be read.
    pub refused: Vec<Refused>,
    /// Warnings about the input as a whole.
    pub warnings: Vec<Warning>,
}

/// One file and what the scan said.
pub struct ExaminedFile {
    /// The file.
    pub input: InputFile,
    /// What is in it, apart from its dumps.
    pub scan: FileScan,
    /// How many coredumps and fault prints it held, before joining.
    pub n_dumps: usize,
}

/// One crash with what is known of its identity.
pub struct ExaminedCrash {
    /// The joined dump and its sources.
    pub joined: JoinedDump,
    /// The build id of the crash and where it was found.
    pub build_id: Option<(BuildId, IdSource)>,
    /// Ordinal of the boot in its file, if a boot banner stood before it.
    pub boot: Option<usize>,
}

/// Where the build id of a crash was found (contracts.md, section 1, in this order).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdSource {
    /// The dump's own header or note.
    Dump,
    /// A note in captured memory.
    Memory,
    /// The boot banner of the same boot.
    BootBanner,
    /// The manifest of the bundle.
    Manifest,
}

impl IdSource {
    /// In words, for "why we believe this".
    pub fn label(self) -> &'static str {
        match self {
            Self::Dump => "the dump's own note",
            Self::Memory => "a note in captured memory",
            Self::BootBanner => "the boot banner before it",
            Self::Manifest => "the bundle's manifest",
        }
    }
}

/// Scans every file and joins what belongs together.
pub fn examine(inputs: Inputs, progress: &dyn Progress) -> Result<Examined, Cancelled> {
    let mut examined = Examined { refused: inputs.refused, ..Examined::default() };
    let total: u64 = inputs.files.iter().map(|file| file.bytes.len() as u64).sum();
    let mut done = 0;
    let mut dumps = Vec::new();
    for input in inputs.files {
        progress.tick(done, total)?;
        done += input.bytes.len() as u64;
        if is_manifest(&input.path) {
            let (manifest, warnings) = Manifest::parse(&input.bytes);
            examined.warnings.extend(warnings);
            examined.manifest = manifest.or(examined.manifest);
        }
        let mut scan = formats::scan(&input.path, &input.bytes, progress)?;
        if scan.symbols {
            match SymbolFile::parse(&input.path, input.bytes.to_vec()) {
                Ok(file) => examined.symbol_files.push(Arc::new(file)),
                Err(error) => scan.warnings.push(Warning::new("FS-SYM-001", error.to_string())),
            }
        }
        let found = std::mem::take(&mut scan.coredumps);
        let n_dumps = found.len();
        for dump in found {
            let boot = boot_before(&scan.boots, dump.source.start);
            let boot_build_id = boot.and_then(|idx| scan.boots.get(idx)).and_then(|b| b.build_id.clone());
            dumps.push(SourceDump {
                path: input.path.clone(),
                file_index: examined.files.len(),
                boot,
                boot_build_id,
                dump,
            });
        }
        examined.files.push(ExaminedFile { input, scan, n_dumps });
    }
    let manifest_id = examined.manifest.as_ref().and_then(Manifest::build_id);
    for joined in join(dumps) {
        let build_id = identity(&joined, manifest_id.as_ref());
        let boot = joined.sources.iter().find_map(|source| source.boot);
        examined.crashes.push(ExaminedCrash { joined, build_id, boot });
    }
    Ok(examined)
}

fn identity(joined: &JoinedDump, manifest: Option<&BuildId>) -> Option<(BuildId, IdSource)> {
    let dump = &joined.dump;
    if let Some(id) = &dump.build_id {
        return Some((id.clone(), IdSource::Dump));
    }
    if let Some(id) = formats::find_build_id_note(&dump.memory) {
        return Some((id, IdSource::Memory));
    }
    if let Some(id) = &joined.boot_build_id {
        return Some((id.clone(), IdSource::BootBanner));
    }
    manifest.map(|id| (id.clone(), IdSource::Manifest))
}

fn boot_before(boots: &[BootRecord], offset: u64) -> Option<usize> {
    boots.iter().rposition(|boot| boot.offset <= offset)
}

fn is_manifest(path: &str) -> bool {
    path.rsplit('/').next() == Some(MANIFEST_NAME)
}
