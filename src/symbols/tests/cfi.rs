//! Steps by call-frame information, against the rules that readelf prints.

use super::super::cfi::CfiError;
use super::super::debug_info::DebugInfo;
use super::open;
use crate::model::memory::MemoryMap;
use crate::model::register_file::RegisterFile;
use crate::model::registers::{Reg, RegValue, RegisterSet};

/// `measure` (0x10): CFA is r13 + 8 behind its push, r3 at c-8, ra at c-4.
#[test]
fn a_step_restores_what_was_pushed_and_forgets_what_was_not_kept() {
    let file = open("symbols/dwarf4.elf");
    let info = DebugInfo::new(&file);
    let mut regs = RegisterSet::default();
    for n in 0..13 {
        regs.set_known(Reg::r(n), u32::from(n) + 100);
    }
    regs.set_known(Reg::SP, 0x2000_3000_u32);
    regs.set_known(Reg::s(16), 7_u32);
    regs.set_known(Reg::s(0), 7_u32);
    let mut memory = MemoryMap::default();
    memory.insert(0x2000_3000, &[0x33, 0, 0, 0, 0x43, 0, 0, 0]);
    let step = info.unwind_step(0x16, &regs, &memory).unwrap();
    assert_eq!(step.cfa, 0x2000_3008);
    assert!(!step.end_of_stack);
    let caller = &step.caller;
    assert_eq!(caller.pc(), Some(0x42));
    assert_eq!(caller.sp(), Some(0x2000_3008));
    assert_eq!(caller.known(Reg::r(3)), Some(0x33));
    assert_eq!(caller.known(Reg::LR), Some(0x43));
    assert_eq!(caller.known(Reg::r(4)), Some(104));
    assert_eq!(caller.known(Reg::s(16)), Some(7));
    for lost in [Reg::r(0), Reg::r(12), Reg::s(0)] {
        assert_eq!(caller.get(lost), RegValue::Clobbered, "{}", lost.arm_name());
    }
    assert_eq!(
        info.unwind_step(0x16, &regs, &MemoryMap::default()),
        Err(CfiError::MemoryNotCaptured(0x2000_3004))
    );
}

#[test]
fn a_leaf_returns_to_its_link_register_and_exception_returns_stay_whole() {
    let file = open("symbols/dwarf4.elf");
    let info = DebugInfo::new(&file);
    let mut regs = RegisterSet::default();
    regs.set_known(Reg::SP, 0x2000_3000_u32);
    let memory = MemoryMap::default();
    assert_eq!(
        info.unwind_step(0x6a, &regs, &memory),
        Err(CfiError::RegisterNotKnown(Reg::LR, RegisterFile::Arm))
    );
    regs.set_known(Reg::LR, 0x17_u32);
    let step = info.unwind_step(0x6a, &regs, &memory).unwrap();
    assert_eq!(step.caller.pc(), Some(0x16));
    assert_eq!(step.caller.get(Reg::LR), RegValue::Clobbered);
    regs.set_known(Reg::LR, 0xFFFF_FFF9_u32);
    let step = info.unwind_step(0x6a, &regs, &memory).unwrap();
    assert_eq!(step.caller.pc(), Some(0xFFFF_FFF9));
}

/// `dropped` left an entry for 0 to 0x80, which would cover everything.
#[test]
fn entries_of_dropped_functions_are_not_used() {
    let file = open("symbols/dwarf4.elf");
    let info = DebugInfo::new(&file);
    assert!(!info.has_unwind_entry(0x4));
    assert!(info.has_unwind_entry(0x36));
    let regs = RegisterSet::default();
    assert_eq!(
        info.unwind_step(0x4, &regs, &MemoryMap::default()),
        Err(CfiError::NoEntry)
    );
}
