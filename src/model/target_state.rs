//! What else a capture tells of its target: heap, interrupts, memory protection. Each is absent where the capture or
//! the ELF does not hold it.

use super::addr::TargetAddr;
use serde::{Deserialize, Serialize};

/// A heap as its allocator keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapView {
    /// The allocator: `FreeRTOS heap_4`, `newlib`.
    pub allocator: String,
    /// First address.
    pub start: TargetAddr,
    /// Size of the area in bytes.
    pub size: u64,
    /// Free bytes by walking the blocks.
    pub free: Option<u64>,
    /// Free bytes as the allocator counts them.
    pub free_counted: Option<u64>,
    /// Least free bytes ever.
    pub free_min: Option<u64>,
    /// The largest free block in bytes.
    pub largest_free: Option<u64>,
    /// Blocks in the order of their addresses, as far as they could be walked.
    pub blocks: Vec<HeapBlock>,
    /// Where and how the block list is broken, in words.
    pub damage: Option<String>,
}

/// One block of a heap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapBlock {
    /// Address of the block's header.
    pub address: TargetAddr,
    /// Bytes with the header.
    pub size: u64,
    /// Handed out to the program.
    pub allocated: bool,
    /// Who it seems to belong to: `stack of task net`, `held by queue_handle`.
    pub owner: Option<String>,
}

/// The interrupt controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptView {
    /// Exceptions that were being handled, innermost first.
    pub active: Vec<InterruptLine>,
    /// Exceptions that waited.
    pub pending: Vec<InterruptLine>,
    /// Interrupts that were enabled.
    pub enabled: Vec<InterruptLine>,
    /// What held interrupts back: `BASEPRI 0x50 masks priorities from 5 on`.
    pub masked: Option<String>,
}

/// One exception or interrupt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptLine {
    /// Exception number; of an external interrupt, 16 + its number.
    pub number: u32,
    /// `SysTick`, `IRQ 7`.
    pub name: String,
    /// The function that handles it, by the vector table and the ELF.
    pub handler: Option<String>,
    /// Priority; smaller is more urgent.
    pub priority: Option<u32>,
}

/// A region of the memory protection unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MpuRegion {
    /// Region number.
    pub number: u32,
    /// First address.
    pub start: TargetAddr,
    /// Last address.
    pub last: TargetAddr,
    /// Rights in words: `read only, no execute`.
    pub rights: String,
    /// The refused access lies in this region.
    pub hit: bool,
}

/// What a symbol file can tell and what it lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolQuality {
    /// The ELF's file name.
    pub file: String,
    /// `full`, `lines only`, `names only`, `none`.
    pub quality: String,
    /// What is lost and how to get it; `None` when nothing is.
    pub advice: Option<String>,
}
