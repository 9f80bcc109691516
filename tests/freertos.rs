//! FreeRTOS on boards of QEMU (`tests/fixtures/qemu-freertos-objects`): tasks of every port, objects and heaps against what gdb
//! reads of them, deadlocks, freed objects in use, an overrun heap block, and what differs between two memories.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use fieldscope::analysis::variable_diff;
use fieldscope::engine::examine::{Examined, examine};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report, with_symbols};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::{CrashReport, ThreadState};
use fieldscope::model::rtos_objects::{ObjectKind, RtosObject};
use fieldscope::symbols::initial_memory::InitialMemory;
use fieldscope::symbols::symbol_file::SymbolFile;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/qemu-freertos-objects")
}

/// `cm4f-1.core` with its ELF `cm4f.elf`.
fn opened(capture: &str) -> (Examined, Arc<SymbolFile>) {
    let inputs = Inputs::read(&[folder().join(capture)], &Unattended).unwrap();
    let examined = examine(inputs, &Unattended).unwrap();
    assert_eq!(examined.crashes.len(), 1, "{capture} holds one crash");
    let build = capture.split('-').next().unwrap();
    let elf = std::fs::read(folder().join(format!("{build}.elf"))).unwrap();
    let file = SymbolFile::parse(&format!("{build}.elf"), elf).unwrap();
    (examined, Arc::new(file))
}

fn read(capture: &str) -> CrashReport {
    let (examined, elf) = opened(capture);
    let crash = &examined.crashes[0];
    let id = crash.build_id.as_ref().map(|(id, _)| id);
    let matched = match_named(id, &crash.joined.dump.memory, &[elf]).unwrap();
    assert!(matched.verified, "{capture} names its build");
    let depth = Depth::Locals;
    report(&examined, 0, &matched, &IndexCache::disabled(), depth).unwrap()
}

/// Every capture with an answer of gdb.
fn with_oracle() -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let capture = name.strip_suffix(".gdb.json")?;
            let text = std::fs::read_to_string(folder().join(&name)).unwrap();
            Some((
                format!("{capture}.core"),
                serde_json::from_str(&text).unwrap(),
            ))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(all.len() >= 10);
    all
}

fn at<'r>(report: &'r CrashReport, address: &Value) -> Option<&'r RtosObject> {
    report
        .objects
        .iter()
        .find(|object| object.address.to_string() == address.as_str().unwrap())
}

fn waiters(object: &RtosObject) -> Vec<&str> {
    object
        .waiters
        .iter()
        .map(|waiter| waiter.thread.name.as_deref().unwrap())
        .collect()
}

fn names(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect()
}

fn said(report: &CrashReport, code: &str) -> Vec<String> {
    report
        .warnings
        .iter()
        .filter(|warning| warning.code == code)
        .map(|warning| warning.message.clone())
        .collect()
}

#[test]
fn queues_semaphores_and_mutexes_are_what_gdb_reads_of_them() {
    for (capture, oracle) in with_oracle() {
        let report = read(&capture);
        for (name, expected) in oracle["queues"].as_object().unwrap() {
            let object = at(&report, &expected["address"]).expect(name);
            let place = format!("{capture} {name}: {object:?}");
            let mut all = names(&expected["receivers"]);
            all.extend(names(&expected["senders"]));
            assert_eq!(waiters(object), all, "{place}");
            let is_mutex = expected.get("holder").is_some();
            let kinds: &[ObjectKind] = match (is_mutex, expected["item_size"].as_u64().unwrap()) {
                (true, _) => &[ObjectKind::Mutex, ObjectKind::RecursiveMutex],
                (false, 0) => &[ObjectKind::Semaphore],
                _ => &[ObjectKind::Queue],
            };
            assert!(kinds.contains(&object.kind), "{place}");
            let holder = object.holder.as_ref().and_then(|h| h.name.as_deref());
            assert_eq!(holder, expected["holder"].as_str(), "{place}");
            if object.kind == ObjectKind::Queue {
                let (messages, length) = (&expected["messages"], &expected["length"]);
                let detail = format!("{messages} of {length} ");
                assert!(object.detail.contains(&detail), "{place}");
            }
            if expected["recursion"].as_u64().is_some_and(|n| n > 1) {
                let detail = format!("taken {} times", expected["recursion"]);
                assert_eq!(object.detail, detail, "{place}");
            }
        }
    }
}

#[test]
fn timers_event_groups_and_buffers_are_what_gdb_reads_of_them() {
    let mut n_running = 0;
    for (capture, oracle) in with_oracle() {
        let report = read(&capture);
        for expected in oracle["timers"].as_object().unwrap().values() {
            let timer = at(&report, &expected["address"]).expect("a timer");
            let place = format!("{capture}: {timer:?}");
            assert_eq!(timer.kind, ObjectKind::Timer, "{place}");
            assert_eq!(timer.name.as_deref(), expected["name"].as_str(), "{place}");
            let reload = if expected["auto_reload"].as_bool().unwrap() {
                format!("every {}", expected["period"])
            } else {
                format!("once after {}", expected["period"])
            };
            let state = match expected["expires"].as_u64() {
                Some(tick) => format!("expires at tick {tick}"),
                None => "stopped".to_owned(),
            };
            n_running += usize::from(expected["expires"].is_u64());
            let calls = format!("calls {}", expected["callback"].as_str().unwrap());
            for part in [reload, state, calls] {
                assert!(timer.detail.contains(&part), "{part} in {place}");
            }
        }
        let named = |kind: ObjectKind, name: &str| {
            report
                .objects
                .iter()
                .find(|o| o.kind == kind && o.name.as_deref() == Some(name))
                .expect(name)
        };
        for (name, expected) in oracle["events"].as_object().unwrap() {
            let group = named(ObjectKind::EventGroup, name);
            let bits = format!("bits 0x{:x} set", expected["bits"].as_u64().unwrap());
            assert_eq!(group.detail, bits, "{capture}");
            assert_eq!(waiters(group), names(&expected["waiters"]), "{capture}");
        }
        for (name, expected) in oracle["streams"].as_object().unwrap() {
            let buffer = named(ObjectKind::StreamBuffer, name);
            let used = format!("{} of {} bytes", expected["used"], expected["capacity"]);
            assert!(buffer.detail.contains(&used), "{capture}: {buffer:?}");
            let reader: Vec<&str> = expected["reader"].as_str().into_iter().collect();
            assert_eq!(waiters(buffer), reader, "{capture}");
        }
    }
    assert!(n_running >= 8);
}

#[test]
fn free_blocks_of_every_heap_are_those_of_the_allocators_list() {
    for (capture, oracle) in with_oracle() {
        let report = read(&capture);
        if oracle.get("free_blocks").is_none() {
            // heap_1 only counts.
            let free = report.heaps[0].free;
            assert_eq!(free, oracle["free_counted"].as_u64(), "{capture}");
            continue;
        }
        let mut free: Vec<(String, u64)> = report
            .heaps
            .iter()
            .flat_map(|heap| &heap.blocks)
            .filter(|block| !block.allocated)
            .map(|block| (block.address.to_string(), block.size))
            .collect();
        let mut expected: Vec<(String, u64)> = oracle["free_blocks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| (b[0].as_str().unwrap().to_owned(), b[1].as_u64().unwrap()))
            .collect();
        free.sort();
        expected.sort();
        assert_eq!(free, expected, "{capture}");
        let sum: Option<u64> = report.heaps.iter().map(|heap| heap.free).sum();
        assert_eq!(sum, oracle["free_walked"].as_u64(), "{capture}");
        if let [only] = report.heaps.as_slice() {
            let counted = oracle["free_counted"].as_u64();
            assert_eq!(only.free_counted, counted, "{capture}");
        }
        for heap in &report.heaps {
            assert_eq!(heap.damage, None, "{capture}");
            let without_owner =
                |b: &&fieldscope::model::target_state::HeapBlock| b.allocated && b.owner.is_none();
            let unknown = heap.blocks.iter().filter(without_owner).count();
            // Queues of the library's own, at most.
            assert!(
                unknown <= 2,
                "{capture}: {unknown} of {}",
                heap.blocks.len()
            );
        }
    }
}

#[test]
fn a_switched_out_task_of_every_port_is_walked_to_its_entry() {
    let entries = [
        ("sensor", "sensor"),
        ("logger", "logger"),
        ("net", "net"),
        ("cmd", "cmd"),
        ("flash", "flash"),
        ("edge", "edge_task"),
        ("menu", "menu_task"),
        ("pump", "pump"),
        ("Tmr Svc", "prvTimerTask"),
    ];
    for (capture, _) in with_oracle() {
        let report = read(&capture);
        let expected = if capture.contains("mpu-") { 6 } else { 10 };
        let n = report.threads.len();
        // A deleted task is gone; of two cores each has its own idle task.
        let off_by = usize::from(capture == "cm4f-4.core");
        let more = usize::from(capture.starts_with("smp"));
        assert_eq!(n, expected + more - off_by, "{capture}");
        for thread in report
            .threads
            .iter()
            .filter(|t| t.state != ThreadState::Running)
        {
            let name = thread.name.as_deref().unwrap();
            let Some((_, entry)) = entries.iter().find(|(task, _)| *task == name) else {
                continue;
            };
            let last = thread.frames.last().and_then(|f| f.function.as_deref());
            assert_eq!(last, Some(*entry), "{capture} {name}: {thread:?}");
        }
    }
}

#[test]
fn registers_kept_in_the_control_block_are_found_with_floating_point_too() {
    for capture in ["cm4mpu-1.core", "cm33mpu-1.core"] {
        kept_in_the_control_block(&read(capture));
    }
}

fn kept_in_the_control_block(report: &CrashReport) {
    let thread = |name: &str| {
        report
            .threads
            .iter()
            .find(|t| t.name.as_deref() == Some(name))
            .expect(name)
    };
    // pump uses the floating-point unit: its saved context is the long one. meter is unprivileged and inside of a system call:
    // the kernel's part is on a stack of its own.
    let functions = |name: &str| -> Vec<String> {
        let frames = thread(name).frames.iter();
        let functions = frames.filter_map(|f| f.function.clone());
        functions.filter(|f| f != "vPortYield").collect()
    };
    let of_kernel = ["vTaskDelay", "MPU_vTaskDelayImpl"];
    assert_eq!(functions("pump"), [&of_kernel[..], &["pump"]].concat());
    assert_eq!(functions("meter"), of_kernel);
    let meter = thread("meter");
    let used = meter.stack_used.unwrap();
    assert!(used > 0 && used < meter.stack_size.unwrap());
}

#[test]
fn of_two_cores_the_registers_belong_to_the_task_on_whose_stack_they_are() {
    let report = read("smp-2.core");
    let running: Vec<&str> = report
        .threads
        .iter()
        .filter(|t| t.state == ThreadState::Running)
        .map(|t| t.name.as_deref().unwrap())
        .collect();
    assert_eq!(running.len(), 2, "{running:?}");
    let crashed = &report.threads[0];
    let sp = crashed.frames[0].sp.unwrap().0;
    let base = crashed.stack_base.unwrap().0;
    assert!((base..base + crashed.stack_size.unwrap()).contains(&sp));
    let other = report
        .threads
        .iter()
        .find(|t| t.state == ThreadState::Running && !t.crashed);
    let why = other.unwrap().stopped.as_deref().unwrap();
    assert!(why.contains("another core"), "{why}");
}

#[test]
fn deadlocks_are_named_in_words() {
    let two = "Deadlock: net waits for mutex bus, which cmd holds; cmd waits for mutex log, which net holds: neither can go on.";
    let cases: [(&str, &str); 7] = [
        (
            "cm33mpu-2.core",
            "Deadlock: net waits for mutex bus_lock, which cmd holds; cmd waits for mutex log_lock, which net holds: neither can go on.",
        ),
        ("cm4f-2.core", two),
        ("cm33-2.core", two),
        ("smp-2.core", two),
        (
            "cm4mpu-2.core",
            "Deadlock: net waits for mutex bus_lock, which cmd holds; cmd waits for mutex log_lock, which net holds: neither can go on.",
        ),
        (
            "cm4f-3.uart",
            "Deadlock: net waits for mutex bus, which cmd holds; cmd waits for mutex flash_lock, which flash holds; flash waits for mutex log, which net holds: none of them can go on.",
        ),
        (
            "cm4f-7.core",
            "Deadlock: net waits for mutex bus, which it holds itself: it can never go on.",
        ),
    ];
    for (capture, sentence) in cases {
        let report = read(capture);
        assert_eq!(said(&report, "FS-RTOS-030"), [sentence], "{capture}");
        assert_eq!(report.deadlocks.len(), 1, "{capture}");
    }
    for healthy in [
        "cm4f-1.core",
        "cm33-1.core",
        "cm3-1.core",
        "smp-1.core",
        "cm4mpu-1.core",
        "cm33mpu-1.core",
    ] {
        let report = read(healthy);
        assert_eq!(report.deadlocks, [], "{healthy}");
        assert_eq!(report.warnings, [], "{healthy}");
    }
}

#[test]
fn a_mutex_whose_holder_was_deleted_says_so() {
    let report = read("cm4f-4.core");
    assert_eq!(
        said(&report, "FS-RTOS-031"),
        ["net waits for mutex bus, which cmd holds, and cmd was deleted."]
    );
}

#[test]
fn waiting_on_a_deleted_queue_is_a_use_after_free() {
    let report = read("cm4f-5.core");
    let said = said(&report, "FS-HEAP-002");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("queue scratch"), "{said:?}");
    assert!(said[0].contains("net waits on it"), "{said:?}");
}

#[test]
fn an_overrun_names_the_block_before_the_broken_header_and_its_owner() {
    for capture in ["cm4f-6.uart", "cm33-6.uart"] {
        let report = read(capture);
        let said = said(&report, "FS-HEAP-001");
        assert_eq!(said.len(), 1, "{capture} {said:?}");
        assert!(said[0].contains("size 0x55555555"), "{capture} {said:?}");
        assert!(said[0].contains("held by packet"), "{capture} {said:?}");
        // The walk goes on behind the damage.
        let blocks = &report.heaps[0].blocks;
        assert!(
            blocks.last().is_some_and(|block| !block.allocated),
            "{capture}"
        );
    }
}

#[test]
fn variables_that_differ_are_those_whose_values_gdb_prints_differently() {
    let (examined, elf) = opened("cm4f-1.core");
    let crash = &examined.crashes[0];
    let matched = match_named(None, &crash.joined.dump.memory, &[elf]).unwrap();
    let after = &crash.joined.dump.memory;
    let diff = with_symbols(&matched, &IndexCache::disabled(), |symbols| {
        variable_diff::compare(symbols, &InitialMemory::new(symbols), after, "")
    });
    let oracle = std::fs::read_to_string(folder().join("cm4f-1.variables.txt")).unwrap();
    let mut n_different = 0;
    for line in oracle.lines() {
        let [name, before, now] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let row = diff.rows.iter().find(|row| row.name == name);
        if before == now {
            assert_eq!(row, None, "{name} did not change");
            continue;
        }
        n_different += 1;
        let row = row.expect(name);
        assert_eq!(row.before.as_deref(), Ok(before), "{name}");
        assert_eq!(row.after.as_deref(), Ok(now), "{name}");
    }
    assert!(n_different >= 10);
    assert!(diff.n_compared > diff.n_different);

    // Two dumps of one build: a healthy one against one in a deadlock, and against itself.
    let (other, _) = opened("cm4f-2.core");
    let other = &other.crashes[0].joined.dump.memory;
    let (same, between) = with_symbols(&matched, &IndexCache::disabled(), |symbols| {
        (
            variable_diff::compare(symbols, after, after, ""),
            variable_diff::compare(symbols, other, after, "n_"),
        )
    });
    assert_eq!((same.rows.len(), same.n_different), (0, 0));
    assert!(between.rows.iter().all(|row| row.name.contains("n_")));
    assert!(between.rows.iter().any(|row| row.name == "n_readings"));
}

#[test]
fn the_librarys_heap_is_walked_and_its_damage_found() {
    for (kind, allocator) in [
        ("newlib_nano", "newlib (small)"),
        ("newlib_usual", "newlib"),
    ] {
        let healthy = read(&format!("{kind}-1.core"));
        let [heap] = healthy.heaps.as_slice() else {
            panic!("{kind}: one heap");
        };
        assert_eq!(heap.allocator, allocator);
        assert_eq!(heap.damage, None, "{kind}");
        let owned = |owner: &str| {
            let mut blocks = heap.blocks.iter();
            blocks
                .find(|b| b.owner.as_deref() == Some(owner))
                .map(|b| b.size)
        };
        // malloc(80), malloc(24) and malloc(400), with 4 or 8 bytes of header.
        assert_eq!(owned("held by line"), Some(88), "{kind}");
        assert_eq!(owned("held by name"), Some(32), "{kind}");
        assert_eq!(owned("held by table"), Some(408), "{kind}");
        // The list's second record was given back.
        assert!(
            heap.blocks.iter().any(|b| !b.allocated && b.size == 32),
            "{kind}"
        );
        let damaged = read(&format!("{kind}-6.core"));
        let said = said(&damaged, "FS-HEAP-001");
        assert_eq!(said.len(), 1, "{kind} {said:?}");
        let words = "with room for 24 bytes (held by name)";
        assert!(said[0].contains(words), "{kind} {said:?}");
    }
}

/// Broken memory gives a partial answer, never a panic or an endless walk.
#[test]
fn flipped_bits_in_the_kernels_memory_are_survived() {
    for capture in [
        "cm4f-2.core",
        "cm33-1.core",
        "cm4mpu-2.core",
        "smp-1.core",
        "cm3-1.core",
    ] {
        let (mut examined, elf) = opened(capture);
        let id = examined.crashes[0]
            .build_id
            .as_ref()
            .map(|(id, _)| id.clone());
        let original = examined.crashes[0].joined.dump.memory.clone();
        let matched = match_named(id.as_ref(), &original, &[elf]).unwrap();
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        for _round in 0..25 {
            let mut broken = fieldscope::model::memory::MemoryMap::default();
            for region in original.regions() {
                let mut bytes = region.bytes.clone();
                for _flip in 0..60 {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let place = usize::try_from(state % bytes.len() as u64).unwrap();
                    bytes[place] ^= 1 << (state >> 40 & 7);
                }
                // Sometimes the end is missing.
                let kept = if state.is_multiple_of(4) {
                    bytes.len() / 2
                } else {
                    bytes.len()
                };
                broken.insert(region.start, &bytes[..kept]);
            }
            examined.crashes[0].joined.dump.memory = broken;
            let cache = IndexCache::disabled();
            assert!(report(&examined, 0, &matched, &cache, Depth::Frames).is_some());
        }
    }
}

/// The second oracle: the Python package freertos-gdb 1.0.4 in gdb.
#[test]
fn tasks_are_those_that_freertos_gdb_lists() {
    for capture in ["cm4f-1", "cm33-1"] {
        let report = read(&format!("{capture}.core"));
        let path = folder().join(format!("{capture}.freertos-gdb.txt"));
        let text = std::fs::read_to_string(path).unwrap();
        let mut n_tasks = 0;
        // Tables of queues and timers follow.
        let tasks = text.split("COUNT").next().unwrap();
        for line in tasks.lines().filter(|line| {
            line.contains("> ") && line.contains(" 0x") && line.ends_with(|c: char| c.is_numeric())
        }) {
            let (_id, rest) = line.split_once("> ").unwrap();
            let words: Vec<&str> = rest.split_whitespace().collect();
            // [number] name.. status priority base-priority mutexes used free
            let [name @ .., status, priority, _base, _mutexes, used, _free] = words.as_slice()
            else {
                continue;
            };
            let is_number = |word: &&&str| word.parse::<u32>().is_err();
            let name = name
                .iter()
                .filter(is_number)
                .copied()
                .collect::<Vec<_>>()
                .join(" ");
            let thread = report
                .threads
                .iter()
                .find(|t| t.name.as_deref() == Some(&name))
                .unwrap_or_else(|| panic!("{capture}: {name}"));
            n_tasks += 1;
            assert_eq!(thread.priority, priority.parse().ok(), "{capture} {name}");
            if thread.state != ThreadState::Running {
                assert_eq!(thread.stack_used, used.parse().ok(), "{capture} {name}");
            }
            let waits_for_ever = *status == "suspended";
            let limited = thread
                .waits_on
                .as_ref()
                .is_some_and(|w| w.contains(" until "));
            assert!(!(waits_for_ever && limited), "{capture} {name}");
        }
        assert_eq!(n_tasks, report.threads.len(), "{capture}");
    }
}
