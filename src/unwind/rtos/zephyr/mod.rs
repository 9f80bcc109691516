//! Zephyr: threads from `_kernel`, with offsets from the debug information or from the table for debuggers.
//!
//! Symbols and fields are those of Zephyr 2.7 to 4.x (`kernel/thread.c`, `kernel/sched.c`, `kernel/timeout.c`).

mod context;
mod layout;
mod waits;

use super::{Rtos, RtosThread, RtosThreads};
use crate::model::{memory::Memory, report::ThreadState, warning::Warning};
use crate::symbols::{
    debug_info::DebugInfo, elf_symbols::SymbolKind, symbol_set::SymbolSet, types::Types,
};
use layout::Layout;
use std::ops::Range;
use waits::Waits;

/// Zephyr.
pub struct Zephyr;

/// `CONFIG_INIT_STACKS` fills stacks with this.
const STACK_FILL: u8 = 0xAA;
/// `STACK_SENTINEL`, in the lowest bytes of a stack.
const SENTINEL: u32 = 0xF0F0_F0F0;
/// Larger stacks are a damaged control block.
const MAX_STACK_BYTES: u64 = 4 * 1024 * 1024;
/// More threads than that are a broken list.
const MAX_THREADS: usize = 1024;

/// Bits of `thread_state`. Bit 2 was "not started yet" until Zephyr 3.7 and is "sleeping" since.
const PENDING: u64 = 1 << 1;
const SLEEPING: u64 = 1 << 2;
const DEAD: u64 = 1 << 3;
const SUSPENDED: u64 = 1 << 4;
const ABORTING: u64 = 1 << 5;

impl Rtos for Zephyr {
    fn id(&self) -> &'static str {
        "zephyr"
    }

    fn label(&self) -> &'static str {
        "Zephyr"
    }

    fn threads(&self, symbols: &SymbolSet<'_>, memory: &dyn Memory) -> Option<RtosThreads> {
        let has = |info: &&DebugInfo<'_>, name: &str| info.file().symbol(name).is_some();
        let info = symbols.infos.iter().find(|info| {
            has(info, "_kernel")
                && ["z_thread_entry", "_kernel_thread_info_offsets", "z_cstart"]
                    .iter()
                    .any(|name| has(info, name))
        })?;
        let kernel = info.file().symbol("_kernel")?.address;
        let mut answer = RtosThreads::default();
        let Some(layout) = layout::load(info, memory) else {
            answer.warnings.push(Warning::new(
                "FS-RTOS-011",
                format!(
                    "Zephyr threads cannot be listed: {} has neither debug information of `struct k_thread` nor the table `_kernel_thread_info_offsets` (CONFIG_DEBUG_THREAD_INFO). Add the ELF that was not stripped.",
                    info.file().name()
                ),
            ));
            return Some(answer);
        };
        let types = Types::new(info);
        Kernel {
            symbols,
            info,
            memory,
            address: kernel,
            waits: Waits {
                info,
                types: &types,
                layout: &layout,
                memory,
            },
            layout: &layout,
        }
        .read(&mut answer);
        Some(answer)
    }
}

struct Kernel<'a, 'd> {
    symbols: &'a SymbolSet<'d>,
    info: &'a DebugInfo<'d>,
    memory: &'a dyn Memory,
    /// Of `_kernel`.
    address: u64,
    waits: Waits<'a, 'd>,
    layout: &'a Layout,
}

impl Kernel<'_, '_> {
    fn read(&self, answer: &mut RtosThreads) {
        let pointers = self.layout.current.iter();
        let running: Vec<u64> = pointers
            .filter_map(|field| field.read(self.address, self.memory))
            .filter(|thread| *thread != 0)
            .collect();
        answer.current = running.first().copied();
        if running.is_empty() {
            answer.warnings.push(Warning::new(
                "FS-RTOS-012",
                "Zephyr's `_kernel` was not captured, so that the running thread is not known. Capture it (CONFIG_DEBUG_COREDUMP_MEMORY_DUMP_LINKER_RAM), or let the dump carry the threads (CONFIG_DEBUG_COREDUMP_THREADS_METADATA).",
            ));
        }
        let mut threads = self.listed(&mut answer.warnings);
        for thread in running.iter().copied().chain(self.declared()) {
            if !threads.contains(&thread) {
                threads.push(thread);
            }
        }
        answer.threads = threads
            .iter()
            .filter_map(|thread| self.thread(*thread, &running))
            .collect();
        answer
            .threads
            .sort_by_key(|thread| self.priority(thread.id).unwrap_or(i64::MAX));
        // Without the fill pattern anywhere the firmware does not fill its stacks: 0 would be a lie.
        let is_filled = |t: &RtosThread| t.stack_unused_min.is_some_and(|unused| unused > 0);
        if !answer.threads.iter().any(is_filled) {
            for thread in &mut answer.threads {
                thread.stack_unused_min = None;
            }
        }
    }

    /// The threads in the list that the kernel keeps of all.
    fn listed(&self, warnings: &mut Vec<Warning>) -> Vec<u64> {
        let mut threads: Vec<u64> = Vec::new();
        let (Some(first), Some(next)) = (self.layout.threads, self.layout.thread.next) else {
            warnings.push(Warning::new(
                "FS-RTOS-013",
                "This Zephyr keeps no list of its threads (CONFIG_THREAD_MONITOR is off): only the running one and those with a variable of their own are shown.",
            ));
            return threads;
        };
        let mut at = first.read(self.address, self.memory);
        let mut broken = None;
        while let Some(thread) = at.filter(|thread| *thread != 0) {
            if threads.contains(&thread) {
                broken = Some("it runs in a circle".to_owned());
                break;
            }
            if threads.len() >= MAX_THREADS {
                broken = Some(format!("it goes on after {MAX_THREADS} threads"));
                break;
            }
            at = next.read(thread, self.memory);
            if at.is_none() {
                broken = Some(format!("the thread at 0x{thread:08x} was not captured"));
                break;
            }
            threads.push(thread);
        }
        if let Some(reason) = broken {
            warnings.push(Warning::new(
                "FS-RTOS-014",
                format!(
                    "Zephyr's list of threads breaks off after {} of them: {reason}. Threads behind that point are not shown.",
                    threads.len()
                ),
            ));
        }
        threads
    }

    /// Threads with a variable of their own, for a kernel that keeps no list: `K_THREAD_DEFINE`, main and idle.
    fn declared(&self) -> Vec<u64> {
        let size = self.layout.thread_size.filter(|size| *size > 0);
        let (Some(size), None) = (size, self.layout.threads) else {
            return Vec::new();
        };
        let symbols = self.info.file().symbols().iter();
        symbols
            .filter(|symbol| symbol.kind == SymbolKind::Object)
            .filter(|symbol| {
                symbol.name.starts_with("_k_thread_obj_")
                    || ["z_main_thread", "z_idle_threads"].contains(&symbol.name.as_str())
            })
            .flat_map(|symbol| {
                let count = symbol.size.checked_div(size).unwrap_or(0).min(32);
                (0..count).filter_map(move |n| symbol.address.checked_add(n.checked_mul(size)?))
            })
            .take(MAX_THREADS)
            .collect()
    }

    /// Everything about one thread; `None` when its control block was not captured.
    fn thread(&self, id: u64, running: &[u64]) -> Option<RtosThread> {
        let bits = self.layout.thread.state?.read(id, self.memory)?;
        let runs = running.contains(&id);
        let object = self
            .waits
            .object(id)
            .filter(|_| !runs && bits & PENDING != 0);
        let has_timeout = !runs && self.waits.has_timeout(id);
        let state = match bits {
            _ if runs => ThreadState::Running,
            _ if bits & (DEAD | ABORTING) != 0 => ThreadState::Deleted,
            _ if bits & (PENDING | SLEEPING) != 0 => ThreadState::Blocked,
            // k_sleep() suspended the thread until Zephyr 3.7.
            _ if bits & SUSPENDED != 0 && has_timeout => ThreadState::Blocked,
            _ if bits & SUSPENDED != 0 => ThreadState::Suspended,
            // Started with a delay.
            _ if has_timeout => ThreadState::Blocked,
            _ => ThreadState::Ready,
        };
        let waits_on = (state == ThreadState::Blocked)
            .then(|| {
                let what = object.or_else(|| has_timeout.then(|| "sleep".to_owned()))?;
                Some(match self.waits.timeout(id) {
                    Some(left) => format!("{what}, {left}"),
                    None => what,
                })
            })
            .flatten();
        let stack = self.stack(id);
        let pointer = self.layout.thread.stack_pointer;
        let arch = self.info.file().arch();
        let saved =
            || context::saved_registers(id, &self.layout.thread, arch, self.symbols, self.memory);
        Some(RtosThread {
            id,
            name: self.waits.name(id),
            state,
            priority: self.priority(id).and_then(|p| u32::try_from(p).ok()),
            waits_on,
            stack_unused_min: stack.as_ref().and_then(|range| self.unused(range)),
            stack,
            stack_pointer: pointer.and_then(|field| field.read(id, self.memory)),
            saved: (!runs).then(saved).flatten(),
        })
    }

    /// Negative for a cooperative thread.
    fn priority(&self, id: u64) -> Option<i64> {
        let value = self.layout.thread.priority?.read(id, self.memory)?;
        let byte = u8::try_from(value & 0xFF).ok()?;
        Some(byte.cast_signed().into())
    }

    /// The part of the stack that the thread may use: without what was set aside at its top.
    fn stack(&self, id: u64) -> Option<Range<u64>> {
        let thread = &self.layout.thread;
        let start = thread.stack_start?.read(id, self.memory)?;
        let size = thread.stack_size?.read(id, self.memory)?;
        let delta = thread
            .stack_delta
            .and_then(|field| field.read(id, self.memory))
            .filter(|delta| *delta < size)
            .unwrap_or(0);
        let end = start.checked_add(size)?.checked_sub(delta)?;
        (start != 0 && start < end && size <= MAX_STACK_BYTES).then_some(start..end)
    }

    /// Bytes from the base of the stack that still hold the fill pattern.
    fn unused(&self, stack: &Range<u64>) -> Option<u64> {
        const CHUNK: usize = 256;
        let mut addr = stack.start;
        if self.memory.read_u32(addr) == Ok(SENTINEL) {
            addr = addr.checked_add(4)?;
        }
        let start = addr;
        while addr < stack.end {
            let mut chunk = [0; CHUNK];
            let len = usize::try_from(stack.end - addr).map_or(CHUNK, |left| left.min(CHUNK));
            let bytes = chunk.get_mut(..len)?;
            self.memory.read(addr, bytes).ok()?;
            if let Some(used) = bytes.iter().position(|byte| *byte != STACK_FILL) {
                return Some(addr - start + used as u64);
            }
            addr = addr.saturating_add(CHUNK as u64);
        }
        Some(stack.end.saturating_sub(start))
    }
}
