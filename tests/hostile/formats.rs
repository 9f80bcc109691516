//! Cases of formats that no fixture has as a file: made from the Zephyr stand-in's dump, the ELF of which reads them.

use super::cases::{Case, Kind, fixture};
use fieldscope::symbols::symbol_file::SymbolFile;
use std::io::Write as _;
use std::sync::Arc;

/// Every format that is made here, named by its file.
pub(crate) fn all() -> Vec<Case> {
    let log = fixture("zephyr/standin-v3-smp.uart");
    let zephyr = bytes_of(&log);
    let elf = SymbolFile::parse("standin.elf", fixture("zephyr/standin.elf")).unwrap();
    let elf = Arc::new(elf);
    let memory = zephyr[zephyr.len() / 2..].to_vec();
    let catcher = crashcatcher(&memory);
    let inner = tar_of(&[("deep/log.uart", &log)]);
    let tar = tar_of(&[
        ("a.uart", &log),
        ("b.bin", &zephyr),
        ("c.tar.gz", &gzip(&inner)),
    ]);
    let files = [
        ("dump.zephyr", zephyr.clone()),
        ("partition.zephyr", partition(&zephyr)),
        ("named.coredump", probe_rs(&memory, true)),
        ("bare.coredump", probe_rs(&memory, false)),
        ("dump.crash", catcher),
        ("bundle.tar.gz", gzip(&tar)),
        ("bundle.tar.zst", zstd::encode_all(&tar[..], 3).unwrap()),
        ("log.uart.gz", gzip(&log)),
        ("bundle.tar", tar),
    ];
    let case = |(name, bytes): (&str, Vec<u8>)| Case {
        name: format!("made/{name}"),
        kind: Kind::Capture,
        bytes,
        elf: Some(Arc::clone(&elf)),
        captures: Vec::new(),
    };
    files.map(case).into_iter().collect()
}

/// The dump that a log spells in hex.
fn bytes_of(log: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(log.to_vec()).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once("#CD:"));
    let hex: String = lines
        .map(|(_, hex)| hex)
        .filter(|h| !h.ends_with('#'))
        .collect();
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

fn partition(dump: &[u8]) -> Vec<u8> {
    let sum = dump
        .iter()
        .fold(0_u16, |sum, byte| sum.wrapping_add((*byte).into()));
    let mut out = b"CD\x01\0".to_vec();
    out.extend(number(dump.len()).to_le_bytes());
    out.extend([0, 0]);
    out.extend(sum.to_le_bytes());
    out.extend([0; 4]);
    out.extend(dump);
    out.resize(out.len().next_multiple_of(4096), 0xFF);
    out
}

/// PC and SP of the fault, and some memory.
fn probe_rs(memory: &[u8], is_named: bool) -> Vec<u8> {
    let mut out = vec![if is_named { 0x85 } else { 0x95 }];
    let key = |out: &mut Vec<u8>, key: &str| {
        if is_named {
            out.push(0xA0 + u8::try_from(key.len()).unwrap());
            out.extend(key.as_bytes());
        }
    };
    key(&mut out, "registers");
    out.push(0x83);
    for (register, value) in [(13_u8, 0x2000_1000_u32), (15, 0x186), (16, 0x8100_0000)] {
        out.extend([register, 0x81, 0xA3]);
        out.extend(b"U32");
        out.push(0xCE);
        out.extend(value.to_be_bytes());
    }
    key(&mut out, "data");
    out.extend([0x91, 0x92, 0x92]);
    for address in [0x2000_0000, 0x2000_0000 + number(memory.len())] {
        out.push(0xCE);
        out.extend(address.to_be_bytes());
    }
    out.push(0xDD);
    out.extend(number(memory.len()).to_be_bytes());
    for byte in memory {
        out.extend([0xCC, *byte]);
    }
    key(&mut out, "instruction_set");
    out.push(0xA6);
    out.extend(b"Thumb2");
    key(&mut out, "supports_native_64bit_access");
    out.push(0xC2);
    key(&mut out, "core_type");
    out.push(0xA6);
    out.extend(b"armv7m");
    out
}

fn crashcatcher(memory: &[u8]) -> Vec<u8> {
    let mut out = b"cC\x03\0\0\0\0\0".to_vec();
    let mut words: Vec<u32> = (0..13).collect();
    words.extend([0x2000_1000, 0x1BD, 0x186, 0x8100_0000]);
    words.extend([0x2000_8000, 0x2000_0FE0, 3]);
    words.extend([0x2000_0000, 0x2000_0000 + number(memory.len())]);
    out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    out.extend(memory);
    out
}

pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}
