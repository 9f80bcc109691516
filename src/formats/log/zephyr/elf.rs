//! The dictionary of a build straight out of its ELF: what Zephyr's `database_gen.py` makes the JSON of, and what time stamps count.
//!
//! | where | what |
//! |---|---|
//! | absolute symbols `CONFIG_..` | the build's options |
//! | section `log_const_area` (`log_static_section`) | a source each: address of its name, u8 level, up to twice the size of an address |
//! | sections with constants, and `log_strings` | strings at the addresses that messages name |
//!
//! The ELF does not say which header messages have: both are tried. Time stamps (`subsys/logging/log_core.c`) count milliseconds on
//! processors whose clock is faster than 1 MHz; else ticks where they have 64 bits, and cycles. Known deviation: an application can
//! set a function of its own.

use super::abi::Abi;
use super::database::{Clock, ZephyrDatabase};
use super::layout::{Cursor, Layout};
use crate::model::log_parts::ElfLogParts;
use std::collections::BTreeMap;

const SOURCES: [&str; 2] = ["log_const_area", "log_static_section"];
/// Options of architectures, and their names in a database.
const ARCHES: [(&str, &str); 12] = [
    ("CONFIG_ARC", "arc"),
    ("CONFIG_ARM", "arm"),
    ("CONFIG_ARM64", "arm64"),
    ("CONFIG_MIPS", "mips"),
    ("CONFIG_SPARC", "sparc"),
    ("CONFIG_X86", "x86"),
    ("CONFIG_NIOS2", "nios2"),
    ("CONFIG_OPENRISC", "openrisc"),
    ("CONFIG_ARCH_POSIX", "posix"),
    ("CONFIG_RISCV_ISA_RV32E", "riscv32e"),
    ("CONFIG_RISCV", "riscv"),
    ("CONFIG_XTENSA", "xtensa"),
];
/// A firmware has some hundred.
const MOST_SOURCES: usize = 65_536;

impl ZephyrDatabase {
    /// The messages of an ELF; `None` when it is no build of Zephyr with dictionary logging.
    pub fn from_elf(parts: &ElfLogParts) -> Option<Self> {
        let options: BTreeMap<&str, u64> = parts
            .symbols
            .iter()
            .filter(|(name, _, section)| section.is_empty() && name.starts_with("CONFIG_"))
            .map(|(name, value, _)| (name.as_str(), *value))
            .collect();
        let has = |name: &str| options.contains_key(name);
        if !has("CONFIG_LOG_DICTIONARY_SUPPORT") {
            return None;
        }
        let (_, _, sources) = parts
            .sections
            .iter()
            .find(|(name, _, _)| SOURCES.contains(&name.as_str()))?;
        let is_64_bit = parts.address_size == 8;
        let layouts = [true, false].map(|has_wide_header| Layout {
            has_wide_header,
            is_64_bit,
            is_little_endian: parts.is_little_endian,
            has_long_timestamp: has("CONFIG_LOG_TIMESTAMP_64BIT"),
            has_package_flags: has("CONFIG_CBPRINTF_PACKAGE_HEADER_STORE_CREATION_FLAGS"),
        });
        let arch = ARCHES.iter().find(|(option, _)| has(option));
        let constants = parts.sections.iter();
        let mut database = Self {
            layouts: layouts.to_vec(),
            abi: Abi::of(arch.map_or("", |(_, name)| name), is_64_bit),
            build: Some(parts.name.clone()),
            clock: clock(&options),
            sources: BTreeMap::new(),
            strings: BTreeMap::new(),
            sections: constants
                .map(|(_, address, bytes)| (*address, bytes.as_slice().into()))
                .collect(),
        };
        database.sources = database.names(sources, parts);
        Some(database)
    }

    fn names(&self, sources: &[u8], parts: &ElfLogParts) -> BTreeMap<u64, Box<str>> {
        let address_bytes = usize::from(parts.address_size);
        let entries = sources.chunks_exact(address_bytes.saturating_mul(2).max(1));
        let names = (0..)
            .zip(entries.take(MOST_SOURCES))
            .filter_map(|(id, entry)| {
                let mut cursor = Cursor {
                    rest: entry,
                    is_little_endian: parts.is_little_endian,
                };
                let name = self.string(cursor.number(address_bytes)?)?;
                Some((id, Box::from(&*name)))
            });
        names.collect()
    }
}

fn clock(options: &BTreeMap<&str, u64>) -> Option<Clock> {
    if options.contains_key("CONFIG_LOG_TIMESTAMP_USE_REALTIME") {
        return Some(Clock::Wall);
    }
    let cycles = options.get("CONFIG_SYS_CLOCK_HW_CYCLES_PER_SEC").copied();
    if cycles? > 1_000_000 {
        return Some(Clock::Uptime(1000));
    }
    if options.contains_key("CONFIG_TIMER_READS_ITS_FREQUENCY_AT_RUNTIME") {
        // The number of the build is none.
        return None;
    }
    let hertz = if options.contains_key("CONFIG_LOG_TIMESTAMP_64BIT") {
        options.get("CONFIG_SYS_CLOCK_TICKS_PER_SEC").copied()
    } else {
        cycles
    };
    hertz.filter(|hertz| *hertz > 0).map(Clock::Uptime)
}
