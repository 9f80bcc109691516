//! Split DWARF (`scripts/make-split-fixtures`): a firmware of three units, built by gcc and clang with -gsplit-dwarf, stopped
//! at its crash on QEMU. Frames and locals against gdb's, every address against llvm-symbolizer's, from `.dwo` files
//! and from `.dwp` files, on disk and in a bundle; and what is said when they are missing or another build's.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;

use common::Place;
use fieldscope::engine::examine::examine;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::one_shot::OneShot;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::CrashReport;
use fieldscope::symbols::debug_info::DebugInfo;
use fieldscope::symbols::index::{SymbolIndex, key};
use fieldscope::symbols::quality::Quality;
use fieldscope::symbols::symbol_file::{LoadOptions, SymbolFile};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BUILDS: [&str; 8] = [
    "clang-O2-dwarf4-v7m",
    "clang-O2-dwarf5-v7m",
    "clang-O2-dwarf5-v7m-single",
    "clang-O2-dwarf5-v7m-type-units",
    "gcc-O2-dwarf4-v7m",
    "gcc-O2-dwarf4-v7m-type-units",
    "gcc-O2-dwarf5-v7m",
    "gcc-O2-dwarf5-v7m-type-units",
];
const UNITS: [&str; 3] = ["level", "main", "ring"];

/// The file of a unit; -gsplit-dwarf=single keeps it in the object file.
fn dwo(build: &str, unit: &str) -> String {
    let ending = if build.ends_with("-single") {
        "o"
    } else {
        "dwo"
    };
    format!("{unit}.{ending}")
}

/// Where the rest of the debug information lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Under the names that the compiler was given, beside the ELF.
    AsBuilt,
    /// The bare files beside the ELF.
    Beside,
    /// In a folder that the user names.
    DebugDir,
    /// `app.elf.dwp`.
    Package,
    /// A `.dwp` in a folder that the user names.
    PackageInDebugDir,
}

const LAYOUTS: [Layout; 5] = [
    Layout::AsBuilt,
    Layout::Beside,
    Layout::DebugDir,
    Layout::Package,
    Layout::PackageInDebugDir,
];

/// Files of the archive by their names.
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split/split.tar.zst");
        let mut decoder = zstd::Decoder::new(fs::File::open(path).unwrap()).unwrap();
        decoder.window_log_max(27).unwrap();
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(decoder).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(name, bytes);
        }
        Self(files)
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.0[name]).unwrap()
    }

    fn put(&self, name: &str, to: &Path) {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, &self.0[name]).unwrap();
    }

    /// Lays a build out in a folder; answers the ELF and the folders that the user has to name.
    fn lay_out(&self, build: &str, layout: Layout, folder: &Path) -> (PathBuf, Vec<PathBuf>) {
        let elf = folder.join("fw").join(format!("{build}.elf"));
        self.put(&format!("{build}.elf"), &elf);
        let beside = elf.parent().unwrap();
        let elsewhere = folder.join("debug");
        let package = format!("{build}.elf.dwp");
        match layout {
            Layout::Package => self.put(&package, &beside.join(&package)),
            Layout::PackageInDebugDir => self.put(&package, &elsewhere.join(&package)),
            Layout::AsBuilt | Layout::Beside | Layout::DebugDir => {
                for unit in UNITS {
                    let to = match layout {
                        Layout::AsBuilt => beside.join(build),
                        Layout::Beside => beside.to_owned(),
                        _ => elsewhere.clone(),
                    };
                    let name = dwo(build, unit);
                    self.put(&format!("{build}/{name}"), &to.join(name));
                }
            }
        }
        match layout {
            Layout::DebugDir | Layout::PackageInDebugDir => (elf, vec![elsewhere]),
            _ => (elf, Vec::new()),
        }
    }

    fn open(&self, build: &str, layout: Layout, folder: &Path) -> SymbolFile {
        let (elf, debug_dirs) = self.lay_out(build, layout, folder);
        let options = LoadOptions {
            debug_dirs: &debug_dirs,
            ..LoadOptions::default()
        };
        SymbolFile::open(&elf, &options).unwrap()
    }

    fn report(&self, build: &str, file: SymbolFile) -> CrashReport {
        let place = tempfile::tempdir().unwrap();
        let core = place.path().join("dump.core");
        self.put(&format!("{build}.core"), &core);
        let inputs = Inputs::read(&[core], &Unattended).unwrap();
        let examined = examine(inputs, &Unattended).unwrap();
        let crash = examined.crashes.first().unwrap();
        let id = crash.build_id.as_ref().map(|(id, _)| id);
        let matched = match_named(id, &crash.joined.dump.memory, &[Arc::new(file)]).unwrap();
        let cache = IndexCache::disabled();
        report(&examined, 0, &matched, &cache, Depth::Locals).unwrap()
    }
}

fn place(file: Option<&str>, line: Option<u64>) -> String {
    let file = file.unwrap_or("?").rsplit('/').next().unwrap();
    format!("{file}:{}", line.unwrap_or(0))
}

/// Frames with their variables, one a line.
fn ours(report: &CrashReport) -> Vec<String> {
    let mut lines = Vec::new();
    for frame in &report.threads[0].frames {
        let function = frame.function.clone().unwrap_or_default();
        let place = place(frame.file.as_deref(), frame.line.map(u64::from));
        lines.push(format!(
            "{function} {} {place} inlined:{}",
            frame.pc, frame.inlined
        ));
        let mut locals: Vec<String> = frame
            .locals
            .iter()
            // gdb's own list has no values at entry.
            .filter(|local| !local.name.ends_with("@entry"))
            .map(|local| {
                let value = local.value.as_deref().unwrap_or("-");
                let kind = local.type_name.as_deref().unwrap_or("?");
                format!(
                    "  {kind} {} = {value} argument:{}",
                    local.name, local.argument
                )
            })
            .collect();
        locals.sort();
        lines.extend(locals);
    }
    lines
}

/// gdb's in the same words, up to `main`.
fn theirs(answer: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for frame in answer["frames"].as_array().unwrap() {
        let text = |key: &str| frame[key].as_str().unwrap_or_default();
        let place = place(frame["file"].as_str(), frame["line"].as_u64());
        lines.push(format!(
            "{} {} {place} inlined:{}",
            text("function"),
            text("pc"),
            frame["inlined"]
        ));
        let mut locals: Vec<String> = frame["locals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|local| {
                let text = |key: &str| local[key].as_str().unwrap_or("-");
                let is_invented = text("name") == "start" && text("value") == "0";
                // It was 1 << 40: where clang says that neither half is anywhere, gdb makes it 0.
                if is_invented {
                    return "  long long start = <optimized out> argument:true".to_owned();
                }
                format!(
                    "  {} {} = {} argument:{}",
                    text("type"),
                    text("name"),
                    text("value"),
                    local["argument"]
                )
            })
            .collect();
        locals.sort();
        lines.extend(locals);
        if text("function") == "main" {
            break;
        }
    }
    lines
}

/// Lines that differ, ours and gdb's.
fn difference(ours: &[String], theirs: &[String]) -> Vec<String> {
    let only = |mark: &str, of: &[String], not_of: &[String]| -> Vec<String> {
        let lines = of.iter().filter(|line| !not_of.contains(line));
        lines.map(|line| format!("{mark} {line}")).collect()
    };
    [only("ours", ours, theirs), only("gdb ", theirs, ours)].concat()
}

#[test]
fn frames_and_locals_of_a_crash_are_those_that_gdb_prints_wherever_the_files_lie() {
    let files = Files::read();
    let mut wrong = Vec::new();
    let mut n_lines = 0;
    for build in BUILDS {
        // gdb 13 does not follow the location lists of clang's DWARF 5 in .dwo files, and does not read gcc's type units of
        // DWARF 5 there: then what it says of the same code in one piece counts.
        let whole = theirs(&files.json(&format!("{build}.whole.gdb.json")));
        let split = theirs(&files.json(&format!("{build}.gdb.json")));
        let gdb_is_right = split == whole;
        assert_eq!(
            gdb_is_right,
            !build.starts_with("clang-O2-dwarf5") && build != "gcc-O2-dwarf5-v7m-type-units",
            "{build}"
        );
        n_lines += whole.len();
        for layout in LAYOUTS {
            let folder = tempfile::tempdir().unwrap();
            let file = files.open(build, layout, folder.path());
            assert_eq!(file.warnings(), [], "{build} {layout:?}");
            assert_eq!(file.quality(), Quality::Full, "{build} {layout:?}");
            assert_eq!(file.badge().advice, None);
            let ours = ours(&files.report(build, file));
            let differs = difference(&ours, &whole);
            if !differs.is_empty() {
                wrong.push(format!("{build} {layout:?}:\n{}", differs.join("\n")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_lines > 180, "only {n_lines} compared");
}

/// `publish ring.c:22, ring_put ring.c:33`.
type Frames = Vec<String>;

fn llvm_frames(answer: &Value) -> BTreeMap<u64, Frames> {
    let frames = |frames: &Value| -> Frames {
        let one = |frame: &Value| {
            let line = place(frame[1].as_str(), frame[2].as_u64());
            format!("{} {line}", frame[0].as_str().unwrap())
        };
        frames.as_array().unwrap().iter().map(one).collect()
    };
    let addresses = answer.as_object().unwrap().iter();
    addresses
        .map(|(address, named)| {
            let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
            (address, frames(named))
        })
        .collect()
}

fn our_frames(info: &DebugInfo<'_>, address: u64) -> Frames {
    let frames = info.source_frames(address).into_iter();
    frames
        .map(|frame| {
            let line = place(frame.file.as_deref(), frame.line.map(u64::from));
            format!("{} {line}", frame.function.unwrap_or_default())
        })
        .collect()
}

#[test]
fn every_address_is_named_as_llvm_symbolizer_names_it_with_and_without_an_index() {
    let files = Files::read();
    let mut n = 0;
    for build in BUILDS {
        let expected = llvm_frames(&files.json(&format!("{build}.llvm.json")));
        for layout in LAYOUTS {
            let folder = tempfile::tempdir().unwrap();
            let file = files.open(build, layout, folder.path());
            let index = Arc::new(SymbolIndex::build(&file, &Unattended).unwrap().unwrap());
            let parsed = DebugInfo::new(&file);
            let mut indexed = DebugInfo::new(&file);
            indexed.attach_index(index);
            let mut wrong = Vec::new();
            for (address, theirs) in &expected {
                let ours = our_frames(&parsed, *address);
                let names = |frames: &Frames| -> Frames {
                    frames
                        .iter()
                        .map(|f| f.split(' ').next().unwrap().to_owned())
                        .collect()
                };
                if names(&ours) != names(theirs) {
                    wrong.push(format!("{address:#x}: {ours:?}, llvm {theirs:?}"));
                }
                assert_eq!(
                    parsed.source_frames(*address),
                    indexed.source_frames(*address),
                    "{build} {layout:?} {address:#x}"
                );
                n += usize::from(&ours == theirs);
            }
            assert!(wrong.is_empty(), "{build} {layout:?}\n{}", wrong.join("\n"));
        }
    }
    // Of 1908 addresses in five layouts; of the others the line is gdb's, and llvm's is another one.
    assert_eq!(n, 8960);
}

#[test]
fn missing_files_are_named_with_how_to_get_them_and_the_rest_is_read() {
    let files = Files::read();
    for build in BUILDS {
        let folder = tempfile::tempdir().unwrap();
        let (elf, _dirs) = files.lay_out(build, Layout::AsBuilt, folder.path());
        let missing = dwo(build, "ring");
        let dwo = elf.parent().unwrap().join(build).join(&missing);
        let all = SymbolFile::open(&elf, &LoadOptions::default()).unwrap();
        fs::remove_file(&dwo).unwrap();
        let some = SymbolFile::open(&elf, &LoadOptions::default()).unwrap();
        assert_eq!(some.quality(), Quality::DwoMissing, "{build}");
        let badge = some.badge();
        assert_eq!(badge.quality, ".dwo files missing");
        let advice = badge.advice.unwrap();
        let packer = if build.contains("dwarf5") {
            "llvm-dwp"
        } else {
            "dwp"
        };
        for words in [
            "1 of 3 .dwo files are missing".to_owned(),
            format!("the first is {build}/{missing}."),
            format!("`{packer} -e {build}.elf -o {build}.elf.dwp`"),
            "--debug-dir".to_owned(),
        ] {
            assert!(advice.contains(&words), "{advice}");
        }
        assert_eq!(some.warnings()[0].code, "FS-SYM-008");
        assert_ne!(
            key::of_file(&all),
            key::of_file(&some),
            "the index of it is another one"
        );
        // With a build id and nothing else to know, the key would have been told from the tables alone.
        assert_eq!(key::of_path(&elf), None);

        let whole = theirs(&files.json(&format!("{build}.whole.gdb.json")));
        let report = files.report(build, some);
        let codes: Vec<&str> = report.warnings.iter().map(|w| w.code.as_str()).collect();
        assert!(codes.contains(&"FS-SYM-008"), "{codes:?}");
        assert_eq!(report.symbols[0].quality, ".dwo files missing");
        let ours = ours(&report);
        // Frames of the other two units are whole; those of ring.c have their names (by symbols) and lines.
        let frames = |lines: &[String]| -> Vec<String> {
            let physical = lines
                .iter()
                .filter(|line| !line.starts_with(' ') && !line.contains("inlined:true"));
            physical
                .map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" "))
                .collect()
        };
        assert_eq!(frames(&ours), frames(&whole), "{build}");
        let level = whole
            .iter()
            .position(|line| line.starts_with("nested"))
            .unwrap();
        assert_eq!(
            ours[ours.len() - (whole.len() - level)..],
            whole[level..],
            "{build}"
        );
    }
}

#[test]
fn a_file_of_another_build_is_refused_with_both_ids() {
    let files = Files::read();
    let build = "gcc-O2-dwarf5-v7m";
    let folder = tempfile::tempdir().unwrap();
    let (elf, _dirs) = files.lay_out(build, Layout::AsBuilt, folder.path());
    let dwo = elf.parent().unwrap().join(build).join("ring.dwo");
    files.put("foreign-ring.dwo", &dwo);
    let file = SymbolFile::open(&elf, &LoadOptions::default()).unwrap();
    assert_eq!(file.quality(), Quality::DwoMissing);
    let refused = &file.warnings()[0];
    assert_eq!(refused.code, "FS-SYM-010");
    let ids: Vec<&str> = refused
        .message
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() == 16)
        .collect();
    assert_eq!(ids.len(), 2, "{}", refused.message);
    assert_ne!(ids[0], ids[1]);
    // The ids as the files have them (DWARF 5, section 7.5.1.2: behind the header of the unit).
    let id_in = |name: &str| {
        let bytes = &files.0[name];
        ids.iter().any(|id| {
            let id = u64::from_str_radix(id, 16).unwrap().to_le_bytes();
            bytes.windows(8).any(|window| window == id)
        })
    };
    assert!(id_in("foreign-ring.dwo") && id_in(&format!("{build}/ring.dwo")));
    assert!(
        refused.message.contains("ring.dwo is not used"),
        "{}",
        refused.message
    );

    // The right one in another folder is found all the same.
    files.put(
        &format!("{build}/ring.dwo"),
        &elf.parent().unwrap().join("ring.dwo"),
    );
    let file = SymbolFile::open(&elf, &LoadOptions::default()).unwrap();
    assert_eq!((file.quality(), file.warnings()), (Quality::Full, &[][..]));
}

/// A tar archive.
fn tar_of(entries: &[(String, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn a_bundle_brings_its_split_files_with_it() {
    let files = Files::read();
    for build in [
        "clang-O2-dwarf4-v7m",
        "clang-O2-dwarf5-v7m-single",
        "gcc-O2-dwarf5-v7m",
    ] {
        let whole = theirs(&files.json(&format!("{build}.whole.gdb.json")));
        let of = |name: String| -> (String, &[u8]) {
            let bytes = files.0[&name].as_slice();
            (name, bytes)
        };
        let dwos = || {
            UNITS
                .map(|unit| of(format!("{build}/{}", dwo(build, unit))))
                .to_vec()
        };
        for (n, more) in [(0, dwos()), (1, vec![of(format!("{build}.elf.dwp"))])] {
            let mut entries = vec![of(format!("{build}.elf")), of(format!("{build}.core"))];
            // The core names no build: the manifest does.
            let elf = SymbolFile::parse("app.elf", entries[0].1.to_vec()).unwrap();
            let manifest = format!(
                "{{\"schema\": \"fieldscope.bundle/1\", \"software\": {{\"build_id\": \"{}\"}}}}",
                elf.build_id()
            );
            entries.extend(more);
            entries.push(("fieldscope.json".to_owned(), manifest.as_bytes()));
            let folder = tempfile::tempdir().unwrap();
            let bundle = folder.path().join("bundle.tar");
            fs::write(&bundle, tar_of(&entries)).unwrap();
            let work = OneShot::open(
                std::slice::from_ref(&bundle),
                Vec::new(),
                IndexCache::disabled(),
                &Unattended,
            )
            .unwrap();
            let report = work.report(0, Depth::Locals, None).unwrap();
            assert_eq!(difference(&ours(&report), &whole), [""; 0], "{build} {n}");
            assert_eq!(report.symbols[0].advice, None);

            // The same from the workspace, where the capture is opened again.
            let place = Place::new();
            let import = place
                .run(&["import", bundle.to_str().unwrap(), "--json"])
                .json();
            assert_eq!(
                (&import["n_crashes"], &import["n_without_symbols"]),
                (&1.into(), &0.into())
            );
            let id = elf.build_id().to_string();
            let address = whole[0].split(' ').nth(1).unwrap();
            let named = place
                .run(&["symbolize", "--build-id", &id, address, "--json"])
                .json();
            assert_eq!(named["frames"][0]["function"], "write_word", "{named}");
            assert_eq!(named["frames"][1]["function"], "publish");
        }
    }
}

#[test]
fn the_index_is_made_anew_when_files_arrive() {
    let files = Files::read();
    let build = "gcc-O2-dwarf4-v7m";
    let place = Place::new();
    let whole = theirs(&files.json(&format!("{build}.whole.gdb.json")));
    let address = whole[0].split(' ').nth(1).unwrap();
    let elf = place.path("app.elf");
    files.put(&format!("{build}.elf"), &elf);
    let ask = || {
        let words = [
            "symbolize",
            "--elf",
            elf.to_str().unwrap(),
            address,
            "--json",
        ];
        let frames = place.run(&words).json()["frames"].clone();
        let names = frames.as_array().unwrap().iter();
        names
            .map(|frame| frame["function"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for _call in 0..2 {
        assert_eq!(ask(), ["publish"], "by its symbol");
    }
    files.put(&format!("{build}.elf.dwp"), &place.path("app.elf.dwp"));
    for _call in 0..2 {
        assert_eq!(ask(), ["write_word", "publish"]);
    }
    fs::remove_file(place.path("app.elf.dwp")).unwrap();
    assert_eq!(ask(), ["publish"]);
    let list = place.run(&["symbols", "cache", "list", "--json"]).json();
    assert_eq!(
        list["indexes"].as_array().unwrap().len(),
        2,
        "one with, one without"
    );
}

#[test]
fn a_split_file_by_itself_says_where_it_belongs() {
    let files = Files::read();
    let place = Place::new();
    let dwo = place.path("ring.dwo");
    files.put("gcc-O2-dwarf5-v7m/ring.dwo", &dwo);
    let dwp = place.path("app.elf.dwp");
    files.put("gcc-O2-dwarf5-v7m.elf.dwp", &dwp);
    for file in [&dwo, &dwp] {
        let answer = place.run(&["symbolize", "--elf", file.to_str().unwrap(), "0x100"]);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
        assert!(
            answer.err.contains("leave it beside that ELF"),
            "{}",
            answer.err
        );
    }
    // In a folder of symbols it is no error.
    files.put("gcc-O2-dwarf5-v7m.elf", &place.path("fw/app.elf"));
    files.put("gcc-O2-dwarf5-v7m.elf.dwp", &place.path("fw/app.elf.dwp"));
    let folder = place.path("fw");
    let added = place
        .run(&["symbols", "add", folder.to_str().unwrap(), "--json"])
        .json();
    assert_eq!(added["files"].as_array().unwrap().len(), 1);
    assert_eq!(added["files"][0]["quality"], "full debug information");
}

#[test]
fn damaged_split_files_never_stop_the_reading() {
    let files = Files::read();
    for build in ["gcc-O2-dwarf4-v7m", "clang-O2-dwarf5-v7m-type-units"] {
        for layout in [Layout::Beside, Layout::Package] {
            let folder = tempfile::tempdir().unwrap();
            let (elf, _dirs) = files.lay_out(build, layout, folder.path());
            let damaged = match layout {
                Layout::Package => elf.with_file_name(format!("{build}.elf.dwp")),
                _ => elf.with_file_name("ring.dwo"),
            };
            let good = fs::read(&damaged).unwrap();
            let check = |bytes: &[u8]| {
                fs::write(&damaged, bytes).unwrap();
                let file = SymbolFile::open(&elf, &LoadOptions::default()).unwrap();
                let report = files.report(build, file);
                assert!(!report.threads[0].frames.is_empty());
            };
            for cut in (0..good.len()).step_by(good.len() / 40) {
                check(&good[..cut]);
            }
            for at in (0..good.len()).step_by(good.len() / 160) {
                let mut flipped = good.clone();
                flipped[at] ^= 0xFF;
                check(&flipped);
            }
        }
    }
}
