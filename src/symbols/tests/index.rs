//! The index gives the answers it was built from, or is not used at all.

use super::super::debug_info::DebugInfo;
use super::super::identity::BuildIdKind;
use super::super::index::{SymbolIndex, key};
use super::{fixture, open};
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
        let built = SymbolIndex::build(&file, &Unattended).unwrap().unwrap();
        built.write(&path).unwrap();
        let mut indexed = DebugInfo::new(&file);
        indexed.attach_index(Arc::new(
            SymbolIndex::open(&path, key::of_file(&file)).unwrap(),
        ));
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
    let key = key::of_file(&file);
    let index = SymbolIndex::build(&file, &Unattended).unwrap().unwrap();
    index.write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), index.size_bytes());
    let foreign = key::of_file(&open("symbols/dwarf4.elf"));
    assert!(SymbolIndex::open(&path, foreign).is_none());
    assert!(SymbolIndex::open(&folder.path().join("none"), key).is_none());
    let parsed = DebugInfo::new(&file);
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &damaged).unwrap();
        // Damage is met when it is opened or when it is asked, and the answer is right all the same.
        let index = SymbolIndex::open(&path, key);
        if let Some(index) = index {
            let index = Arc::new(index);
            let mut indexed = DebugInfo::new(&file);
            indexed.attach_index(Arc::clone(&index));
            for addr in (0..0x400).step_by(6) {
                let right = parsed.source_frames(addr);
                assert_eq!(indexed.source_frames(addr), right, "byte {at}");
            }
            let met = (0..0x3000).any(|addr| index.lookup(addr).is_err());
            assert_eq!(index.is_damaged(), met, "byte {at}");
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes[..at]).unwrap();
        assert!(SymbolIndex::open(&path, key).is_none(), "cut at {at}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert!(SymbolIndex::open(&path, key).is_some());
}

#[test]
fn the_key_of_an_elf_can_be_known_without_opening_it() {
    for name in ["qemu-freertos/an386.elf", "symbols/dwarf5.elf"] {
        let file = open(name);
        if let Some((id, key)) = key::of_path(&fixture(name)) {
            assert_eq!(id, *file.build_id());
            assert_eq!(key, key::of_file(&file), "{name}");
        } else {
            assert_eq!(file.build_id_kind(), BuildIdKind::SectionHash, "{name}");
        }
    }
}

#[test]
fn an_index_does_not_depend_on_the_order_in_which_threads_end() {
    let file = open("qemu-freertos/an386.elf");
    let build = || SymbolIndex::build(&file, &Unattended).unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    build().write(&a).unwrap();
    build().write(&b).unwrap();
    assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap());
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
    assert!(SymbolIndex::build(&file, &Impatient).is_err());
}
