//! Where the fields of Zephyr's kernel are: from the debug information, else from the table that the firmware carries
//! for debuggers.
//!
//! Structures: `include/zephyr/kernel_structs.h` (`struct z_kernel`, `_cpu`), `include/zephyr/kernel/thread.h`
//! (`struct k_thread`), `include/zephyr/arch/*/thread.h`. Table: `subsys/debug/thread_info.c`,
//! `_kernel_thread_info_offsets`, an array of `size_t` with `0xFFFFFFFF` for what the build does not have.

use crate::model::{arch::Arch, memory::Memory};
use crate::symbols::{debug_info::DebugInfo, types::Types};
use crate::unwind::rtos::field::Field;

/// Indexes of the table.
const K_CURR_THREAD: u64 = 1;
const K_THREADS: u64 = 2;
const T_NEXT_THREAD: u64 = 4;
const T_STATE: u64 = 5;
const T_PRIORITY: u64 = 7;
const T_STACK_POINTER: u64 = 8;
const T_NAME: u64 = 9;
const T_ARCH: u64 = 10;
const T_PREEMPT_FLOAT: u64 = 11;
const T_EXC_RETURN: u64 = 13;
/// The table holds no more than these.
const MOST_OFFSETS: u64 = 64;
const UNIMPLEMENTED: u64 = 0xFFFF_FFFF;
/// `CONFIG_THREAD_MAX_NAME_LEN` where nobody says.
const USUAL_NAME_BYTES: u64 = 32;
/// More CPUs than any SMP build has.
const MOST_CPUS: u64 = 32;

/// `struct z_kernel` and `struct k_thread`, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// `_kernel.threads`; `None` without `CONFIG_THREAD_MONITOR`.
    pub(super) threads: Option<Field>,
    /// `_kernel.cpus[n].current`, one a CPU.
    pub(super) current: Vec<Field>,
    pub(super) thread: ThreadLayout,
    /// Bytes of `struct k_thread`.
    pub(super) thread_size: Option<u64>,
}

/// `struct k_thread`.
#[derive(Clone, Debug, Default)]
pub(super) struct ThreadLayout {
    pub(super) next: Option<Field>,
    pub(super) state: Option<Field>,
    /// Signed: cooperative threads have negative priorities.
    pub(super) priority: Option<Field>,
    pub(super) name: Option<Field>,
    /// The wait queue that it is in.
    pub(super) pended_on: Option<Field>,
    /// `base.timeout`, its node first.
    pub(super) timeout: Option<Field>,
    /// `base.timeout.dticks`.
    pub(super) ticks: Option<Field>,
    pub(super) stack_start: Option<Field>,
    pub(super) stack_size: Option<Field>,
    pub(super) stack_delta: Option<Field>,
    /// r4 to r11 (Cortex-M) or s0 to s11 (RISC-V).
    pub(super) callee_saved: Vec<Field>,
    pub(super) stack_pointer: Option<Field>,
    /// RISC-V: `callee_saved.ra`.
    pub(super) return_address: Option<Field>,
    /// Cortex-M: the low byte of `EXC_RETURN`.
    pub(super) exc_return: Option<Field>,
    /// Cortex-M: s16, with s17 to s31 behind it.
    pub(super) s16: Option<Field>,
}

/// The layout of the build, or `None` when neither its debug information nor its table says enough.
pub(super) fn load(info: &DebugInfo<'_>, memory: &dyn Memory) -> Option<Layout> {
    from_types(&Types::new(info), info.file().arch()).or_else(|| from_table(info, memory))
}

fn from_types(types: &Types<'_, '_>, arch: Arch) -> Option<Layout> {
    let thread = |path: &[&str]| field(types, "k_thread", path);
    let cpus = field(types, "z_kernel", &["cpus"])?;
    let current = field(types, "_cpu", &["current"])?;
    let cpu_size = types
        .named("_cpu")
        .and_then(|cpu| types.size(cpu))
        .filter(|size| *size > 0)?;
    let n_cpus = cpus.size.checked_div(cpu_size)?.clamp(1, MOST_CPUS);
    let saved = |name: &str| thread(&["callee_saved", name]);
    let (stack_pointer, callee_saved): (_, Vec<String>) = if arch == Arch::Riscv32 {
        (saved("sp"), (0..12).map(|n| format!("s{n}")).collect())
    } else {
        (saved("psp"), (1..9).map(|n| format!("v{n}")).collect())
    };
    Some(Layout {
        threads: field(types, "z_kernel", &["threads"]),
        current: (0..n_cpus)
            .filter_map(|n| {
                let cpu = cpus.offset.checked_add(n.checked_mul(cpu_size)?)?;
                Some(Field {
                    offset: cpu.checked_add(current.offset)?,
                    ..current
                })
            })
            .collect(),
        thread_size: types.named("k_thread").and_then(|ty| types.size(ty)),
        thread: ThreadLayout {
            next: thread(&["next_thread"]),
            state: Some(thread(&["base", "thread_state"])?),
            priority: thread(&["base", "prio"]),
            name: thread(&["name"]),
            pended_on: thread(&["base", "pended_on"]),
            timeout: thread(&["base", "timeout"]),
            ticks: thread(&["base", "timeout", "dticks"]),
            stack_start: thread(&["stack_info", "start"]),
            stack_size: thread(&["stack_info", "size"]),
            stack_delta: thread(&["stack_info", "delta"]),
            callee_saved: callee_saved.iter().map_while(|n| saved(n)).collect(),
            stack_pointer,
            return_address: saved("ra"),
            exc_return: thread(&["arch", "mode_exc_return"]),
            s16: thread(&["arch", "preempt_float", "s16"]),
        },
    })
}

/// A member of a member: `base`, `timeout`, `dticks`.
pub(super) fn field(types: &Types<'_, '_>, name: &str, path: &[&str]) -> Option<Field> {
    let mut ty = types.named(name)?;
    let mut found = Field { offset: 0, size: 0 };
    for part in path {
        let member = types.member(ty, part, 0)?;
        found = Field {
            offset: found.offset.checked_add(member.offset)?,
            size: member.size,
        };
        ty = types.real(Some(member.ty))?.0;
    }
    Some(found)
}

fn from_table(info: &DebugInfo<'_>, memory: &dyn Memory) -> Option<Layout> {
    let file = info.file();
    let table = file.symbol("_kernel_thread_info_offsets")?;
    let number = |name: &str, size: u64| {
        let symbol = file.symbol(name)?;
        Field { offset: 0, size }.read(symbol.address, memory)
    };
    let word = number("_kernel_thread_info_size_t_size", 1)
        .filter(|size| matches!(size, 4 | 8))
        .unwrap_or(4);
    let count = number("_kernel_thread_info_num_offsets", word)
        .or_else(|| table.size.checked_div(word))?
        .min(MOST_OFFSETS);
    let offset = |index: u64| {
        let at = Field {
            offset: index.checked_mul(word)?,
            size: word,
        };
        let value = at.read(table.address, memory)?;
        (index < count && value & UNIMPLEMENTED != UNIMPLEMENTED).then_some(value)
    };
    let at = |index: u64, size: u64| {
        Some(Field {
            offset: offset(index)?,
            size,
        })
    };
    let stack_pointer = at(T_STACK_POINTER, word);
    let arch_offset = offset(T_ARCH);
    let in_arch = |index: u64, size: u64| {
        Some(Field {
            offset: arch_offset?.checked_add(offset(index)?)?,
            size,
        })
    };
    let is_riscv = file.arch() == Arch::Riscv32;
    // Cortex-M: r4 to r11, then the stack pointer. RISC-V: the stack pointer, ra, s0 to s11.
    let relative = |words: i64| {
        let from = stack_pointer?;
        let bytes = words.checked_mul(i64::try_from(word).ok()?)?;
        Some(Field {
            offset: from.offset.checked_add_signed(bytes)?,
            ..from
        })
    };
    let callee_saved = if is_riscv { 2..14 } else { -8..0 };
    Some(Layout {
        threads: at(K_THREADS, word),
        current: vec![at(K_CURR_THREAD, word)?],
        thread_size: None,
        thread: ThreadLayout {
            next: at(T_NEXT_THREAD, word),
            state: Some(at(T_STATE, 1)?),
            priority: at(T_PRIORITY, 1),
            name: at(T_NAME, USUAL_NAME_BYTES),
            callee_saved: callee_saved.map_while(relative).collect(),
            stack_pointer,
            return_address: relative(1).filter(|_| is_riscv),
            exc_return: in_arch(T_EXC_RETURN, 1),
            s16: in_arch(T_PREEMPT_FLOAT, 4),
            ..ThreadLayout::default()
        },
    })
}
