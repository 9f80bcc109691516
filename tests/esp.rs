//! ESP-IDF core dumps and panics: every version and carrier, broken ones, and the whole program without any gdb.
#![expect(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and its inputs are small"
)]

#[path = "esp/builder.rs"]
mod builder;
#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;

use builder::{
    CHAIN, Notes, PANIC, Task, console, dump, elf_core, put, xtensa_dumps, xtensa_tasks,
};
use common::{Place, fixture};
use fieldscope::formats::scan::{FileScan, scan};
use fieldscope::model::arch::Arch;
use fieldscope::model::memory::Memory as _;
use fieldscope::model::progress::Unattended;
use fieldscope::model::registers::Reg;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn scanned(bytes: &[u8]) -> FileScan {
    scan("capture", bytes, &Unattended).unwrap()
}

fn codes(found: &FileScan) -> Vec<&str> {
    let own = found.warnings.iter();
    let of_dumps = found.coredumps.iter().flat_map(|d| d.warnings.iter());
    own.chain(of_dumps).map(|w| w.code.as_str()).collect()
}

#[test]
fn every_version_of_a_dump_gives_the_same_tasks() {
    for (version, bytes) in xtensa_dumps() {
        let found = scanned(&bytes);
        assert_eq!(found.format, "esp-core", "{version:x}");
        assert_eq!(codes(&found), [""; 0], "{version:x}");
        let dump = &found.coredumps[0];
        assert_eq!(dump.arch, Arch::Xtensa);
        let names: Vec<_> = dump.threads.iter().map(|t| t.name.as_deref()).collect();
        assert_eq!(
            names,
            [Some("main"), Some("net"), Some("IDLE0")],
            "{version:x}"
        );
        let crashed = &dump.threads[0];
        assert_eq!(crashed.id, Some(0x3FFA_FBA0));
        assert_eq!(crashed.registers.pc(), Some(0x400D_1234));
        assert_eq!(crashed.registers.sp(), Some(0x3FFB_4E80));
        assert_eq!(crashed.registers.known(Reg(0)), Some(0x800D_5678));
        assert_eq!(
            crashed.registers.known(Reg::EXCCAUSE),
            Some(28),
            "{version:x}"
        );
        assert_eq!(crashed.registers.known(Reg::EXCVADDR), Some(0x14));
        assert_eq!(dump.threads[1].registers.known(Reg::EXCCAUSE), None);
        assert_eq!(crashed.stack.as_ref().unwrap().start, 0x3FFB_4600);
        let has_notes = version >= 0x100;
        let hash = has_notes.then_some("1b43c5e74");
        assert_eq!(dump.elf_sha256.as_deref(), hash, "{version:x}");
        let has_segment = matches!(version, 0x002 | 0x003);
        assert_eq!(dump.memory.read_u8(0x3FFB_0000).is_ok(), has_segment);
    }
}

#[test]
fn a_console_log_gives_its_dumps_whatever_stands_around_the_lines() {
    let dumps = xtensa_dumps();
    let noise = "I (12) app: tick\r\nE (13) esp_core_dump_uart: Print core dump to uart...\r\n";
    for prefix in [
        "",
        "[12:00:01.250] ",
        "2026-11-23 18:00:01 device-7 ",
        "\x1b[0;31m> ",
    ] {
        let mut log = noise.to_owned();
        for (_, bytes) in &dumps {
            log += &console(bytes, prefix);
            log += "Rebooting...\r\nrst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n";
            log += noise;
        }
        let found = scanned(log.as_bytes());
        assert_eq!(found.coredumps.len(), dumps.len(), "{prefix:?}");
        assert_eq!(codes(&found), [""; 0], "{prefix:?}");
        assert!(found.coredumps.iter().all(|d| d.threads.len() == 3));
        assert_eq!(found.boots.len(), dumps.len());
    }
}

#[test]
fn a_damaged_line_is_a_hole_and_everything_else_stays_in_place() {
    let (_, bytes) = xtensa_dumps().pop().unwrap();
    let whole = scanned(&bytes).coredumps.remove(0);
    let text = console(&bytes, "");
    let lines: Vec<&str> = text.lines().collect();
    for (n, cut) in [(30, 5), (40, 1), (50, 41)] {
        let mut lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        let damaged = lines[n][cut..].to_owned();
        lines[n] = damaged;
        let log = lines.concat();
        let found = scanned(log.as_bytes());
        let dump = &found.coredumps[0];
        assert!(
            codes(&found).contains(&"FS-ESP-010"),
            "{n}: {:?}",
            codes(&found)
        );
        for region in dump.memory.regions() {
            let mut same = vec![0; region.bytes.len()];
            whole.memory.read(region.start, &mut same).unwrap();
            assert_eq!(same, region.bytes, "line {n}");
        }
        let captured = |d: &fieldscope::model::coredump::Coredump| {
            d.memory
                .regions()
                .iter()
                .map(|r| r.bytes.len())
                .sum::<usize>()
        };
        assert!(captured(dump) + 48 >= captured(&whole), "line {n}");
    }
}

#[test]
fn a_line_that_is_missing_altogether_is_said_to_have_moved_what_follows() {
    let (_, bytes) = xtensa_dumps().pop().unwrap();
    let text = console(&bytes, "");
    let kept = text.lines().enumerate().filter(|(n, _)| *n != 50);
    let log: String = kept.map(|(_, line)| format!("{line}\n")).collect();
    assert!(codes(&scanned(log.as_bytes())).contains(&"FS-ESP-011"));
}

#[test]
fn files_of_every_carrier_are_known_by_their_content() {
    let (_, bytes) = xtensa_dumps().remove(5);
    let base64 = builder::base64_lines(&bytes).join("\n");
    let mut partition = bytes.clone();
    partition.resize(0x1_0000, 0xFF);
    let flash = flash_image(&partition);
    for (name, input) in [
        ("base64", base64.as_bytes()),
        ("partition", &partition),
        ("flash", &flash),
    ] {
        let found = scanned(input);
        assert_eq!(found.format, "esp-core", "{name}");
        assert_eq!(codes(&found), [""; 0], "{name}");
        assert_eq!(found.coredumps[0].threads.len(), 3, "{name}");
    }
    let core = elf_core(94, 0x102, &xtensa_tasks(), &Notes::default());
    let found = scanned(&core);
    assert_eq!(
        (found.format, found.coredumps[0].threads.len()),
        ("elf-core", 3)
    );
    let erased = flash_image(&[0xFF; 0x1000]);
    let found = scanned(&erased);
    assert!(found.coredumps.is_empty());
    assert_eq!(codes(&found), ["FS-ESP-012"]);
}

/// A flash image with a partition table at 0x8000 and the core dump partition at 0x20000.
fn flash_image(partition: &[u8]) -> Vec<u8> {
    let mut image = vec![0xFF; 0x2_0000];
    image[0] = 0xE9;
    let entries: [(u8, u8, u32, u32, &[u8]); 3] = [
        (1, 2, 0x9000, 0x6000, b"nvs"),
        (0, 0, 0x1_0000, 0x1_0000, b"factory"),
        (1, 3, 0x2_0000, partition.len() as u32, b"coredump"),
    ];
    for (n, (kind, subtype, offset, len, label)) in entries.iter().enumerate() {
        let at = 0x8000 + 32 * n;
        image[at..at + 32].fill(0);
        image[at..at + 4].copy_from_slice(&[0xAA, 0x50, *kind, *subtype]);
        put(&mut image, at + 4, *offset);
        put(&mut image, at + 8, *len);
        image[at + 12..at + 12 + label.len()].copy_from_slice(label);
    }
    image.extend_from_slice(partition);
    image
}

#[test]
fn damage_and_truncation_are_said_and_what_is_left_is_read() {
    for (version, bytes) in xtensa_dumps() {
        let mut flipped = bytes.clone();
        let last = flipped.len() - 40;
        flipped[last] ^= 1;
        assert!(
            codes(&scanned(&flipped)).contains(&"FS-ESP-002"),
            "{version:x}"
        );
        for keep in [bytes.len() / 2, bytes.len() - 1] {
            let found = scanned(&bytes[..keep]);
            assert!(codes(&found).contains(&"FS-ESP-003"), "{version:x} {keep}");
            assert!(!found.coredumps[0].threads.is_empty(), "{version:x} {keep}");
        }
    }
}

#[test]
fn a_task_that_was_not_stored_is_said_to_be_missing() {
    let tasks = xtensa_tasks();
    let notes = Notes {
        crashed_tcb: 0xDEAD_BEEF,
        ..Notes::default()
    };
    let bytes = dump(0x102, 0, 0, &elf_core(94, 0x102, &tasks[1..], &notes));
    let found = scanned(&bytes);
    assert!(codes(&found).contains(&"FS-ESP-007"));
    assert_eq!(found.coredumps[0].threads.len(), 3);
    assert_eq!(found.coredumps[0].threads[0].registers.pc(), None);
}

/// The report of a capture, by the program itself, where no other program can be found.
fn backtrace(place: &Place, bytes: &[u8], args: &[&str]) -> Value {
    let path = place.path("capture");
    std::fs::write(&path, bytes).unwrap();
    let output = place
        .command()
        .env("PATH", "")
        .args(["backtrace", "--json"])
        .arg(&path)
        .args(args)
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(text.lines().next().unwrap_or_else(|| panic!("{error}"))).unwrap()
}

fn pcs(thread: &Value) -> Vec<u64> {
    let frames = thread["frames"].as_array().unwrap();
    let pc = |frame: &Value| {
        let text = frame["pc"]
            .as_str()
            .unwrap()
            .trim_start_matches("0x")
            .to_owned();
        u64::from_str_radix(&text, 16).unwrap()
    };
    frames.iter().map(pc).collect()
}

#[test]
fn an_esp32_dump_is_read_with_no_gdb_and_no_elf_through_rom_code_to_the_start_of_each_task() {
    let place = Place::new();
    let chain: Vec<u64> = CHAIN.iter().map(|(pc, _)| u64::from(*pc)).collect();
    for (version, bytes) in xtensa_dumps() {
        let report = backtrace(&place, &bytes, &[]);
        let threads = report["threads"].as_array().unwrap();
        assert_eq!(threads.len(), 3, "{version:x}");
        assert_eq!(pcs(&threads[0]), chain, "{version:x}");
        assert_eq!(pcs(&threads[1]), chain[1..], "{version:x}");
        assert_eq!(threads[0]["name"], "main");
        assert_eq!(threads[0]["crashed"], true);
        assert_eq!(threads[0]["frames"][1]["trust"], "frame_pointer");
        assert_eq!(threads[0]["stack_base"], "0x3ffb4600");
        assert_eq!(report["fault"]["kind"], "null_pointer", "{version:x}");
        assert_eq!(report["fault"]["registers"]["excvaddr"], "0x00000014");
    }
}

#[test]
fn a_broken_window_chain_is_said_and_the_frames_before_it_are_shown() {
    let place = Place::new();
    let mut tasks = xtensa_tasks();
    // The window of the third frame: its stack pointer points nowhere.
    let area = 0x3FFB_4E80 + 0x20 + 0x30 - 16 - tasks[0].stack_low;
    put(&mut tasks[0].stack, area as usize + 4, 0x1234_5678);
    let bytes = dump(0x003, 3, 0, &builder::task_list(&tasks, &[]));
    let report = backtrace(&place, &bytes, &[]);
    let found = pcs(&report["threads"][0]);
    assert_eq!(found, [0x400D_1234, 0x400D_5678, 0x4000_7C78]);
    let warnings = report["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|w| w["code"] == "FS-UNW-010"),
        "{warnings:?}"
    );
}

#[test]
fn a_task_that_gave_way_by_a_call_shows_its_callers_but_the_one_that_was_not_stored() {
    let place = Place::new();
    let mut tasks = xtensa_tasks();
    let net = &mut tasks[1];
    // exit 0, pc with the size of the call in its upper bits, ps; the caller's window 16 bytes above.
    let chain_at = (0x80 - 0x20) as usize;
    net.stack.drain(..chain_at);
    net.stack_low += chain_at as u32;
    for (n, word) in [0, 0x800D_5678, 0x0006_0030, 0].into_iter().enumerate() {
        put(&mut net.stack, n * 4, word);
    }
    let bytes = dump(0x003, 3, 0, &builder::task_list(&tasks, &[]));
    let report = backtrace(&place, &bytes, &[]);
    // The window says who called the caller: the caller's own return address is lost.
    assert_eq!(
        pcs(&report["threads"][1]),
        [0x400D_5678, 0x400D_9ABC, 0x4008_5910]
    );
    let warnings = report["warnings"].as_array().unwrap();
    assert!(warnings.len() < 8, "{warnings:?}");
}

/// The dump that an ESP32-C3 would have written at the fault of `rill-virt-null-write.core`.
fn riscv_dump(sha256: &str) -> Vec<u8> {
    let core = std::fs::read(fixture("qemu-riscv/rill-virt-null-write.core")).unwrap();
    let word = |at: usize| u32::from_le_bytes(core[at..at + 4].try_into().unwrap());
    // Its first program header is the notes', its second one the memory's.
    let (notes, offset, addr, len) = (word(52 + 4), word(84 + 4), word(84 + 8), word(84 + 16));
    let registers = (0..32)
        .map(|n| word(notes as usize + 20 + 72 + 4 * n))
        .collect();
    let memory = &core[offset as usize..(offset + len) as usize];
    let task = Task {
        tcb: 0x8010_2000,
        name: "main",
        priority: 1,
        stack_start: addr,
        stack_low: addr,
        stack: memory.to_vec(),
        registers,
    };
    let notes = Notes {
        app_sha256: Some(sha256.to_owned()),
        crashed_tcb: task.tcb,
        cause: None,
        panic_details: None,
    };
    dump(0x5_0104, 0, 0, &elf_core(243, 0x5_0104, &[task], &notes))
}

#[test]
fn an_esp32_c3_dump_gives_the_frames_that_gdb_knows_with_the_elf_of_its_hash() {
    let place = Place::new();
    let elf = fixture("esp/rill-appdesc.elf");
    let hash = Sha256::digest(std::fs::read(&elf).unwrap());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let bytes = riscv_dump(&hash[..9]);
    let report = backtrace(
        &place,
        console(&bytes, "I (9) ").as_bytes(),
        &["--elf", &elf],
    );
    assert_eq!(report["verified"], true);
    assert_eq!(report["build_id"], hash[..8]);
    assert_eq!(report["elf_build_id"].as_str().unwrap(), hash);
    let expected: Value = serde_json::from_slice(
        &std::fs::read(fixture("qemu-riscv/rill-virt-null-write.gdb.json")).unwrap(),
    )
    .unwrap();
    let frames = report["threads"][0]["frames"].as_array().unwrap();
    let wanted = expected["frames"].as_array().unwrap();
    assert_eq!(frames.len(), wanted.len());
    for (frame, wanted) in frames.iter().zip(wanted) {
        assert_eq!(frame["function"], wanted["function"]);
        assert_eq!(frame["line"], wanted["line"]);
    }
    let warnings = report["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|w| w["code"] == "FS-SYM-007"),
        "{warnings:?}"
    );
}

#[test]
fn an_elf_of_another_hash_is_refused_with_both_ids() {
    let place = Place::new();
    let elf = fixture("esp/rill-appdesc.elf");
    let path = place.path("capture");
    std::fs::write(&path, riscv_dump("00112233445566778899aabbccddeeff")).unwrap();
    let answer = place.run(&["backtrace", path.to_str().unwrap(), "--elf", &elf]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    let hash = Sha256::digest(std::fs::read(&elf).unwrap());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        answer.err.contains("00112233445566778899aabbccddeeff"),
        "{}",
        answer.err
    );
    assert!(answer.err.contains(&hash), "{}", answer.err);
}

#[test]
fn a_panic_print_and_the_dump_behind_it_are_one_crash() {
    let (_, bytes) = xtensa_dumps().remove(5);
    let log = format!("{PANIC}{}", console(&bytes, ""));
    let place = Place::new();
    let report = backtrace(&place, log.as_bytes(), &[]);
    assert_eq!(report["n_crashes"], 1);
    assert_eq!(
        report["sources"],
        serde_json::json!(["esp-panic", "esp-core-text"])
    );
    assert_eq!(pcs(&report["threads"][0]).len(), CHAIN.len());
}

#[test]
fn a_panic_print_alone_shows_the_frames_that_the_device_printed() {
    let place = Place::new();
    let log = "Guru Meditation Error: Core  0 panic'ed (StoreProhibited). Exception was unhandled.\n\
               Core  0 register dump:\n\
               PC      : 0x400d2b1e  PS      : 0x00060a30  A0      : 0x800d2b8c  A1      : 0x3ffb4f50  \n\
               EXCCAUSE: 0x0000001d  EXCVADDR: 0x60004000\n\n\
               Backtrace: 0x400d2b1b:0x3ffb4f50 0x400d2b89:0x3ffb4f70 0x40085ac1:0x3ffb4f90\n";
    let report = backtrace(&place, log.as_bytes(), &[]);
    assert_eq!(
        pcs(&report["threads"][0]),
        [0x400D_2B1E, 0x400D_2B8C, 0x4008_5AC4]
    );
    assert_eq!(report["fault"]["kind"], "memory_fault");
    assert_eq!(report["arch"], "xtensa");
}

#[test]
fn each_cause_of_an_xtensa_exception_is_explained() {
    let place = Place::new();
    for (cause, address, kind, words) in [
        (0, 0, "illegal_instruction", "does not exist"),
        (3, 0x6000_0000, "bus_fault", "accessed 0x60000000"),
        (6, 0, "divide_by_zero", "divided by zero"),
        (
            9,
            0x3FFB_0001,
            "unaligned",
            "unaligned access to 0x3FFB0001",
        ),
        (20, 0x3FFB_0000, "no_execute", "where no code is"),
        (
            28,
            0x14,
            "null_pointer",
            "read from 0x00000014 through a null pointer",
        ),
        (29, 0x3F40_0000, "memory_fault", "wrote to 0x3F400000"),
        (32, 0, "usage_fault", "switched off"),
    ] {
        let log = format!(
            "Guru Meditation Error: Core  0 panic'ed (x). Exception was unhandled.\n\
             PC      : 0x400d2b1e  PS      : 0x00060a30  A0      : 0x800d2b8c  A1      : 0x3ffb4f50\n\
             EXCCAUSE: 0x{cause:08x}  EXCVADDR: 0x{address:08x}\n"
        );
        let report = backtrace(&place, log.as_bytes(), &[]);
        assert_eq!(report["fault"]["kind"], kind, "{cause}");
        let summary = report["fault"]["summary"].as_str().unwrap();
        assert!(summary.contains(words), "{summary}");
        let evidence = report["fault"]["evidence"].to_string();
        assert!(
            evidence.contains(&format!("EXCCAUSE {cause}")),
            "{evidence}"
        );
    }
}
