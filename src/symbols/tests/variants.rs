//! What each flavour of ELF says of itself.

use super::super::debug_info::DebugInfo;
use super::super::elf_symbols::SymbolKind;
use super::super::error::SymbolError;
use super::super::identity::BuildIdKind;
use super::super::quality::Quality;
use super::super::symbol_file::SymbolFile;
use super::super::symbol_set::SymbolSet;
use super::{fixture, open};
use crate::model::arch::Arch;
use crate::model::memory::Memory as _;

#[test]
fn quality_says_what_an_elf_can_tell() {
    let check = |name: &str, quality: Quality| {
        let file = open(&format!("symbols/{name}.elf"));
        assert_eq!(file.quality(), quality, "{name}");
        assert_eq!(file.warnings(), [], "{name}");
        assert_eq!(file.arch(), Arch::ArmV7M, "{name}");
    };
    check("dwarf2", Quality::Full);
    check("dwarf5", Quality::Full);
    check("zlib", Quality::Full);
    check("zlib-gnu", Quality::Full);
    check("split", Quality::Full);
    check("lines", Quality::LinesOnly);
    check("names", Quality::NamesOnly);
    check("stripped", Quality::None);
}

#[test]
fn an_elf_without_debug_information_still_names_its_functions() {
    let file = open("symbols/names.elf");
    let frames = DebugInfo::new(&file).source_frames(0x12);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].function.as_deref(), Some("measure"));
    assert_eq!(frames[0].file, None);
    let file = open("symbols/stripped.elf");
    assert_eq!(DebugInfo::new(&file).source_frames(0x12), []);
}

#[test]
fn the_architecture_comes_from_the_attributes() {
    assert_eq!(open("qemu-bare/an385.elf").arch(), Arch::ArmV7M);
    assert_eq!(open("qemu-bare/an386.elf").arch(), Arch::ArmV7M);
    assert_eq!(open("qemu-bare/an505.elf").arch(), Arch::ArmV8M);
}

#[test]
fn the_build_id_is_the_linkers_or_a_hash_of_what_is_on_the_device() {
    let file = open("symbols/dwarf5.elf");
    assert_eq!(file.build_id_kind(), BuildIdKind::Gnu);
    let (_addr, note) = file.section(".note.gnu.build-id").unwrap();
    assert_eq!(file.build_id().as_bytes(), &note[16..]);
    let file = open("symbols/no-build-id.elf");
    assert_eq!(file.build_id_kind(), BuildIdKind::SectionHash);
    assert_eq!(file.build_id().as_bytes().len(), 20);
    let other = open("symbols/names.elf");
    assert_ne!(file.build_id(), other.build_id());
}

#[test]
fn a_debug_file_that_is_missing_or_of_another_build_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let elf = folder.path().join("split.elf");
    std::fs::copy(fixture("symbols/split.elf"), &elf).unwrap();
    let open = || SymbolFile::open(&elf, &super::LoadOptions::default()).unwrap();
    assert_eq!(open().warnings()[0].code, "FS-SYM-004");
    let debug = folder.path().join("split.debug");
    std::fs::copy(fixture("symbols/dwarf4.elf"), &debug).unwrap();
    assert_eq!(open().warnings()[0].code, "FS-SYM-004", "wrong checksum");
    std::fs::remove_file(&debug).unwrap();

    // A folder of build ids serves too, without the link.
    let id = open().build_id().to_string();
    let store = tempfile::tempdir().unwrap();
    let (head, tail) = id.split_at(2);
    let place = store.path().join(".build-id").join(head);
    std::fs::create_dir_all(&place).unwrap();
    let place = place.join(format!("{tail}.debug"));
    std::fs::copy(fixture("symbols/split.debug"), &place).unwrap();
    let dirs = [store.path().to_owned()];
    let found = SymbolFile::open(
        &elf,
        &super::LoadOptions {
            debug_dirs: &dirs,
            ..super::LoadOptions::default()
        },
    )
    .unwrap();
    assert_eq!(found.quality(), Quality::Full);
    assert_eq!(found.debug_path(), Some(place.as_path()));
    assert_eq!(found.warnings(), []);
}

#[test]
fn symbols_are_found_by_name_and_by_address() {
    let file = open("symbols/names.elf");
    let measure = file.symbol("measure").unwrap();
    assert_eq!((measure.address, measure.size), (0x10, 0x24));
    assert_eq!(measure.kind, SymbolKind::Function);
    let (config, offset) = file.symbol_at(0x2000_0004).unwrap();
    assert_eq!((config.name.as_str(), offset), ("config", 4));
    assert_eq!(file.symbol_at(0x2000_0100), None);
    assert!(file.contains_code(0x12) && !file.contains_code(0x2000_0000));
    assert!(file.covers(0x2000_0008) && !file.covers(0x3000_0000));
    let set = SymbolSet {
        infos: vec![DebugInfo::new(&file)],
    };
    assert_eq!(set.describe(0x2000_0004).as_deref(), Some("config+4"));
    assert_eq!(set.describe(0x2000_0008).as_deref(), Some("ticks"));
    assert_eq!(set.describe(0x4000_0000), None);
}

#[test]
fn constants_and_initial_data_read_as_memory() {
    let file = open("symbols/dwarf5.elf");
    // The vector table: the stack top, then the reset vector with its Thumb bit.
    assert_eq!(file.constants().read_u32(0), Ok(0x2000_4000));
    assert_eq!(file.constants().read_u32(4), Ok(0x61));
    assert!(file.constants().read_u32(0x2000_0000).is_err());
    assert_eq!(file.initial_data().read_u32(0x2000_0000), Ok(50));
    assert!(file.initial_data().read_u32(0x2000_0008).is_err(), "bss");
}

#[test]
fn what_is_no_symbol_file_is_refused_in_words() {
    let check = |bytes: Vec<u8>, words: &str| {
        let error = SymbolFile::parse("x.bin", bytes)
            .map(|_file| ())
            .unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };
    check(Vec::new(), "it is empty");
    check(b"PK\x03\x04".to_vec(), "zip archive");
    check(b"\x7fELF".to_vec(), "only 4 bytes");
    check(
        std::fs::read(fixture("qemu-bare/an386-1.core")).unwrap(),
        "is a core file",
    );
    let elf = std::fs::read(fixture("symbols/dwarf5.elf")).unwrap();
    check(elf[..elf.len() - 100].to_vec(), "copy it again");
    let mut class = elf;
    class[4] = 9;
    check(class, "class 9");
    let missing = SymbolFile::open(&fixture("nowhere.elf"), &super::LoadOptions::default());
    assert!(matches!(missing, Err(SymbolError::Unreadable { .. })));
}
