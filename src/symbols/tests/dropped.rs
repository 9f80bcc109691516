//! Functions that the linker dropped never shadow live code where flash begins at address 0
//! (`tests/fixtures/matrix/dropped/build.sh`: gcc and clang, GNU ld and lld, DWARF 4 and 5).

use super::super::debug_info::DebugInfo;
use super::super::elf_symbols::SymbolKind;
use super::{fixture, open};

#[test]
fn every_halfword_of_code_belongs_to_the_function_that_is_there() {
    let folder = fixture("matrix/dropped");
    let mut wrong = Vec::new();
    let (mut builds, mut compared, mut gdb_wrong) = (0, 0, 0);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "answers") {
            continue;
        }
        builds += 1;
        let name = path.file_stem().unwrap().to_str().unwrap();
        let file = open(&format!("matrix/dropped/{name}.elf"));
        let info = DebugInfo::new(&file);
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let addr = u64::from_str_radix(words[0].strip_prefix("0x").unwrap(), 16).unwrap();
            if file
                .symbol_at(addr)
                .is_none_or(|(s, _)| s.kind != SymbolKind::Function)
            {
                continue;
            }
            compared += 1;
            gdb_wrong += usize::from(words[2] != words[1]);
            let frames = info.source_frames(addr);
            let found = frames.last().and_then(|frame| frame.function.as_deref());
            let source = frames.last().and_then(|frame| frame.file.as_deref());
            let wanted = if words[1] == "adc_read" {
                "adc.c"
            } else {
                "main.c"
            };
            if found != Some(words[1]) || !source.is_some_and(|file| file.ends_with(wanted)) {
                wrong.push(format!("{name} {line}: {found:?} {source:?}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(builds, 12);
    assert!(
        gdb_wrong > 300,
        "gdb names the wrong function {gdb_wrong} times of {compared}"
    );
}
