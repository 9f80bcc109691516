//! The index gives the answers it was built from, or is not used at all.

use super::super::debug_info::DebugInfo;
use super::super::index::SymbolIndex;
use super::open;
use crate::model::progress::{Cancelled, Progress, Unattended};
use std::sync::Arc;

#[test]
fn an_index_from_disk_answers_like_the_debug_information() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "qemu-freertos/an386.elf",
        "symbols/dwarf5.elf",
        "symbols/names.elf",
    ] {
        let file = open(name);
        let parsed = DebugInfo::new(&file);
        let path = folder.path().join(SymbolIndex::file_name(&file));
        let built = SymbolIndex::build(&parsed, &Unattended).unwrap();
        built.write(&path).unwrap();
        let mut indexed = DebugInfo::new(&file);
        indexed.attach_index(Arc::new(SymbolIndex::open(&path, &file).unwrap()));
        for addr in (0..0x3000).chain([0x2000_0000, u64::MAX]) {
            assert_eq!(
                indexed.source_frames(addr),
                parsed.source_frames(addr),
                "{name} {addr:#x}"
            );
        }
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 3, "no half-written file stays behind");
}

#[test]
fn a_damaged_or_foreign_index_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let file = open("symbols/dwarf5.elf");
    let index = SymbolIndex::build(&DebugInfo::new(&file), &Unattended).unwrap();
    index.write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), index.size_bytes());
    assert!(SymbolIndex::open(&path, &open("symbols/dwarf4.elf")).is_none());
    assert!(SymbolIndex::open(&folder.path().join("none"), &file).is_none());
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        assert!(SymbolIndex::open(&path, &file).is_none(), "byte {at}");
        std::fs::write(&path, &bytes[..at]).unwrap();
        assert!(SymbolIndex::open(&path, &file).is_none(), "cut at {at}");
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(SymbolIndex::open(&path, &file).is_some());
}

#[test]
fn building_can_be_cancelled() {
    struct Impatient;
    impl Progress for Impatient {
        fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
            Err(Cancelled)
        }
    }
    let file = open("symbols/dwarf5.elf");
    assert!(SymbolIndex::build(&DebugInfo::new(&file), &Impatient).is_err());
}
