//! Every global of the fixtures against what gdb printed for it (tests/fixtures/types/build.sh).

use super::debug_info::DebugInfo;
use super::frame_oracle_tests::{fixture, read_core};
use super::globals::{find_global, follow_pointer, globals, read_global};
use super::symbol_file::SymbolFile;
use super::symbol_set::SymbolSet;
use super::types::{array_length, member_offset, type_size};
use super::variables::ValueLimits;
use crate::model::memory::Memory;
use crate::model::report::Unavailable;

fn check(set: &SymbolSet<'_>, memory: &dyn Memory, oracle: &str) {
    let info = &set.infos[0];
    let ours = globals(info);
    let limits = ValueLimits::default();
    let mut wrong = Vec::new();
    let mut n = 0;
    let text = String::from_utf8(fixture(oracle)).unwrap();
    let mut listed = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, address, size, type_name, value] = fields[..] else {
            panic!("{line}");
        };
        let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
        listed.push((name, address));
        let found = ours.iter().find(|g| g.name == name && g.address == address);
        // gdb also lists what the linker dropped: at address 0, with no or a wrong value.
        if address == 0 && name != "vectors" {
            if let Some(found) = found {
                wrong.push(format!("{name} is dead, yet listed at {}", found.address));
            }
            continue;
        }
        n += 1;
        let Some(global) = found else {
            wrong.push(format!("{name} is missing"));
            continue;
        };
        let local = read_global(info, global, memory, set, &limits);
        if local.value.as_deref() != Some(value) {
            wrong.push(format!(
                "{name}:\n  {value}\n  ours {:?} {:?}",
                local.value, local.unavailable
            ));
        }
        if global.type_name != type_name || global.size.to_string() != size {
            wrong.push(format!(
                "{name} is {type_name} of {size}, ours {} of {}",
                global.type_name, global.size
            ));
        }
    }
    for global in &ours {
        let inner = global.qualified.contains("::");
        if !inner && !listed.contains(&(global.name.as_str(), global.address)) {
            wrong.push(format!(
                "{} at {:#x} is not gdb's",
                global.name, global.address
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{oracle}: {} of {n}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(n > 5, "only {n} compared");
}

#[test]
fn globals_of_every_kind_print_as_in_gdb_for_each_version_of_dwarf() {
    for version in ["dwarf2", "dwarf4", "dwarf5", "cpp"] {
        let elf = fixture(&format!("types/types-{version}.elf"));
        let file = SymbolFile::parse("types", elf).unwrap();
        let set = SymbolSet {
            infos: vec![DebugInfo::new(&file)],
        };
        let oracle = format!("oracle/types-{version}.globals.txt");
        check(&set, file.initial_data(), &oracle);
    }
}

#[test]
fn globals_of_crashed_firmware_print_as_in_gdb() {
    for (elf, core, oracle) in [
        (
            "qemu-bare/an386.elf",
            "qemu-bare/an386-1.core",
            "oracle/bare-an386-1.globals.txt",
        ),
        (
            "qemu-freertos/an386.elf",
            "qemu-freertos/an386-1.core",
            "oracle/freertos-an386-1.globals.txt",
        ),
    ] {
        let file = SymbolFile::parse(elf, fixture(elf)).unwrap();
        let set = SymbolSet {
            infos: vec![DebugInfo::new(&file)],
        };
        let (_threads, memory) = read_core(&fixture(core));
        check(&set, &memory, oracle);
    }
}

#[test]
fn statics_of_functions_are_found_by_their_qualified_name() {
    let file = SymbolFile::parse("types", fixture("types/types-dwarf5.elf")).unwrap();
    let info = DebugInfo::new(&file);
    let calls = find_global(&info, "use::calls").unwrap();
    assert_eq!((calls.name.as_str(), calls.size), ("calls", 4));
    assert_eq!(calls.file.as_deref(), Some("types.c"));
    assert!(calls.line.is_some_and(|line| line > 100));
}

#[test]
fn types_are_found_by_name_and_their_members_with_offset_and_size() {
    let file = SymbolFile::parse("freertos", fixture("qemu-freertos/an386.elf")).unwrap();
    let info = DebugInfo::new(&file);
    for name in ["tskTaskControlBlock", "TCB_t", "struct tskTaskControlBlock"] {
        let stack = member_offset(&info, name, "pxStack").unwrap();
        assert_eq!((stack.offset, stack.size), (48, 4));
        assert_eq!(stack.type_name, "StackType_t *");
    }
    let list = member_offset(&info, "List_t", "uxNumberOfItems").unwrap();
    assert_eq!((list.offset, list.type_name.as_str()), (0, "UBaseType_t"));
    assert_eq!(member_offset(&info, "TCB_t", "nothing"), None);
    assert_eq!(type_size(&info, "List_t"), Some(20));
    assert_eq!(type_size(&info, "unsigned int"), Some(4));
    assert_eq!(type_size(&info, "nothing"), None);
    assert_eq!(array_length(&info, "pxReadyTasksLists"), Some(7));
    assert_eq!(array_length(&info, "pxCurrentTCB"), None);

    let file = SymbolFile::parse("types", fixture("types/types-dwarf2.elf")).unwrap();
    let info = DebugInfo::new(&file);
    let high = member_offset(&info, "struct outer", "high").unwrap();
    assert_eq!((high.offset, high.size), (10, 2));
    let wide = member_offset(&info, "bits", "wide").unwrap();
    assert_eq!(wide.bits, Some((12, 13)));
}

#[test]
fn pointers_are_followed_by_the_name_of_their_type() {
    let file = SymbolFile::parse("types", fixture("types/types-dwarf5.elf")).unwrap();
    let set = SymbolSet {
        infos: vec![DebugInfo::new(&file)],
    };
    let info = &set.infos[0];
    let memory = file.initial_data();
    let limits = ValueLimits::default();
    let read = |name: &str| {
        let global = find_global(info, name).unwrap();
        read_global(info, &global, memory, &set, &limits)
    };
    let follow =
        |type_name: &str, target| follow_pointer(info, type_name, target, memory, &set, &limits);
    let root = read("g_ppnode");
    let node = follow(root.type_name.as_deref().unwrap(), root.target.unwrap());
    assert_eq!(node.type_name.as_deref(), Some("node *"));
    let node = follow("node *", node.target.unwrap());
    assert!(node.value.unwrap().contains("\"root\""));
    let next = &node.children[1];
    assert_eq!(
        (next.name.as_str(), next.type_name.as_deref()),
        ("next", Some("node *"))
    );
    let leaf = follow("node *", next.target.unwrap());
    assert!(leaf.value.unwrap().contains("\"leaf\""));
    // A declaration here, defined in another unit.
    let other = read("g_pelsewhere");
    let other = follow(other.type_name.as_deref().unwrap(), other.target.unwrap());
    assert!(
        other
            .value
            .unwrap()
            .starts_with("{here = 11, colour = {r = 1 ")
    );
    assert_eq!(read("g_null_string").target, None);
    assert_eq!(read("g_bad_string").target, None);
    assert_eq!(read("g_function").target, None);
    let unknown = follow("struct nowhere *", root.target.unwrap());
    assert_eq!(unknown.unavailable, Some(Unavailable::OptimizedOut));
}

#[test]
fn children_of_structs_and_arrays_carry_their_own_values() {
    let file = SymbolFile::parse("types", fixture("types/types-dwarf4.elf")).unwrap();
    let set = SymbolSet {
        infos: vec![DebugInfo::new(&file)],
    };
    let info = &set.infos[0];
    let global = find_global(info, "g_outer").unwrap();
    let memory = file.initial_data();
    let outer = read_global(info, &global, memory, &set, &ValueLimits::default());
    let names: Vec<&str> = outer.children.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["at", "<anonymous>", "entry", "w", "regs", "mode"]);
    let second = &outer.children[0].children[1];
    assert_eq!(second.name, "[1]");
    assert_eq!(second.value.as_deref(), Some("{x = 3, y = 4}"));
    assert_eq!(second.children[1].value.as_deref(), Some("4"));
    let global = find_global(info, "g_matrix").unwrap();
    let matrix = read_global(info, &global, memory, &set, &ValueLimits::default());
    assert_eq!(matrix.children[1].value.as_deref(), Some("{4, 5, 6}"));
    assert_eq!(matrix.children[1].children[2].value.as_deref(), Some("6"));
}
