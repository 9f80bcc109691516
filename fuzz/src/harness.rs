//! What each fuzz target does with its input: any answer is right, a panic, an endless loop or a gigabyte is not.

use super::elf_builder::{self, Expressions};
use super::logs;
use super::sdk_lines::with_right_checksums;
use super::tables;
use fieldscope::analysis::report::{ReportOptions, build_report};
use fieldscope::formats::archive::{ArchiveLimits, unpack};
use fieldscope::formats::scan::scan;
use fieldscope::formats::table::reader::TableFormat;
use fieldscope::formats::{FORMATS, manifest, sdk};
use fieldscope::model::arch::Arch;
use fieldscope::model::coredump::{CapturedThread, Coredump};
use fieldscope::model::memory::MemoryMap;
use fieldscope::model::progress::Unattended;
use fieldscope::model::register_file::RegisterFile;
use fieldscope::model::registers::{Reg, RegisterSet};
use fieldscope::symbols::debug_info::DebugInfo;
use fieldscope::symbols::globals::{globals, read_global};
use fieldscope::symbols::index::{SymbolIndex, key};
use fieldscope::symbols::split::split_file::SplitFile;
use fieldscope::symbols::symbol_file::SymbolFile;
use fieldscope::symbols::symbol_set::SymbolSet;
use fieldscope::symbols::types::{member_offset, type_size};
use fieldscope::symbols::variables::{FrameContext, ValueLimits, locals};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A target: its name, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, sorted. A new one is a line here and a file in `fuzz_targets/`.
pub static TARGETS: &[Target] = &[
    ("archive", archive),
    ("archive_tar", archive_tar),
    ("boots", |data| decode("boot-banner", data)),
    ("crashcatcher", |data| decode("crashcatcher", data)),
    ("crashcatcher_binary", |data| {
        decode("crashcatcher-binary", data);
    }),
    ("debug_sections", debug_sections),
    ("elf_core", |data| decode("elf-core", data)),
    ("esp_core", |data| decode("esp-core", data)),
    ("esp_core_text", |data| decode("esp-core-text", data)),
    ("esp_panic", |data| decode("esp-panic", data)),
    ("expressions", expressions),
    ("fault_print", |data| decode("fault-print", data)),
    ("log_defmt", logs::defmt),
    ("log_esp", logs::esp),
    ("log_sdk", logs::sdk),
    ("log_text", logs::text),
    ("log_tokens", logs::tokens),
    ("log_zephyr", logs::zephyr),
    ("manifest", |data| drop(manifest::parse(data))),
    ("probe_rs", |data| decode("probe-rs", data)),
    ("riscv_print", |data| decode("riscv-print", data)),
    ("scan", |data| drop(scan("input.log", data, &Unattended))),
    ("sdk_cobs", |data| decode("sdk-cobs", data)),
    ("sdk_lines", sdk_lines),
    ("sdk_message", sdk_message),
    ("split_file", split_file),
    ("symbol_file", symbol_file),
    ("symbol_index", symbol_index),
    ("table_csv", |data| {
        tables::read(TableFormat::Csv, data);
    }),
    ("table_json_lines", |data| {
        tables::read(TableFormat::JsonLines, data);
    }),
    ("table_parquet", |data| {
        tables::read(TableFormat::Parquet, data);
    }),
    ("token_database", logs::token_database),
    ("unwinder", unwinder),
    ("zephyr", |data| decode("zephyr", data)),
    ("zephyr_database", logs::zephyr_database),
    ("zephyr_text", |data| decode("zephyr-text", data)),
];

/// Runs one target.
pub fn run(target: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    found.expect("there is such a target").1(data);
}

/// One format, whether it recognises the input or not.
fn decode(id: &str, data: &[u8]) {
    let format = FORMATS.iter().find(|format| format.id() == id);
    let format = format.expect("there is such a format");
    let _confidence = format.sniff(data, "input");
    let decoded = format.decode(data, &Unattended);
    if data.len().is_multiple_of(16) {
        let again = format.decode(data, &Unattended);
        assert_eq!(
            format!("{decoded:?}"),
            format!("{again:?}"),
            "the same input, the same answer"
        );
    }
}

/// `FS:` lines as they are, and with their checksums made right.
fn sdk_lines(data: &[u8]) {
    decode("sdk-lines", data);
    decode("sdk-lines", &with_right_checksums(data));
}

/// The CBOR of a message, its kind in the first byte, and the same bytes as a section with definitions.
fn sdk_message(data: &[u8]) {
    let Some((kind, cbor)) = data.split_first() else {
        return;
    };
    let _message = sdk::read_message(kind % 6, cbor);
    let _metrics = sdk::definitions::metrics(u64::from(*kind), cbor);
    let _formats = sdk::definitions::log_formats(u64::from(*kind), cbor);
}

fn archive(data: &[u8]) {
    let limits = ArchiveLimits {
        max_total_bytes: 32 << 20,
        ..ArchiveLimits::default()
    };
    let _unpacked = unpack("input", data, &limits, &Unattended);
}

fn symbol_file(data: &[u8]) {
    if let Ok(file) = SymbolFile::parse("input", data.to_vec()) {
        use_everything(&file);
    }
}

/// A tar archive whose headers have the right sums, whatever was changed in them (POSIX.1-2017, `pax`: the sum of a
/// header counts its own field as spaces).
fn archive_tar(data: &[u8]) {
    const SUM: std::ops::Range<usize> = 148..156;
    let mut bytes = data.to_vec();
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + 512) {
        header[SUM].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let octal = header[124..136].iter().filter(|b| b.is_ascii_digit());
        let size = octal.fold(0, |size: usize, digit| {
            size.wrapping_mul(8).wrapping_add((*digit & 7).into())
        });
        // An entry that claims more than there is would be the last: the next header lies somewhere in it.
        let size = if size < bytes.len() { size } else { 0 };
        at += 512 + size.next_multiple_of(512);
    }
    archive(&bytes);
}

/// A real ELF, one of its debug sections overwritten from somewhere on.
fn debug_sections(data: &[u8]) {
    const ELFS: [&[u8]; 3] = [
        include_bytes!("../../tests/fixtures/types/types-dwarf2.elf"),
        include_bytes!("../../tests/fixtures/types/types-dwarf5.elf"),
        include_bytes!("../../tests/fixtures/types/types-cpp.elf"),
    ];
    let mut input = Bytes(data);
    let elf = ELFS[usize::from(input.byte()) % ELFS.len()];
    symbol_file(&overwritten(elf, &mut input));
}

/// A sound ELF with split files, one section of one of these overwritten from somewhere on.
fn split_file(data: &[u8]) {
    static FILES: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    const BUILDS: [&str; 5] = [
        "gcc-O2-dwarf4-v7m",
        "gcc-O2-dwarf5-v7m",
        "gcc-O2-dwarf4-v7m-type-units",
        "clang-O2-dwarf5-v7m",
        "clang-O2-dwarf5-v7m-type-units",
    ];
    let files = FILES.get_or_init(|| {
        let archive = include_bytes!("../../tests/fixtures/split/split.tar.zst");
        let unpacked = unpack(
            "split.tar.zst",
            archive,
            &ArchiveLimits::default(),
            &Unattended,
        );
        let entries = unpacked.expect("nobody cancels").entries.into_iter();
        let name = |path: &str| path.trim_start_matches("split.tar.zst/").to_owned();
        entries
            .map(|entry| (name(&entry.path), entry.bytes))
            .collect()
    });
    let mut input = Bytes(data);
    let build = BUILDS[usize::from(input.byte()) % BUILDS.len()];
    let elf = SymbolFile::parse(build, files[&format!("{build}.elf")].clone()).expect("an ELF");
    let names = match input.byte() % 4 {
        0 => ["ring", "level", "main"],
        1 => ["level", "main", "ring"],
        2 => ["main", "ring", "level"],
        _ => ["", "", ""],
    };
    let names: Vec<String> = match names {
        ["", ..] => vec![format!("{build}.elf.dwp")],
        units => units.map(|unit| format!("{build}/{unit}.dwo")).to_vec(),
    };
    let mut split: Vec<Arc<SplitFile>> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let bytes = match number {
            0 => overwritten(&files[name], &mut input),
            _ => files[name].clone(),
        };
        split.extend(SplitFile::parse(name, bytes).map(Arc::new));
    }
    use_everything(&elf.with_split_files(&split));
}

/// An ELF file of 32 bits, one of its debug sections overwritten from somewhere on.
fn overwritten(elf: &[u8], input: &mut Bytes<'_>) -> Vec<u8> {
    let mut bytes = elf.to_vec();
    let word = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
    };
    let (table, n) = (word(elf, 32), usize::from(elf[48]));
    // Debug sections have no address.
    let debug: Vec<usize> = (1..n)
        .map(|i| table + i * 40)
        .filter(|at| word(elf, at + 8) == 0)
        .collect();
    let header = debug[usize::from(input.byte()) % debug.len()];
    let (start, size) = (word(elf, header + 16), word(elf, header + 20));
    let skipped = usize::from(input.half()) % size.max(1);
    let room = size - skipped;
    let n_bytes = input.0.len().min(room);
    bytes[start + skipped..start + skipped + n_bytes].copy_from_slice(&input.0[..n_bytes]);
    bytes
}

/// Everything that an ELF can be asked.
fn use_everything(file: &SymbolFile) {
    let set = SymbolSet {
        infos: vec![DebugInfo::new(file)],
    };
    let info = &set.infos[0];
    let limits = ValueLimits::default();
    for global in globals(info).iter().take(50) {
        read_global(info, global, file.initial_data(), &set, &limits);
    }
    for name in ["node", "outer"] {
        type_size(info, name);
        member_offset(info, name, "next");
    }
    let (registers, memory) = (registers(), memory());
    let mut caller_registers = registers.clone();
    let ranges: Vec<_> = file.code_ranges().take(4).collect();
    for lookup in ranges
        .into_iter()
        .flat_map(|range| range.step_by(26).take(32))
    {
        caller_registers.set_known(Reg::PC, lookup.wrapping_add(1));
        use_address(&set, lookup, &registers, &caller_registers, &memory);
    }
    if let Ok(Some(index)) = SymbolIndex::build(file, &Unattended) {
        let parsed = DebugInfo::new(file);
        for range in file.code_ranges().take(4) {
            for address in range.step_by(14).take(64) {
                let indexed = index.lookup(address).unwrap();
                let looked_up = parsed.source_frames(address);
                // Of a function outside of the addresses that its damaged unit claims, only the index knows: finding it
                // would take a look into every unit. Everything else has to be the same.
                let is_only_indexed = looked_up.iter().all(|frame| frame.scope.is_none())
                    && indexed.iter().any(|frame| frame.scope.is_some());
                assert!(
                    is_only_indexed || indexed == looked_up,
                    "{address:#x}: {indexed:?} and {looked_up:?}"
                );
            }
        }
    }
}

fn use_address(
    set: &SymbolSet<'_>,
    lookup: u64,
    registers: &RegisterSet,
    caller_registers: &RegisterSet,
    memory: &MemoryMap,
) {
    let info = &set.infos[0];
    let limits = ValueLimits::default();
    let _step = info.unwind_step(lookup, registers, memory);
    let _range = info.function_range(lookup);
    let caller = FrameContext {
        lookup,
        registers: caller_registers,
        cfa: Some(0x2000_0200),
        memory,
        caller: None,
        symbols: set,
    };
    let frame = FrameContext {
        registers,
        cfa: Some(0x2000_0180),
        caller: Some(&caller),
        ..caller
    };
    for source in info.source_frames(lookup) {
        if let Some(scope) = source.scope {
            locals(info, scope, &frame, &limits);
        }
    }
}

fn registers() -> RegisterSet {
    let mut registers = RegisterSet::default();
    for n in 0..16 {
        registers.set_known(Reg::r(n), 0x2000_0100_u64 + u64::from(n) * 4);
    }
    registers
}

fn memory() -> MemoryMap {
    let mut memory = MemoryMap::default();
    let words: Vec<u8> = (0..0x200_u32)
        .flat_map(|n| (0x2000_0000 + n * 8).to_le_bytes())
        .collect();
    memory.insert(0x2000_0000, &words);
    memory
}

/// Location, frame base and call-frame expressions in an otherwise sound ELF.
fn expressions(data: &[u8]) {
    let mut input = Bytes(data);
    let (frame_base, location, cfa) = (input.block(), input.block(), input.block());
    let elf = elf_builder::elf(&Expressions {
        frame_base,
        location,
        cfa,
        saved: input.0,
    });
    let file = SymbolFile::parse("built", elf).expect("the builder makes a sound ELF");
    let set = SymbolSet {
        infos: vec![DebugInfo::new(&file)],
    };
    let (registers, memory) = (registers(), memory());
    use_address(
        &set,
        u64::from(elf_builder::CODE) + 4,
        &registers,
        &registers,
        &memory,
    );
}

/// An index, damaged with checksums that are right all the same: a stranger's file, or a bug of ours.
fn symbol_index(data: &[u8]) {
    static INDEX: OnceLock<(Vec<u8>, u64)> = OnceLock::new();
    let (sound, key) = INDEX.get_or_init(|| {
        let elf = include_bytes!("../../tests/fixtures/symbols/dwarf5.elf");
        let file = SymbolFile::parse("dwarf5.elf", elf.to_vec()).expect("a fixture");
        let index = SymbolIndex::build(&file, &Unattended);
        let index = index.expect("nobody cancels").expect("it is small");
        (index.as_bytes().to_vec(), key::of_file(&file))
    });
    let mut bytes = sound.clone();
    let mut input = Bytes(data);
    let keeps_checksums = input.byte() % 8 == 0;
    while !input.0.is_empty() {
        let at = usize::from(input.half()) % bytes.len();
        let patch = input.byte();
        bytes[at] = patch;
    }
    if !keeps_checksums {
        correct_checksums(&mut bytes);
    }
    let Some(index) = SymbolIndex::from_bytes(bytes, *key) else {
        return;
    };
    for address in (0..0x400).chain([u64::MAX, 1 << 32]) {
        let _frames = index.lookup(address);
    }
}

/// The checksums of an index file, computed as src/symbols/index/layout.rs describes them.
fn correct_checksums(bytes: &mut [u8]) {
    let number = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
    };
    let checks = 64_usize.saturating_add(number(bytes, 36).saturating_mul(24));
    // Blocks of 16 KiB, 8 bytes each, in front of the data.
    let Some(rest) = bytes.len().checked_sub(checks) else {
        return;
    };
    let n_blocks = rest.div_ceil((16 << 10) + 8);
    let data = checks + n_blocks * 8;
    if data > bytes.len() {
        return;
    }
    let (head, blocks) = bytes.split_at_mut(data);
    for (check, block) in head[checks..]
        .chunks_exact_mut(8)
        .zip(blocks.chunks(16 << 10))
    {
        check.copy_from_slice(&checksum(block).to_le_bytes());
    }
    let sum = checksum(&head[32..]);
    head[24..32].copy_from_slice(&sum.to_le_bytes());
}

fn checksum(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let add = |sum: u64, word: u64| (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let mut sum = (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    sum = words
        .iter()
        .fold(sum, |sum, word| add(sum, u64::from_le_bytes(*word)));
    sum = rest
        .iter()
        .fold(sum, |sum, byte| add(sum, u64::from(*byte)));
    sum ^ (sum >> 31)
}

/// A real crash with its ELF: registers and pieces of memory replaced, then the whole report.
fn unwinder(data: &[u8]) {
    static CRASHES: OnceLock<Vec<(SymbolFile, Coredump)>> = OnceLock::new();
    let crashes = CRASHES.get_or_init(crashes);
    let mut input = Bytes(data);
    let (file, dump) = &crashes[usize::from(input.byte()) % crashes.len()];
    let mut dump = dump.clone();
    match input.byte() % 8 {
        0 => {
            dump.threads = vec![CapturedThread::default()];
            dump.arch = Arch::Arm;
        }
        // No fixture of these processors has an ELF: the memory of another one is walked.
        1 => dump.walk_as(Arch::Xtensa, RegisterFile::Xtensa),
        2 => dump.walk_as(Arch::Riscv32, RegisterFile::Riscv),
        _ => {}
    }
    while !input.0.is_empty() {
        if input.byte().is_multiple_of(2) {
            let (choice, value) = (input.byte(), input.word());
            let reg = match usize::from(choice).checked_sub(64) {
                None => Reg::r(choice.into()),
                Some(special) => SPECIAL_REGISTERS[special % SPECIAL_REGISTERS.len()],
            };
            let n_threads = dump.threads.len().max(1);
            if let Some(thread) = dump.threads.get_mut(usize::from(choice) % n_threads) {
                thread.registers.set_known(reg, value);
            }
            continue;
        }
        let regions = dump.memory.regions();
        let Some(region) = regions.get(usize::from(input.byte()) % regions.len().max(1)) else {
            continue;
        };
        let at = region.start + u64::from(input.word()) % (region.bytes.len() as u64).max(1);
        let bytes = input.block();
        dump.memory.insert(at, bytes);
    }
    let symbols = SymbolSet {
        infos: vec![DebugInfo::new(file)],
    };
    let options = ReportOptions {
        with_locals: true,
        ..ReportOptions::default()
    };
    let report = build_report(&dump, &symbols, &options);
    if data.len().is_multiple_of(16) {
        let again = build_report(&dump, &symbols, &options);
        assert_eq!(
            format!("{report:?}"),
            format!("{again:?}"),
            "the same input, the same answer"
        );
    }
}

/// Those that a walk looks at beside the general ones.
const SPECIAL_REGISTERS: [Reg; 17] = [
    Reg::PC,
    Reg::XPSR,
    Reg::MSP,
    Reg::PSP,
    Reg::EXC_RETURN,
    Reg::CONTROL,
    Reg::RISCV_PC,
    Reg::MSTATUS,
    Reg::MSCRATCH,
    Reg::MEPC,
    Reg::MCAUSE,
    Reg::MTVAL,
    Reg::XTENSA_PC,
    Reg::PS,
    Reg::EXCCAUSE,
    Reg::EXCVADDR,
    Reg::WINDOWBASE,
];

/// Lets a dump be walked like one of another processor.
trait WalkAs {
    fn walk_as(&mut self, arch: Arch, file: RegisterFile);
}

impl WalkAs for Coredump {
    fn walk_as(&mut self, arch: Arch, file: RegisterFile) {
        self.arch = arch;
        for thread in &mut self.threads {
            let mut registers = RegisterSet::new(file);
            for n in 0..16 {
                if let Some(value) = thread.registers.known(Reg::r(n)) {
                    registers.set_known(Reg::r(n), value);
                }
            }
            registers.set_pc(thread.registers.pc().unwrap_or_default());
            registers.set_sp(thread.registers.sp().unwrap_or_default());
            thread.registers = registers;
        }
    }
}

/// Cortex-M without and with FreeRTOS, its objects and two cores; RISC-V; Zephyr on two cores.
fn crashes() -> Vec<(SymbolFile, Coredump)> {
    macro_rules! crash {
        ($format:literal, $elf:literal, $dump:literal) => {
            (
                $format,
                &include_bytes!(concat!("../../tests/fixtures/", $elf))[..],
                &include_bytes!(concat!("../../tests/fixtures/", $dump))[..],
            )
        };
    }
    let fixtures = [
        crash!(
            "elf-core",
            "qemu-freertos/an386.elf",
            "qemu-freertos/an386-1.core"
        ),
        crash!("elf-core", "qemu-bare/an505.elf", "qemu-bare/an505-1.core"),
        crash!(
            "elf-core",
            "qemu-freertos-objects/cm33.elf",
            "qemu-freertos-objects/cm33-1.core"
        ),
        crash!(
            "elf-core",
            "qemu-riscv/weir-virt.elf",
            "qemu-riscv/weir-virt-null-write.core"
        ),
        crash!(
            "zephyr-text",
            "zephyr/standin.elf",
            "zephyr/standin-v3-smp.uart"
        ),
    ];
    let read = |(id, elf, dump): (&str, &[u8], &[u8])| {
        let format = FORMATS.iter().find(|format| format.id() == id);
        let decoded = format.expect("it is there").decode(dump, &Unattended);
        let dump = decoded.expect("nobody cancels").coredumps.remove(0);
        let file = SymbolFile::parse("fixture", elf.to_vec()).expect("a fixture");
        (file, dump)
    };
    fixtures.map(read).into()
}

/// Input as numbers; at its end they are 0.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn half(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// A length byte and so many bytes.
    fn block(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (block, rest) = self.0.split_at(len);
        self.0 = rest;
        block
    }
}
