//! Several cores: which running task the fault's registers belong to, and whose the registers of the other cores are.

use crate::model::coredump::Coredump;
use crate::model::registers::{Reg, RegisterSet};
use crate::model::report::ThreadState;
use crate::unwind::rtos::{RtosThread, RtosThreads};

/// A task was running when the capture was made, and no registers of its core are in the capture.
pub(super) const NOT_CAPTURED: &str =
    "it was running on another core, whose registers are not in the capture";

/// Gives running tasks their registers, by the stack that the stack pointers lie in.
pub(super) fn assign(dump: &Coredump, registers: &RegisterSet, rtos: &mut RtosThreads) {
    let n_running = rtos.threads.iter().filter(|t| is_running(t)).count();
    // With one core there is nothing to tell apart, even with a stack pointer that has left every stack.
    if n_running < 2 {
        return;
    }
    let owner = rtos
        .threads
        .iter()
        .find(|task| is_running(task) && is_on_stack_of(registers, task));
    if let Some(owner) = owner {
        rtos.current = Some(owner.id);
    }
    let current = rtos.current;
    for captured in dump.threads.iter().skip(1) {
        let task = rtos.threads.iter_mut().find(|task| {
            is_running(task)
                && Some(task.id) != current
                && task.saved.is_none()
                && is_on_stack_of(&captured.registers, task)
        });
        if let Some(task) = task {
            task.saved = Some(captured.registers.clone());
            task.stack_pointer = captured.registers.sp();
        }
    }
}

/// What to say of a task without registers.
pub(super) fn why_no_registers(task: &RtosThread) -> &'static str {
    if is_running(task) {
        NOT_CAPTURED
    } else {
        "its registers could not be found on its stack"
    }
}

fn is_running(task: &RtosThread) -> bool {
    task.state == ThreadState::Running
}

/// The stack pointer, or the process stack pointer of a core that is in an exception, lies in the task's stack.
fn is_on_stack_of(registers: &RegisterSet, task: &RtosThread) -> bool {
    let Some(stack) = &task.stack else {
        return false;
    };
    [registers.sp(), registers.known(Reg::PSP)]
        .into_iter()
        .flatten()
        .any(|sp| stack.contains(&sp))
}

#[cfg(test)]
mod tests {
    use super::{assign, why_no_registers};
    use crate::model::arch::Arch;
    use crate::model::coredump::{CapturedThread, Coredump};
    use crate::model::registers::{Reg, RegisterSet};
    use crate::model::report::ThreadState;
    use crate::unwind::rtos::{RtosThread, RtosThreads};

    fn task(id: u64, state: ThreadState, stack: u64) -> RtosThread {
        RtosThread {
            id,
            name: None,
            state,
            priority: None,
            waits_on: None,
            stack: Some(stack..stack + 0x100),
            stack_pointer: None,
            stack_unused_min: None,
            saved: None,
        }
    }

    fn stopped_at(sp: u32) -> CapturedThread {
        let mut registers = RegisterSet::default();
        registers.set_known(Reg::SP, sp);
        CapturedThread {
            registers,
            ..CapturedThread::default()
        }
    }

    #[test]
    fn registers_go_to_the_task_on_whose_stack_they_are() {
        let mut rtos = RtosThreads {
            threads: vec![
                task(1, ThreadState::Running, 0x1000),
                task(2, ThreadState::Running, 0x2000),
                task(3, ThreadState::Running, 0x3000),
                task(4, ThreadState::Ready, 0x4000),
            ],
            current: Some(1),
            warnings: Vec::new(),
        };
        let mut dump = Coredump::new("elf-core", Arch::ArmV7M);
        dump.threads = vec![stopped_at(0x2080), stopped_at(0x1080), stopped_at(0x4080)];
        let crashed = dump.threads[0].registers.clone();
        assign(&dump, &crashed, &mut rtos);
        assert_eq!(rtos.current, Some(2));
        let sps: Vec<Option<u64>> = rtos
            .threads
            .iter()
            .map(|t| t.saved.as_ref().and_then(RegisterSet::sp))
            .collect();
        assert_eq!(sps, [Some(0x1080), None, None, None]);
        assert!(why_no_registers(&rtos.threads[2]).contains("another core"));
    }
}
