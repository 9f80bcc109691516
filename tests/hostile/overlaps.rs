//! Debug information in which every function lies everywhere: an index of it would grow with the square of the file.

use super::elf_builder::{CODE, elf_of, halves, with_length, words};
use fieldscope::model::progress::Unattended;
use fieldscope::symbols::debug_info::DebugInfo;
use fieldscope::symbols::index::SymbolIndex;
use fieldscope::symbols::symbol_file::SymbolFile;

#[rustfmt::skip]
const ABBREVIATIONS: &[u8] = &[
    1, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0x10, 0x17, 0, 0,    // unit: low_pc, high_pc, stmt_list
    2, 0x2E, 0, 0x11, 0x01, 0x12, 0x06, 0, 0,                // subprogram: low_pc, high_pc
    0,
];

/// So many functions, each over all of so many bytes of code, every byte of which is a line of its own.
fn overlapping(n_functions: u32, n_lines: u32) -> Vec<u8> {
    let mut info = Vec::new();
    halves(&mut info, &[4]);
    words(&mut info, &[0]);
    info.extend([4, 1]);
    words(&mut info, &[CODE, n_lines, 0]);
    for _ in 0..n_functions {
        info.push(2);
        words(&mut info, &[CODE, n_lines]);
    }
    info.push(0);
    // Line base -5, line range 14, first special opcode 13 (DWARF 4, section 6.2.4).
    let mut tables = vec![1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0];
    tables.extend(b"f.c\0\0\0\0\0");
    let mut lines = Vec::new();
    halves(&mut lines, &[4]);
    words(&mut lines, &[u32::try_from(tables.len()).unwrap()]);
    lines.extend(tables);
    lines.extend([0, 5, 2]);
    words(&mut lines, &[CODE]);
    // One line and one byte further.
    let next = 13 + 14 + 6;
    lines.extend(std::iter::repeat_n(
        next,
        usize::try_from(n_lines).unwrap() - 1,
    ));
    lines.extend([2, 1, 0, 1, 1]);
    let sections = [
        (".debug_abbrev", ABBREVIATIONS.to_vec()),
        (".debug_info", with_length(info)),
        (".debug_line", with_length(lines)),
    ];
    elf_of(n_lines, &sections)
}

#[test]
fn functions_that_lie_everywhere_get_no_index() {
    let index_of = |n_functions, n_lines| {
        let bytes = overlapping(n_functions, n_lines);
        let file = SymbolFile::parse("overlapping.elf", bytes).unwrap();
        let frames = DebugInfo::new(&file).source_frames(u64::from(CODE + n_lines / 2));
        assert_eq!(frames[0].line, Some(n_lines / 2 + 1));
        SymbolIndex::build(&file, &Unattended).unwrap()
    };
    assert!(index_of(40, 200).is_some());
    assert!(index_of(3000, 20_000).is_none());
}
