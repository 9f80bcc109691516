//! From named bytes to crashes: every file is scanned, sources of one fault are joined.
//!
//! The one path that importing, `backtrace` and re-symbolizing share, so that all three agree on which crash is which.

use super::hash_in_turn::HashInTurn;
use super::input::{InputFile, Inputs, Refused};
use super::logs::recognise::recognise;
use super::parallel;
use super::separate_debug::{ElfFile, join_debug_files, join_split_files};
use crate::analysis::join::{BuildIdFrom, JoinedDump, SourceDump, join};
use crate::formats::boots::BootRecord;
use crate::formats::build_id_note::find_build_id_note;
use crate::formats::manifest::{self, Manifest};
use crate::formats::scan::{FileScan, scan, scan_with};
use crate::model::build_id::BuildId;
use crate::model::coredump::Coredump;
use crate::model::progress::{Cancelled, Progress};
use crate::model::registers::RegValue;
use crate::model::warning::Warning;
use crate::store::sha256::Sha256 as ContentHash;
use crate::symbols::split::split_file::SplitFile;
use crate::symbols::symbol_file::SymbolFile;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Everything that was found in one input.
#[derive(Default)]
pub struct Examined {
    /// The files, in the order of the input.
    pub files: Vec<ExaminedFile>,
    /// Crashes, in the order of the files and their offsets.
    pub crashes: Vec<ExaminedCrash>,
    /// ELF files that came with the input.
    pub symbol_files: Vec<Arc<SymbolFile>>,
    /// `.dwo` and `.dwp` files that came with the input.
    pub split_files: Vec<Arc<SplitFile>>,
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
    /// The hash of its bytes, where it was made meanwhile.
    pub sha256: Option<ContentHash>,
}

/// Texts from this size on are looked through by all processors.
const SHARED_FROM_BYTES: usize = 16 << 20;

/// Scans a file; a large text is looked through by all processors, piece by piece, and its hash is made with it.
fn scan_by_all(
    input: &InputFile,
    progress: &dyn Progress,
) -> Result<(FileScan, Option<ContentHash>), Cancelled> {
    let bytes = &input.bytes;
    if bytes.len() < SHARED_FROM_BYTES {
        return Ok((scan(&input.path, bytes, progress)?, None));
    }
    let hash = HashInTurn::default();
    let scan = scan_with(&input.path, bytes, progress, &|steps| {
        parallel::in_order(steps, progress, |step, progress| {
            if let Some(piece) = step.piece() {
                // First: while the next one is hashed, this one is looked at.
                hash.add(bytes, &piece, progress)?;
            }
            step.run(progress)
        })
    })?;
    Ok((scan, hash.finish(bytes.len())))
}

/// One crash with what is known of its identity.
pub struct ExaminedCrash {
    /// The joined dump and its sources.
    pub joined: JoinedDump,
    /// The build id of the crash and where it was found.
    pub build_id: Option<(BuildId, IdSource)>,
    /// Index of the file and ordinal of the boot in it, if a boot banner stood before the crash.
    pub boot: Option<(usize, usize)>,
}

impl ExaminedCrash {
    /// Format ids of its sources, each once, in the order of the input.
    pub fn source_formats(&self) -> Vec<String> {
        let mut formats: Vec<String> = Vec::new();
        for source in &self.joined.sources {
            if !formats.iter().any(|format| format == source.format) {
                formats.push(source.format.to_owned());
            }
        }
        formats
    }

    /// Names the captured bytes, so that the same dump in two captures is known as one crash.
    pub fn dump_key(&self) -> String {
        let dump = &self.joined.dump;
        let mut hash = Sha256::new();
        for thread in &dump.threads {
            for (reg, value) in thread.registers.iter() {
                if let RegValue::Known(value) = value {
                    hash.update(reg.0.to_le_bytes());
                    hash.update(value.to_le_bytes());
                }
            }
        }
        for region in dump.memory.regions() {
            hash.update(region.start.to_le_bytes());
            hash.update(&region.bytes);
        }
        Sha256Hex(&hash.finalize()).to_string()
    }
}

/// A hash as lower-case hex.
struct Sha256Hex<'a>(&'a [u8]);

impl std::fmt::Display for Sha256Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
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
    let mut examined = Examined {
        refused: inputs.refused,
        ..Examined::default()
    };
    let scans = parallel::in_order(&inputs.files, progress, |input, progress| {
        let (scan, sha256) = scan_by_all(input, progress)?;
        let symbols = scan
            .symbols
            .then(|| ElfFile::parse(&input.path, &input.bytes));
        Ok((scan, symbols, sha256))
    })?;
    let mut dumps = Vec::new();
    let mut file_of_dump = Vec::new();
    for (input, (mut scan, symbols, sha256)) in inputs.files.into_iter().zip(scans) {
        if is_manifest(&input.path) {
            let (manifest, warnings) = manifest::parse(&input.bytes);
            examined.warnings.extend(warnings);
            examined.manifest = Some(manifest);
        }
        match symbols {
            Some(Ok(ElfFile::Linked(file))) => examined.symbol_files.push(Arc::new(*file)),
            Some(Ok(ElfFile::Split(file))) => examined.split_files.push(Arc::new(*file)),
            Some(Err(error)) => scan
                .warnings
                .push(Warning::new("FS-SYM-001", error.to_string())),
            None => {}
        }
        let found = std::mem::take(&mut scan.coredumps);
        let n_dumps = found.len();
        for mut dump in found {
            let boot = boot_of(&dump, &scan.boots);
            dump.restart = reason_after(&dump, boot, &scan.boots);
            let boot_build_id = boot
                .and_then(|idx| scan.boots.get(idx))
                .and_then(|b| b.build_id.clone());
            file_of_dump.push(examined.files.len());
            dumps.push(SourceDump {
                file: input.path.clone(),
                boot,
                boot_build_id,
                dump,
            });
        }
        examined.files.push(ExaminedFile {
            input,
            scan,
            n_dumps,
            sha256,
        });
    }
    join_debug_files(&mut examined.symbol_files);
    join_split_files(&mut examined.symbol_files, &examined.split_files);
    recognise(&mut examined.files, &examined.symbol_files);
    let manifest_id = examined.manifest.as_ref().and_then(|m| m.build_id.clone());
    for joined in join(dumps) {
        let build_id = identity(&joined, manifest_id.as_ref());
        let boot = joined
            .sources
            .iter()
            .find_map(|source| Some((file_of_dump.get(source.index).copied()?, source.boot?)));
        examined.crashes.push(ExaminedCrash {
            joined,
            build_id,
            boot,
        });
    }
    Ok(examined)
}

fn identity(joined: &JoinedDump, manifest: Option<&BuildId>) -> Option<(BuildId, IdSource)> {
    let dump = &joined.dump;
    let named = dump.build_id.clone();
    if let (Some(id), Some(BuildIdFrom::Capture)) = (&named, joined.build_id_from) {
        return Some((id.clone(), IdSource::Dump));
    }
    if let Some(id) = dump.elf_sha256.as_deref().and_then(hash_as_id) {
        return Some((id, IdSource::Dump));
    }
    if let Some(id) = find_build_id_note(&dump.memory) {
        return Some((id, IdSource::Memory));
    }
    if let Some(id) = named {
        return Some((id, IdSource::BootBanner));
    }
    manifest.map(|id| (id.clone(), IdSource::Manifest))
}

/// The beginning of a hash as an id; devices cut it anywhere, so that half a byte may stand at its end.
fn hash_as_id(hex: &str) -> Option<BuildId> {
    BuildId::from_hex(hex.get(..hex.len() & !1)?)
}

/// The boot that a capture is of: the one that began before it, but a device with the SDK also sends what it kept of the boot
/// before and says which that was.
fn boot_of(dump: &Coredump, boots: &[BootRecord]) -> Option<usize> {
    let before = boots
        .iter()
        .rposition(|boot| boot.offset <= dump.source.start)?;
    let Some(number) = dump.sender.as_ref().and_then(|sender| sender.boot) else {
        return Some(before);
    };
    let known = boots.get(..=before)?;
    if let Some(index) = known.iter().rposition(|boot| boot.number == Some(number)) {
        return Some(index);
    }
    match boots.get(before)?.number {
        // Its own message of that boot was lost.
        None => Some(before),
        Some(current) if number.checked_add(1) == Some(current) => before.checked_sub(1),
        Some(_) => None,
    }
}

/// The reset reason of the boot that follows a capture of a boot.
fn reason_after(dump: &Coredump, boot: Option<usize>, boots: &[BootRecord]) -> Option<String> {
    let sender = dump.sender.as_ref();
    if let (Some(number), Some(boot)) = (sender.and_then(|sender| sender.boot), boot) {
        let next = boots.get(boot.checked_add(1)?)?;
        let follows = next.number.is_none() || next.number == number.checked_add(1);
        return next.reset_reason.clone().filter(|_| follows);
    }
    let next = boots.iter().find(|boot| boot.offset >= dump.source.end)?;
    next.reset_reason.clone()
}

/// True for the manifest of a bundle, in whatever folder of it.
pub(super) fn is_manifest(path: &str) -> bool {
    path.rsplit('/').next() == Some(manifest::MANIFEST_FILE_NAME)
}
