//! FreeRTOS: tasks from the kernel's lists, with offsets from the debug information.
//!
//! Symbols and fields are those of kernel V10 and V11 (`tasks.c`, `list.h`, `queue.c`), single-core and SMP.

mod catalog;
mod context;
mod layout;
mod lists;
mod objects;
mod waits;

use super::{Rtos, RtosState, RtosThread, RtosThreads};
use crate::model::{memory::Memory, report::ThreadState, warning::Warning};
use crate::symbols::{debug_info::DebugInfo, symbol_set::SymbolSet, types};
use catalog::Catalog;
use layout::Layout;
use std::ops::Range;
use waits::Waits;

/// FreeRTOS.
pub struct FreeRtos;

/// `tskSTACK_FILL_BYTE`.
const STACK_FILL: u8 = 0xA5;
/// Larger stacks are a damaged control block.
const MAX_STACK_BYTES: u64 = 4 * 1024 * 1024;
/// More cores than any SMP port has.
const MAX_CORES: u64 = 16;
/// More priorities than a sensible configuration has.
const MAX_PRIORITIES: u64 = 256;

/// Lists besides the ready ones, with the state of the tasks in them.
const LISTS: [(&str, ThreadState); 5] = [
    ("xDelayedTaskList1", ThreadState::Blocked),
    ("xDelayedTaskList2", ThreadState::Blocked),
    ("xPendingReadyList", ThreadState::Ready),
    ("xSuspendedTaskList", ThreadState::Suspended),
    ("xTasksWaitingTermination", ThreadState::Deleted),
];

impl Rtos for FreeRtos {
    fn id(&self) -> &'static str {
        "freertos"
    }

    fn label(&self) -> &'static str {
        "FreeRTOS"
    }

    fn threads(&self, symbols: &SymbolSet<'_>, memory: &dyn Memory) -> Option<RtosThreads> {
        self.state(symbols, memory).map(|state| state.threads)
    }

    fn state(&self, symbols: &SymbolSet<'_>, memory: &dyn Memory) -> Option<RtosState> {
        let info = kernel_of(symbols)?;
        let mut state = RtosState::default();
        match Kernel::open(info, symbols, memory) {
            Ok(kernel) => {
                kernel.read(&mut state.threads);
                state.objects = objects::read(&kernel, &state.threads);
            }
            Err(missing) => state.threads.warnings.push(Warning::new(
                "FS-RTOS-001",
                format!(
                    "FreeRTOS tasks cannot be listed: `{missing}` is not in the debug information of {}. Add \
                     the ELF that was not stripped.",
                    info.file().name()
                ),
            )),
        }
        Some(state)
    }
}

/// The ELF with the kernel in it.
fn kernel_of<'s, 'd>(symbols: &'s SymbolSet<'d>) -> Option<&'s DebugInfo<'d>> {
    symbols.infos.iter().find(|info| {
        ["pxCurrentTCB", "pxCurrentTCBs"]
            .iter()
            .any(|name| info.file().symbol(name).is_some())
    })
}

/// A list of tasks that the kernel keeps.
struct TaskList {
    name: String,
    addr: u64,
    state: ThreadState,
}

struct Kernel<'a, 'd> {
    symbols: &'a SymbolSet<'d>,
    info: &'a DebugInfo<'d>,
    layout: Layout,
    catalog: Catalog,
    memory: &'a dyn Memory,
}

impl<'a, 'd> Kernel<'a, 'd> {
    /// The kernel in `info`, or which member its debug information lacks.
    fn open(
        info: &'a DebugInfo<'d>,
        symbols: &'a SymbolSet<'d>,
        memory: &'a dyn Memory,
    ) -> Result<Self, String> {
        let layout = layout::load(info)?;
        let catalog = Catalog::read(info, &layout, memory);
        Ok(Self {
            symbols,
            info,
            layout,
            catalog,
            memory,
        })
    }

    fn waits(&self) -> Waits<'_, 'd> {
        Waits {
            layout: &self.layout,
            catalog: &self.catalog,
            info: self.info,
            memory: self.memory,
        }
    }

    fn read(&self, answer: &mut RtosThreads) {
        let running = self.running(&mut answer.warnings);
        answer.current = running.first().copied();
        let task_lists = self.task_lists();
        let mut broken = false;
        for list in &task_lists {
            let listed = lists::walk(list.addr, &self.layout, self.memory);
            for tcb in listed.tasks {
                if !answer.threads.iter().any(|t| t.id == tcb) {
                    answer.threads.push(self.task(tcb, list.state, &running));
                }
            }
            if let Some(reason) = listed.broken {
                broken = true;
                answer.warnings.push(Warning::new(
                    "FS-RTOS-003",
                    format!(
                        "The FreeRTOS list {} is damaged: {reason}. Tasks behind that point are found by \
                         other means or not at all.",
                        list.name
                    ),
                ));
            }
        }
        self.add_unlisted(&task_lists, &running, broken, answer);
        // Without the fill pattern anywhere the firmware does not fill its stacks: 0 would be a lie.
        if !answer
            .threads
            .iter()
            .any(|t| t.stack_unused_min.is_some_and(|unused| unused > 0))
        {
            for thread in &mut answer.threads {
                thread.stack_unused_min = None;
            }
        }
    }

    /// Tasks that no list led to: the running ones, then whatever looks like a control block.
    fn add_unlisted(
        &self,
        task_lists: &[TaskList],
        running: &[u64],
        broken: bool,
        answer: &mut RtosThreads,
    ) {
        for tcb in running {
            if !answer.threads.iter().any(|t| t.id == *tcb) {
                answer
                    .threads
                    .push(self.task(*tcb, ThreadState::Running, running));
            }
        }
        let count = self.number("uxCurrentNumberOfTasks");
        let complete = count.is_none_or(|count| answer.threads.len() as u64 >= count);
        if complete && !broken {
            return;
        }
        for tcb in lists::search(&self.layout, self.memory) {
            if answer.threads.iter().any(|t| t.id == tcb) {
                continue;
            }
            let state = self
                .layout
                .tcb
                .state_item
                .at(tcb)
                .and_then(|item| self.layout.item.container.read(item, self.memory))
                .and_then(|container| task_lists.iter().find(|list| list.addr == container))
                .map_or(ThreadState::Unknown, |list| list.state);
            let task = self.task(tcb, state, running);
            answer.warnings.push(Warning::new(
                "FS-RTOS-004",
                format!(
                    "The task {} at 0x{tcb:08x} was found by its control block: no list leads to it any more.",
                    task.name.as_deref().unwrap_or("without a name")
                ),
            ));
            answer.threads.push(task);
        }
        if let Some(count) = count
            && (answer.threads.len() as u64) < count
        {
            answer.warnings.push(Warning::new(
                "FS-RTOS-005",
                format!(
                    "FreeRTOS counts {count} tasks, {} of them could be read.",
                    answer.threads.len()
                ),
            ));
        }
    }

    /// What `pxCurrentTCB` (or `pxCurrentTCBs`, one a core) points to, once the scheduler runs.
    fn running(&self, warnings: &mut Vec<Warning>) -> Vec<u64> {
        let file = self.info.file();
        let Some(symbol) = file
            .symbol("pxCurrentTCB")
            .or_else(|| file.symbol("pxCurrentTCBs"))
        else {
            return Vec::new();
        };
        let cores = (symbol.size / 4).clamp(1, MAX_CORES);
        if self.number("xSchedulerRunning") == Some(0) {
            return Vec::new();
        }
        (0..cores)
            .filter_map(|core| {
                let addr = symbol.address.checked_add(4 * core)?;
                match self.memory.read_u32(addr) {
                    Ok(0) => None,
                    Ok(tcb) => Some(u64::from(tcb)),
                    Err(missing) => {
                        warnings.push(Warning::new(
                            "FS-RTOS-002",
                            format!(
                                "{}: {missing}. Capture the kernel's variables to see the tasks.",
                                symbol.name
                            ),
                        ));
                        None
                    }
                }
            })
            .collect()
    }

    /// Every list of tasks that the ELF has, ready lists first, lowest priority first.
    fn task_lists(&self) -> Vec<TaskList> {
        let file = self.info.file();
        let mut all = Vec::new();
        if let Some(ready) = file.symbol("pxReadyTasksLists") {
            let by_symbol = ready.size.checked_div(self.layout.list.size);
            let count = types::array_length(self.info, "pxReadyTasksLists")
                .or(by_symbol)
                .unwrap_or(0)
                .min(MAX_PRIORITIES);
            for priority in 0..count {
                let offset = priority.saturating_mul(self.layout.list.size);
                let Some(addr) = ready.address.checked_add(offset) else {
                    break;
                };
                all.push(TaskList {
                    name: format!("pxReadyTasksLists[{priority}]"),
                    addr,
                    state: ThreadState::Ready,
                });
            }
        }
        for (name, state) in LISTS {
            if let Some(symbol) = file.symbol(name) {
                all.push(TaskList {
                    name: name.to_owned(),
                    addr: symbol.address,
                    state,
                });
            }
        }
        all
    }

    /// Everything about the task at `tcb`, which a list says is in `state`.
    fn task(&self, tcb: u64, state: ThreadState, running: &[u64]) -> RtosThread {
        let runs = running.contains(&tcb);
        let object = if runs { None } else { self.waits().object(tcb) };
        let state = match state {
            _ if runs => ThreadState::Running,
            // Waiting without a time limit is kept in the list of the suspended.
            ThreadState::Suspended if object.is_some() => ThreadState::Blocked,
            other => other,
        };
        let waits_on = match state {
            ThreadState::Blocked => self.waits_on(tcb, object),
            _ => None,
        };
        let stack = self.stack(tcb);
        let top = self.layout.tcb.top_of_stack.read(tcb, self.memory);
        let saved = top.filter(|_| !runs).and_then(|top| {
            context::saved_registers(tcb, top, &self.layout.tcb, self.symbols, self.memory)
        });
        // With memory protection the saved words are not on the stack.
        let stack_pointer = match (&saved, self.layout.tcb.mpu_context) {
            (Some(regs), Some(_)) => self
                .layout
                .tcb
                .left_stack
                .and_then(|field| field.read(tcb, self.memory))
                .filter(|left| *left != 0)
                .or_else(|| regs.sp()),
            _ => top,
        };
        RtosThread {
            id: tcb,
            name: waits::task_name(tcb, &self.layout, self.memory),
            state,
            priority: self
                .layout
                .tcb
                .priority
                .read(tcb, self.memory)
                .and_then(|p| u32::try_from(p).ok()),
            waits_on,
            stack_unused_min: stack.as_ref().and_then(|range| self.unused(range)),
            stack,
            stack_pointer,
            saved,
        }
    }

    /// `queue readings`, `queue commands until tick 1200`, `delay until tick 64300`.
    fn waits_on(&self, tcb: u64, object: Option<String>) -> Option<String> {
        let tick = self.wakes_at(tcb);
        match (object, tick) {
            (Some(object), Some(tick)) => Some(format!("{object} until tick {tick}")),
            (None, Some(tick)) => Some(format!("delay until tick {tick}")),
            (object, None) => object,
        }
    }

    /// The tick at which the task stops waiting; `None` when it waits for ever.
    fn wakes_at(&self, tcb: u64) -> Option<u64> {
        let item = self.layout.tcb.state_item.at(tcb)?;
        let container = self.layout.item.container.read(item, self.memory)?;
        let is_delayed = ["xDelayedTaskList1", "xDelayedTaskList2"]
            .iter()
            .filter_map(|name| self.info.file().symbol(name))
            .any(|symbol| symbol.address == container);
        self.layout
            .item
            .value
            .read(item, self.memory)
            .filter(|_| is_delayed)
    }

    /// `pxStack` to `pxEndOfStack`; where the kernel does not record the end, to the end of the heap block or variable.
    fn stack(&self, tcb: u64) -> Option<Range<u64>> {
        let start = self.layout.tcb.stack.read(tcb, self.memory)?;
        let end = match self.layout.tcb.end_of_stack {
            Some(field) => field.read(tcb, self.memory),
            None => self
                .end_of_heap_block(start)
                .or_else(|| self.end_of_variable(start)),
        }?;
        (start != 0 && start < end && end - start <= MAX_STACK_BYTES).then_some(start..end)
    }

    /// `heap_4` and `heap_5` put {next, size with the top bit set} before each block.
    fn end_of_heap_block(&self, start: u64) -> Option<u64> {
        const HEADER_BYTES: u64 = 8;
        const ALLOCATED: u32 = 1 << 31;
        let size = self.memory.read_u32(start.checked_sub(4)?).ok()?;
        let next = self
            .memory
            .read_u32(start.checked_sub(HEADER_BYTES)?)
            .ok()?;
        let size = u64::from(size ^ ALLOCATED);
        if next != 0 || size <= HEADER_BYTES || size > MAX_STACK_BYTES {
            return None;
        }
        start.checked_add(size - HEADER_BYTES)
    }

    fn end_of_variable(&self, start: u64) -> Option<u64> {
        match self.info.file().symbol_at(start) {
            Some((symbol, 0)) if symbol.size > 0 => start.checked_add(symbol.size),
            _ => None,
        }
    }

    /// Bytes from the base of the stack that still hold the fill pattern.
    fn unused(&self, stack: &Range<u64>) -> Option<u64> {
        const CHUNK: usize = 256;
        let mut addr = stack.start;
        while addr < stack.end {
            let mut chunk = [0; CHUNK];
            let len = usize::try_from(stack.end - addr).map_or(CHUNK, |left| left.min(CHUNK));
            let bytes = chunk.get_mut(..len)?;
            self.memory.read(addr, bytes).ok()?;
            if let Some(used) = bytes.iter().position(|byte| *byte != STACK_FILL) {
                return Some(addr - stack.start + used as u64);
            }
            addr = addr.saturating_add(CHUNK as u64);
        }
        Some(stack.end - stack.start)
    }

    /// A kernel variable of at most four bytes.
    fn number(&self, name: &str) -> Option<u64> {
        let symbol = self.info.file().symbol(name)?;
        let size = if matches!(symbol.size, 1 | 2 | 4) {
            symbol.size
        } else {
            4
        };
        layout::Field { offset: 0, size }.read(symbol.address, self.memory)
    }
}
