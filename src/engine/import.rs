//! Importing: what was dropped becomes captures in the workspace, each stored wholly or not at all.

use super::context::QueryContext;
use super::examine::{Examined, ExaminedCrash, examine, is_manifest};
use super::file_bytes::Access;
use super::fleet_import::{self, FleetSample, HeldSample, KnownTables, Mapping, Preflight};
use super::input::{InputError, Inputs};
use super::job::JobError;
use super::logs::log_format;
use super::logs::recognise::DICTIONARY;
use super::matching::{Matched, match_available};
use super::parallel;
use super::reports::{Depth, report_with, with_symbols};
use super::sent_series::{SentSeries, sent_series};
use super::workspace::{Workspace, now};
use crate::formats::archive;
use crate::formats::log::ansi;
use crate::formats::manifest::{Manifest, ManifestFile};
use crate::model::build_id::BuildId;
use crate::model::progress::{Cancelled, Progress};
use crate::model::report::CrashReport;
use crate::store::capture::{
    AddOutcome, Boot, Content, FileKind, FileStatus, Finding, FindingKind, NewCapture, NewFile,
    PlainText, Software,
};
use crate::store::crash::{CrashSource, NewCrash};
use crate::store::devices::NewDevice;
use crate::store::symbol_files::{NewCaptureSymbols, SymbolFacts};
use crate::symbols::symbol_file::SymbolFile;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use super::import_summary::{ImportSummary, WaitingOfBuild};

/// What becomes one capture or one sample.
struct Group {
    name: String,
    origin: String,
    paths: Vec<PathBuf>,
}

/// A folder or an archive is of its own, loose files are one together.
fn groups(paths: &[PathBuf]) -> Vec<Group> {
    let name = |path: &Path| {
        path.file_name()
            .map_or_else(|| "capture".into(), |name| name.to_string_lossy())
            .into_owned()
    };
    let is_alone = |path: &&PathBuf| path.is_dir() || is_archive(path);
    let (alone, loose): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(is_alone);
    let mut groups: Vec<Group> = alone
        .into_iter()
        .map(|path| Group {
            name: name(path),
            origin: origin(path),
            paths: vec![path.clone()],
        })
        .collect();
    if let Some(first) = loose.first() {
        groups.push(Group {
            name: match loose.len() {
                1 => name(first),
                n => format!("{} and {} more", name(first), n - 1),
            },
            origin: origin(first),
            paths: loose.into_iter().cloned().collect(),
        });
    }
    groups
}

/// Imports what was named: a folder or an archive is a capture of its own, loose files are one together.
pub fn import_paths(
    workspace: &Workspace,
    paths: &[PathBuf],
    access: Access<'_>,
    progress: &dyn Progress,
) -> Result<ImportSummary, JobError> {
    import_paths_as(workspace, paths, &BTreeMap::new(), access, progress)
}

/// The same, with tables of fleet samples read as a person says, by their paths in the input.
pub fn import_paths_as(
    workspace: &Workspace,
    paths: &[PathBuf],
    chosen: &BTreeMap<String, Mapping>,
    access: Access<'_>,
    progress: &dyn Progress,
) -> Result<ImportSummary, JobError> {
    let mut summary = ImportSummary::default();
    for group in groups(paths) {
        let inputs = Inputs::read_with(&group.paths, access, progress)?;
        store_group(workspace, &group, inputs, chosen, &mut summary, progress)?;
    }
    finish(workspace, summary, progress)
}

/// The same, but fleet samples are looked at and not imported yet.
pub fn import_or_hold(
    workspace: &Workspace,
    paths: &[PathBuf],
    access: Access<'_>,
    progress: &dyn Progress,
) -> Result<(ImportSummary, Vec<HeldSample>), JobError> {
    let mut summary = ImportSummary::default();
    let mut held = Vec::new();
    for group in groups(paths) {
        let mut inputs = Inputs::read_with(&group.paths, access, progress)?;
        match take_sample(workspace, &mut inputs, &BTreeMap::new())? {
            Some(sample) if !sample.tables.is_empty() => {
                let named = (group.name.as_str(), group.paths.as_slice());
                let n_other_files = inputs.files.len();
                let sample = HeldSample::look(workspace, named, &sample, n_other_files, progress)?;
                held.push(sample);
                continue;
            }
            Some(sample) => inputs.refused.extend(sample.refused),
            None => {}
        }
        store_capture(workspace, &group, inputs, &mut summary, progress)?;
    }
    Ok((finish(workspace, summary, progress)?, held))
}

/// Looks at a sample again, read as a person says.
pub(super) fn look_again(
    workspace: &Workspace,
    held: &HeldSample,
    chosen: &BTreeMap<String, Mapping>,
    access: Access<'_>,
    progress: &dyn Progress,
) -> Result<HeldSample, JobError> {
    let mut inputs = Inputs::read_with(&held.paths, access, progress)?;
    let sample = take_sample(workspace, &mut inputs, chosen)?;
    let Some(sample) = sample.filter(|sample| !sample.tables.is_empty()) else {
        return Err(JobError::Failed(format!(
            "FS-IN-008: {} holds no table any more that can be read so; drop it on the window again",
            held.name
        )));
    };
    let named = (held.name.as_str(), held.paths.as_slice());
    let looked = HeldSample::look(workspace, named, &sample, inputs.files.len(), progress)?;
    Ok(HeldSample {
        id: held.id,
        ..looked
    })
}

/// Takes the fleet sample out of what was read, where there is one.
fn take_sample(
    workspace: &Workspace,
    inputs: &mut Inputs,
    chosen: &BTreeMap<String, Mapping>,
) -> Result<Option<FleetSample>, JobError> {
    make_paths_unique(inputs);
    let known = KnownTables {
        before: fleet_import::read_before(&workspace.context().reader()?)?,
        chosen: chosen.clone(),
    };
    Ok(FleetSample::take(inputs, &known))
}

/// What importing the tables in what was named would bring and cost. Nothing is stored.
pub fn preflight_paths(
    workspace: &Workspace,
    paths: &[PathBuf],
    access: Access<'_>,
    progress: &dyn Progress,
) -> Result<Option<Preflight>, JobError> {
    let mut inputs = Inputs::read_with(paths, access, progress)?;
    let Some(sample) = take_sample(workspace, &mut inputs, &BTreeMap::new())? else {
        return Ok(None);
    };
    let preflight = fleet_import::preflight(&sample, workspace.folder(), progress)?;
    Ok(Some(preflight))
}

/// Imports one named piece of memory.
pub fn import_bytes(
    workspace: &Workspace,
    name: &str,
    bytes: Arc<[u8]>,
    progress: &dyn Progress,
) -> Result<ImportSummary, JobError> {
    let mut summary = ImportSummary::default();
    let inputs = Inputs::from_bytes(name, bytes.into(), progress)?;
    let group = Group {
        name: name.to_owned(),
        origin: name.to_owned(),
        paths: Vec::new(),
    };
    let nothing_chosen = BTreeMap::new();
    store_group(
        workspace,
        &group,
        inputs,
        &nothing_chosen,
        &mut summary,
        progress,
    )?;
    finish(workspace, summary, progress)
}

/// Uses the symbols that came with an import for what was here before, and says what still waits for others.
fn finish(
    workspace: &Workspace,
    mut summary: ImportSummary,
    progress: &dyn Progress,
) -> Result<ImportSummary, JobError> {
    workspace.resymbolize(progress)?;
    workspace.name_heartbeats(progress)?;
    let mut builds: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for waiting in workspace.context().reader()?.waiting_heartbeats()? {
        if summary.captures.contains(&waiting.capture.0) {
            let id = waiting.build.build_id.map(|id| id.to_string());
            *builds.entry(id).or_default() += waiting.build.n_heartbeats;
        }
    }
    let waiting = builds
        .into_iter()
        .map(|(build_id, n_heartbeats)| WaitingOfBuild {
            build_id,
            n_heartbeats,
        });
    summary.waiting_builds = waiting.collect();
    Ok(summary)
}

fn store_group(
    workspace: &Workspace,
    group: &Group,
    mut inputs: Inputs,
    chosen: &BTreeMap<String, Mapping>,
    summary: &mut ImportSummary,
    progress: &dyn Progress,
) -> Result<(), JobError> {
    if let Some(sample) = take_sample(workspace, &mut inputs, chosen)? {
        if !sample.tables.is_empty() {
            let imported = fleet_import::import(workspace, &sample, &group.origin, progress)?;
            summary.fleet.push(imported);
            if inputs.files.is_empty() {
                summary.refused.extend(inputs.refused);
                summary.refused.extend(sample.refused);
                return Ok(());
            }
        }
        inputs.refused.extend(sample.refused);
    }
    store_capture(workspace, group, inputs, summary, progress)
}

fn store_capture(
    workspace: &Workspace,
    group: &Group,
    mut inputs: Inputs,
    summary: &mut ImportSummary,
    progress: &dyn Progress,
) -> Result<(), JobError> {
    let Group { name, origin, .. } = group;
    // The stored capture is read back in the order of its paths: both orders must be one.
    inputs.files.sort_by(|a, b| a.path.cmp(&b.path));
    if inputs.files.is_empty() {
        let why = inputs.refused.first().map_or_else(
            || "it holds no files".to_owned(),
            |refused| format!("{}: {}", refused.path, refused.reason),
        );
        return Err(JobError::Failed(format!(
            "FS-IN-002: nothing could be imported from {name}: {why}"
        )));
    }
    let examined = examine(inputs, progress)?;
    let reports = reports(workspace, &examined, progress)?;
    let imported_at = now();
    let sent = sent_series(
        &examined,
        &imported_at,
        &|build| workspace.metrics_of(build, &examined.symbol_files),
        progress,
    )?;
    summary.n_heartbeats += sent.n_heartbeats;
    summary.n_events += sent.n_events;
    summary.notes.extend(sent.notes());
    let mut new = new_capture(name, origin, &examined, &reports);
    new.imported_at = imported_at;
    with_series(&mut new, sent);
    let outcome = workspace
        .store()
        .add_capture(&new, progress)
        .map_err(JobError::from)?;
    workspace.take_over_bookmarks(outcome.capture().0, &examined.files)?;
    summary.captures.push(outcome.capture().0);
    summary.n_files += examined.files.len();
    summary.n_boots += examined
        .files
        .iter()
        .map(|file| file.scan.boots.len())
        .sum::<usize>();
    summary.n_crashes += reports.len();
    summary.n_without_symbols += reports.iter().filter(|r| !r.has_names).count();
    summary.n_symbol_files += examined.symbol_files.len();
    summary
        .crashes
        .extend(reports.iter().map(|r| super::render::headline(&r.report)));
    summary.not_understood.extend(
        examined
            .files
            .iter()
            .filter(|f| status(f) == FileStatus::NotUnderstood)
            .map(|f| f.input.path.clone()),
    );
    summary.refused.extend(examined.refused.iter().cloned());
    if matches!(outcome, AddOutcome::AlreadyHere(_)) {
        summary.n_already_here += 1;
    }
    Ok(())
}

/// The report of a crash, and whether it waits for symbols.
struct Reported {
    report: CrashReport,
    has_names: bool,
}

/// Crashes of one build: they share what is parsed of its ELF.
struct OneBuild {
    matched: Matched,
    crashes: Vec<usize>,
}

/// So many crashes of a build are one piece of work: enough to share, few enough for every processor to have some.
const CRASHES_A_PIECE: usize = 25;

fn reports(
    workspace: &Workspace,
    examined: &Examined,
    progress: &dyn Progress,
) -> Result<Vec<Reported>, Cancelled> {
    let context = workspace.context();
    let pieces = by_build(&context, examined, progress)?;
    let cache = context.cache();
    let answered = parallel::in_order(&pieces, progress, |piece, progress| {
        with_symbols(&piece.matched, cache, |symbols| {
            let mut answered = Vec::with_capacity(piece.crashes.len());
            for index in &piece.crashes {
                progress.tick(0, 0)?;
                let report = report_with(examined, *index, &piece.matched, symbols, Depth::Frames);
                let has_names = piece.matched.has_names();
                answered.extend(report.map(|report| (*index, Reported { report, has_names })));
            }
            Ok(answered)
        })
    })?;
    let mut reports: Vec<(usize, Reported)> = answered.into_iter().flatten().collect();
    reports.sort_by_key(|(index, _)| *index);
    Ok(reports.into_iter().map(|(_, reported)| reported).collect())
}

/// The crashes by the ELF that they are read with, in pieces.
fn by_build(
    context: &QueryContext,
    examined: &Examined,
    progress: &dyn Progress,
) -> Result<Vec<OneBuild>, Cancelled> {
    let mut builds: BTreeMap<Option<&BuildId>, OneBuild> = BTreeMap::new();
    let mut pieces = Vec::new();
    for (index, crash) in examined.crashes.iter().enumerate() {
        progress.tick(index as u64, examined.crashes.len() as u64)?;
        let id = crash.build_id.as_ref().map(|(id, _)| id);
        let build = builds.entry(id).or_insert_with(|| {
            let mut matched = match_available(id, &examined.symbol_files);
            if let (true, Some(file)) = (
                matched.files.is_empty(),
                id.and_then(|id| context.symbol_file(id)),
            ) {
                matched = match_available(id, &[file]);
            }
            OneBuild {
                matched,
                crashes: Vec::new(),
            }
        });
        build.crashes.push(index);
        if build.crashes.len() >= CRASHES_A_PIECE {
            pieces.push(OneBuild {
                matched: build.matched.clone(),
                crashes: std::mem::take(&mut build.crashes),
            });
        }
    }
    pieces.extend(builds.into_values().filter(|b| !b.crashes.is_empty()));
    Ok(pieces)
}

fn new_capture<'a>(
    name: &str,
    origin: &str,
    examined: &'a Examined,
    reports: &[Reported],
) -> NewCapture<'a> {
    let manifest = examined.manifest.as_ref();
    let mut new = NewCapture {
        name: name.to_owned(),
        origin: origin.to_owned(),
        captured_at: manifest.and_then(|m| m.captured_at.clone()),
        device: NewDevice {
            serial: manifest.and_then(|m| m.serial.clone()),
            hardware: manifest.and_then(|m| m.hardware.clone()),
        },
        software: Software {
            software_type: manifest.and_then(|m| m.software_type.clone()),
            version: manifest.and_then(|m| m.software_version.clone()),
            build_id: manifest.and_then(|m| m.build_id.clone()),
        },
        manifest: manifest_text(examined),
        notes: manifest.and_then(|m| m.notes.clone()),
        ..NewCapture::default()
    };
    let mut first_boot = Vec::new();
    for file in &examined.files {
        first_boot.push(new.boots.len());
        new.boots.extend(file.scan.boots.iter().map(|boot| Boot {
            path: file.input.path.clone(),
            offset: boot.offset,
            build_id: boot.build_id.clone(),
            version: boot.version.clone(),
            reset_reason: boot.reset_reason.clone(),
            text: boot.text.clone(),
        }));
        new.files.push(NewFile {
            path: file.input.path.clone(),
            content: match file.sha256 {
                Some(sha256) => {
                    let is_text = file.scan.format == "text";
                    let plain_text: PlainText = ansi::pieces;
                    Content::Hashed(&file.input.bytes, sha256, is_text.then_some(plain_text))
                }
                None => Content::Kept(&file.input.bytes),
            },
            kind: kind(file),
            format: file.scan.format.to_owned(),
            n_lines: file.scan.n_lines,
            status: status(file),
            modified_ns: file.input.modified_ns,
        });
        findings(file, &mut new.findings);
    }
    for refused in &examined.refused {
        new.findings.push(Finding {
            path: refused.path.clone(),
            kind: FindingKind::Refused,
            offset: None,
            length: None,
            code: None,
            message: refused.reason.clone(),
        });
    }
    new.findings.extend(
        examined
            .warnings
            .iter()
            .map(|w| Finding::from_warning(name, w)),
    );
    new.symbol_files = examined
        .symbol_files
        .iter()
        .map(|file| capture_symbols(file, examined))
        .collect();
    for (crash, reported) in examined.crashes.iter().zip(reports) {
        new.crashes
            .push(new_crash(crash, reported, &first_boot, manifest));
    }
    new
}

/// Adds what devices sent. Where all of it is of one device, the capture is that device's.
fn with_series(new: &mut NewCapture<'_>, sent: SentSeries) {
    if let (None, Some((serial, hardware))) = (&new.device.serial, sent.device) {
        new.device = NewDevice {
            serial: Some(serial),
            hardware: new.device.hardware.take().or(hardware),
        };
    }
    new.findings.extend(sent.findings);
    new.series = sent.new;
}

/// The manifest as it stands in the bundle: keys that we do not know are kept with it.
fn manifest_text(examined: &Examined) -> Option<String> {
    let file = examined
        .files
        .iter()
        .rev()
        .find(|file| is_manifest(&file.input.path))?;
    Some(String::from_utf8_lossy(&file.input.bytes).into_owned())
}

/// What the manifest says of the file that a crash came in.
fn named_file<'a>(
    crash: &ExaminedCrash,
    manifest: Option<&'a Manifest>,
) -> Option<&'a ManifestFile> {
    let mut paths = crash
        .joined
        .sources
        .iter()
        .map(|source| source.file.as_str());
    paths.find_map(|path| manifest?.file(path))
}

fn new_crash(
    crash: &ExaminedCrash,
    reported: &Reported,
    first_boot: &[usize],
    manifest: Option<&Manifest>,
) -> NewCrash {
    let file = named_file(crash, manifest);
    let boot = crash
        .boot
        .and_then(|(file, boot)| u32::try_from(first_boot.get(file)?.saturating_add(boot)).ok());
    let sources = crash
        .joined
        .sources
        .iter()
        .map(|source| CrashSource {
            path: source.file.clone(),
            format: source.format.to_owned(),
            offset: source.range.start,
            length: source.range.end.saturating_sub(source.range.start),
        })
        .collect();
    NewCrash {
        report: reported.report.clone(),
        symbolized: reported.has_names,
        boot,
        // A print without memory may well be equal on two devices.
        dump_key: (!crash.joined.dump.memory.is_empty()).then(|| crash.dump_key()),
        sources,
        device: NewDevice {
            serial: file.and_then(|file| file.serial.clone()),
            hardware: file.and_then(|file| file.hardware.clone()),
        },
        software: Software {
            software_type: file.and_then(|file| file.software_type.clone()),
            version: file.and_then(|file| file.software_version.clone()),
            build_id: file.and_then(|file| file.build_id.clone()),
        },
        started_at: file.and_then(|file| file.started_at.clone()),
    }
}

fn findings(file: &super::examine::ExaminedFile, into: &mut Vec<Finding>) {
    let path = &file.input.path;
    if file.n_dumps > 0 {
        let what = if file.n_dumps == 1 {
            "dump or fault print"
        } else {
            "dumps or fault prints"
        };
        into.push(found(
            path,
            format!("{} {what} ({})", file.n_dumps, file.scan.format),
        ));
    }
    match log_format(file.scan.format) {
        Some(format) if format.id() != "text" => {
            into.push(found(path, format!("a log ({})", format.label())));
        }
        _ => {}
    }
    if file.scan.format == DICTIONARY {
        into.push(found(path, "a dictionary that decodes logs".to_owned()));
    }
    if !file.scan.boots.is_empty() {
        into.push(found(path, format!("{} boots", file.scan.boots.len())));
    }
    if file.scan.symbols {
        into.push(found(
            path,
            "an ELF with code: added to the symbol library".to_owned(),
        ));
    }
    into.extend(
        file.scan
            .warnings
            .iter()
            .map(|warning| Finding::from_warning(path, warning)),
    );
    for range in &file.scan.not_understood {
        into.push(Finding {
            path: path.clone(),
            kind: FindingKind::Kept,
            offset: Some(range.start),
            length: Some(range.end.saturating_sub(range.start)),
            code: None,
            message: "Not understood; kept byte for byte.".to_owned(),
        });
    }
}

fn found(path: &str, message: String) -> Finding {
    Finding {
        path: path.to_owned(),
        kind: FindingKind::Found,
        offset: None,
        length: None,
        code: None,
        message,
    }
}

fn capture_symbols(file: &Arc<SymbolFile>, examined: &Examined) -> NewCaptureSymbols {
    let size = examined
        .files
        .iter()
        .find(|f| f.input.path == file.name())
        .map_or(0, |f| f.input.bytes.len() as u64);
    NewCaptureSymbols {
        path: file.name().to_owned(),
        facts: facts(file, size),
    }
}

/// What the workspace notes of an ELF.
pub(super) fn facts(file: &SymbolFile, size: u64) -> SymbolFacts {
    SymbolFacts {
        build_id: file.build_id().clone(),
        arch: file.arch(),
        quality: file.quality().label().to_owned(),
        size,
    }
}

fn kind(file: &super::examine::ExaminedFile) -> FileKind {
    match file.scan.format {
        _ if file.scan.symbols => FileKind::Symbols,
        format if log_format(format).is_some() => FileKind::Log,
        _ if file.n_dumps > 0 => FileKind::Coredump,
        _ => FileKind::Other,
    }
}

fn status(file: &super::examine::ExaminedFile) -> FileStatus {
    let is_known = file.scan.format != "unknown" || is_manifest(&file.input.path);
    match (is_known, file.scan.not_understood.is_empty()) {
        (false, _) => FileStatus::NotUnderstood,
        (true, true) => FileStatus::Understood,
        (true, false) => FileStatus::Partly,
    }
}

/// Two loose files of the same name get different paths.
fn make_paths_unique(inputs: &mut Inputs) {
    let mut taken = BTreeSet::new();
    for file in &mut inputs.files {
        let mut path = file.path.clone();
        let mut n = 2;
        while !taken.insert(path.clone()) {
            path = format!("{} ({n})", file.path);
            n += 1;
        }
        file.path = path;
    }
}

fn is_archive(path: &Path) -> bool {
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(archive::HEAD_BYTES as u64).read_to_end(&mut head))
        .is_ok_and(|_len| archive::Container::of(&head).is_some())
}

fn origin(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_unknown| path.to_path_buf())
        .display()
        .to_string()
}

impl From<InputError> for JobError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Cancelled(_) => Self::Cancelled,
            InputError::Unreadable { .. } => Self::Failed(format!("FS-IN-003: {error}")),
        }
    }
}
