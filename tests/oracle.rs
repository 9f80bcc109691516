//! Every fixture against what gdb said of it (`tests/fixtures/oracle`, made by `scripts/oracle.py`): frames,
//! places, inlines, arguments, locals and FreeRTOS tasks. Where gdb is wrong the right answer is required
//! (`tests/fixtures/sample/ORACLE.md`); each exception is named here.
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "common/gdb.rs"]
mod gdb;

use fieldscope::engine::examine::{Examined, examine};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::{CrashReport, FaultKind};
use fieldscope::symbols::symbol_file::SymbolFile;
use gdb::compare_frames;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The report of an input made of some fixture files, read with an ELF.
fn read(files: &[PathBuf], elf: &Path) -> CrashReport {
    let examined = examined(files);
    assert_eq!(examined.crashes.len(), 1, "{files:?} hold one crash");
    let named = [Arc::new(
        SymbolFile::parse("oracle.elf", std::fs::read(elf).unwrap()).unwrap(),
    )];
    let crash = &examined.crashes[0];
    let id = crash.build_id.as_ref().map(|(id, _)| id);
    let matched = match_named(id, &crash.joined.dump.memory, &named).unwrap();
    report(
        &examined,
        0,
        &matched,
        &IndexCache::disabled(),
        Depth::Locals,
    )
    .unwrap()
}

fn examined(files: &[PathBuf]) -> Examined {
    let inputs = Inputs::read(files, &Unattended).unwrap();
    examine(inputs, &Unattended).unwrap()
}

/// The oracle's answer of one core.
struct Oracle {
    name: String,
    json: Value,
}

impl Oracle {
    fn all() -> Vec<Self> {
        let mut all: Vec<Self> = std::fs::read_dir(fixtures().join("oracle"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .map(|path| Self {
                name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
                json: serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap(),
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(all.len(), 62, "the oracle's answers are there");
        all
    }

    fn file(&self, key: &str) -> PathBuf {
        fixtures().join(self.json[key].as_str().unwrap())
    }

    /// The core without `.mt`: one thread, as a debugger would write it.
    fn core(&self) -> PathBuf {
        let core = self.file("core");
        let text = core.to_str().unwrap();
        PathBuf::from(text.strip_suffix(".mt").unwrap_or(text))
    }

    /// gdb is known to be wrong about the crashed thread of these (ORACLE.md, 2 to 4; fixtures/README.md).
    fn is_wrong_about_the_crashed_thread(&self) -> bool {
        let n = &self.name;
        n.ends_with("stack-overflow")
            || n.ends_with("stack-limit")
            || (n.starts_with("sample-brook") && n.ends_with("in-interrupt"))
            || (n.starts_with("qemu-") && n.ends_with("-3"))
    }
}

fn frames_of(thread: &Value) -> &[Value] {
    thread["frames"].as_array().map_or(&[], Vec::as_slice)
}

/// gdb's frames down to the thread's entry: without the exception entries (which are no frames) and without the
/// bogus last one that it makes of a task's return address.
fn expected_frames(thread: &Value) -> Vec<&Value> {
    let mut frames: Vec<&Value> = frames_of(thread)
        .iter()
        .filter(|frame| !is_exception_entry(frame))
        .collect();
    let is_corrupt = thread["stop"]
        .as_str()
        .is_some_and(|stop| stop.contains("corrupt stack"));
    if is_corrupt && frames.len() > 1 {
        frames.pop();
    }
    frames
}

fn is_exception_entry(frame: &Value) -> bool {
    frame["function"].is_null()
        && frame["pc"]
            .as_str()
            .is_some_and(|pc| pc.starts_with("0xff"))
        || frame["function"].as_str() == Some("<signal handler called>")
}

#[test]
fn frames_and_variables_of_the_crashed_thread_equal_gdbs() {
    let mut wrong = Vec::new();
    let mut n_frames = 0;
    for oracle in Oracle::all() {
        if oracle.is_wrong_about_the_crashed_thread() {
            continue;
        }
        let report = read(&[oracle.core()], &oracle.file("elf"));
        let threads = oracle.json["threads"].as_array().unwrap();
        let expected = expected_frames(&threads[0]);
        n_frames += expected.len();
        compare_frames(&oracle.name, &report.threads[0], &expected, &[], &mut wrong);
    }
    assert!(n_frames > 200, "only {n_frames} frames were compared");
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_freertos_task_has_the_state_stack_and_frames_that_gdb_found() {
    let mut wrong = Vec::new();
    let mut n_tasks = 0;
    for oracle in Oracle::all() {
        let Some(tasks) = oracle.json["tasks"].as_array() else {
            continue;
        };
        let report = read(&[oracle.core()], &oracle.file("elf"));
        for task in tasks {
            n_tasks += 1;
            let name = task["name"].as_str().unwrap();
            let Some(thread) = report
                .threads
                .iter()
                .find(|t| t.name.as_deref() == Some(name))
            else {
                wrong.push(format!("{}: task {name} is missing", oracle.name));
                continue;
            };
            let ours = serde_json::json!({
                "id": thread.id,
                "state": thread.state,
                "priority": thread.priority,
                "stack_base": thread.stack_base,
                "stack_unused_min": thread.stack_unused_min,
            });
            for (key, ours) in ours.as_object().unwrap() {
                if ours != &task[key] {
                    wrong.push(format!(
                        "{} {name}: {key} {ours}, gdb {}",
                        oracle.name, task[key]
                    ));
                }
            }
        }
    }
    assert!(n_tasks > 100, "only {n_tasks} tasks were compared");
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_other_threads_have_gdbs_frames_without_its_bogus_last_one() {
    let mut wrong = Vec::new();
    for oracle in Oracle::all() {
        if oracle.json["tasks"].as_array().is_none() {
            continue;
        }
        let report = read(&[oracle.core()], &oracle.file("elf"));
        for thread in oracle.json["threads"].as_array().unwrap().iter().skip(1) {
            let expected = expected_frames(thread);
            let (Some(first), Some(last)) = (expected.first(), expected.last()) else {
                continue;
            };
            let ours = report.threads.iter().find(|t| {
                !t.crashed
                    && t.frames
                        .first()
                        .is_some_and(|f| first["pc"] == f.pc.to_string().as_str())
                    && t.frames
                        .last()
                        .is_some_and(|f| Value::from(f.function.clone()) == last["function"])
            });
            let what = format!("{} {}", oracle.name, last["function"]);
            match ours {
                Some(ours) => compare_frames(&what, ours, &expected, &[], &mut wrong),
                None => wrong.push(format!("{what}: no thread of ours is this one")),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What a dump in a log says must be what the machine's own core says, as far as the dump stored it.
#[test]
fn dumps_in_uart_logs_give_the_same_backtrace_as_the_machines_core() {
    let mut wrong = Vec::new();
    for oracle in Oracle::all()
        .iter()
        .filter(|oracle| oracle.name.starts_with("sample-"))
    {
        let core = oracle.core();
        let uart = core.with_extension("uart");
        let machine: Value =
            serde_json::from_slice(&std::fs::read(core.with_extension("machine.json")).unwrap())
                .unwrap();
        let report = read(&[uart], &oracle.file("elf"));
        if !report.verified {
            wrong.push(format!(
                "{}: the boot banner names the build, yet it is not verified",
                oracle.name
            ));
        }
        if oracle.is_wrong_about_the_crashed_thread() {
            continue;
        }
        let mut lost: Vec<String> = lost_variables(&machine);
        if oracle.name == "sample-brook-an386-float" {
            // A `#CD:` dump holds no floating-point register (ORACLE.md, 6).
            lost.extend(["motor_set:rpm", "pid_step:rpm", "pid_step:slope"].map(str::to_owned));
        }
        let threads = oracle.json["threads"].as_array().unwrap();
        let what = format!("{} from the log", oracle.name);
        compare_frames(
            &what,
            &report.threads[0],
            &expected_frames(&threads[0]),
            &lost,
            &mut wrong,
        );
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// `function:variable` of what gdb takes from registers that the dump never stored.
fn lost_variables(machine: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    for entry in machine["lost_with_r4_r11"].as_array().into_iter().flatten() {
        match entry {
            Value::String(text) => lost.push(text.clone()),
            Value::Object(object) => {
                let function = object["function"].as_str().unwrap_or_default();
                let name = object["name"].as_str().unwrap_or_default();
                lost.push(format!("{function}:{name}"));
            }
            _ => {}
        }
    }
    lost
}

/// Which kind each crash is, from the core with its log, and (where the registers allow it) from either alone.
#[test]
fn every_crash_is_named_for_what_it_is() {
    let kinds: &[(&str, FaultKind)] = &[
        ("qemu-bare-*-1", FaultKind::BusFault),
        ("qemu-bare-*-2", FaultKind::UndefinedInstruction),
        ("qemu-bare-*-3", FaultKind::StackOverflow),
        ("qemu-bare-*-4", FaultKind::BusFault),
        ("qemu-bare-*-5", FaultKind::DivideByZero),
        ("qemu-bare-*-6", FaultKind::BusFault),
        ("qemu-bare-*-7", FaultKind::NoExecute),
        ("qemu-freertos-*-1", FaultKind::BusFault),
        ("qemu-freertos-*-3", FaultKind::StackOverflow),
        ("qemu-freertos-*-4", FaultKind::BusFault),
        ("qemu-freertos-*-8", FaultKind::Assert),
        ("*-assert", FaultKind::Assert),
        ("*-bad-pointer", FaultKind::BusFault),
        ("*-divide-by-zero", FaultKind::DivideByZero),
        ("*-float", FaultKind::BusFault),
        ("*-in-interrupt", FaultKind::BusFault),
        ("*-no-execute", FaultKind::NoExecute),
        ("*-null-pointer", FaultKind::NullPointer),
        ("*-stack-limit", FaultKind::StackOverflow),
        ("*-stack-overflow", FaultKind::StackOverflow),
        ("*-timer", FaultKind::BusFault),
        ("*-unaligned", FaultKind::Unaligned),
        ("*-undefined", FaultKind::UndefinedInstruction),
    ];
    let mut wrong = Vec::new();
    for oracle in Oracle::all() {
        let (_, kind) = kinds
            .iter()
            .find(|(pattern, _)| {
                let (head, tail) = pattern.split_once('*').unwrap();
                oracle.name.starts_with(head) && oracle.name.ends_with(tail)
            })
            .unwrap_or_else(|| panic!("{} has no kind", oracle.name));
        let core = oracle.core();
        let both = read(
            &[core.clone(), core.with_extension("uart")],
            &oracle.file("elf"),
        );
        let fault = both.fault.as_ref();
        if fault.map(|f| f.kind) != Some(*kind) {
            wrong.push(format!(
                "{}: {:?}, {:?}",
                oracle.name,
                fault.map(|f| f.kind),
                fault.map(|f| &f.summary)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
