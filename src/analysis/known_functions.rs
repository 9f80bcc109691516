//! Functions that every firmware has and that never are the cause of a crash: what each of them is for.

/// What a well-known function is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reports a failed assertion.
    Assert,
    /// Ends the program: `abort`.
    Abort,
    /// Reports a panic of a language runtime or an RTOS.
    Panic,
    /// Handles a fault exception.
    FaultHandler,
    /// Handles a watchdog's last interrupt.
    Watchdog,
    /// Handles the supply monitor's interrupt.
    PowerFail,
    /// Hands out memory or takes it back.
    Allocator,
    /// Runs when nothing else does.
    Idle,
    /// Copies, fills or compares memory or strings.
    Memory,
    /// Starts a thread or the program.
    Startup,
}

impl Role {
    /// Why a frame of this role does not count: `assert helper`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Assert => "assert helper",
            Self::Abort => "abort helper",
            Self::Panic => "panic helper",
            Self::FaultHandler => "fault handler",
            Self::Watchdog => "watchdog handler",
            Self::PowerFail => "supply monitor handler",
            Self::Allocator => "heap allocator",
            Self::Idle => "idle",
            Self::Memory => "C library memory or string function",
            Self::Startup => "start of a thread or of the program",
        }
    }
}

/// Names without leading underscores, in lower case, by role. An entry ending in `*` matches a beginning.
const KNOWN: &[(Role, &[&str])] = &[
    (
        Role::Abort,
        &[
            "abort",
            "raise",
            "kill_r",
            "exit",
            "fault_abort",
            "esp_system_abort",
            "std::terminate",
            "terminate",
            "cxxabiv1::terminate*",
            "cxa_pure_virtual",
        ],
    ),
    (
        Role::Allocator,
        &[
            "calloc",
            "calloc_r",
            "embedded_alloc::*",
            "free",
            "free_r",
            "heap_caps_*alloc*",
            "heap_caps_free",
            "k_free",
            "k_heap_*",
            "k_malloc",
            "linked_list_allocator::*",
            "malloc",
            "malloc_extend_top",
            "malloc_r",
            "malloc_trim_r",
            "mem_free",
            "mem_malloc",
            "multi_heap_*",
            "operator delete*",
            "operator new*",
            "prvinsertblockintofreelist",
            "pvportcalloc",
            "pvportmalloc",
            "realloc",
            "realloc_r",
            "rust_alloc*",
            "rust_dealloc",
            "rust_realloc",
            "sys_heap_*",
            "tlsf_*",
            "tx_byte_allocate",
            "tx_byte_pool_search",
            "tx_byte_release",
            "txe_byte_allocate",
            "txe_byte_release",
            "umm_free*",
            "umm_malloc*",
            "vportfree",
        ],
    ),
    (
        Role::Assert,
        &[
            "assert",
            "assert_fail",
            "assert_failed",
            "assert_func",
            "assert_post_action",
            "assert_print",
            "aeabi_assert",
            "vassertcalled",
            "vassertfailed",
            "configassert*",
            "app_error_handler",
            "app_error_fault_handler",
            "assert_nrf_callback",
            "memfault_fault_handling_assert*",
            "memfault_assert*",
            "esp_error_check_failed*",
            "pw_assert*",
            "assert_handler",
            "core::panicking::assert_failed*",
            "mbed_assert_internal",
        ],
    ),
    (
        Role::FaultHandler,
        &[
            "hardfault",
            "hardfault_handler*",
            "hard_fault*",
            "memmanage*",
            "memmanage_handler",
            "mem_manage*",
            "mpu_fault*",
            "busfault*",
            "bus_fault*",
            "usagefault*",
            "usage_fault*",
            "securefault*",
            "secure_fault*",
            "default_handler",
            "defaulthandler",
            "arm_fault",
            "z_arm_fault*",
            "fault_handler",
            "fault_c",
            "hardfault_c",
            "z_fatal_error",
            "nmi_handler",
            "crashcatcher_entry",
            "prvgetregistersfromstack",
            "vhandlehardfault",
            "panic_handler",
            "hardfaulttrampoline",
            "hardfault_trampoline",
        ],
    ),
    (
        Role::Idle,
        &[
            "idle",
            "idle_task",
            "prvidletask",
            "idle_thread*",
            "vapplicationidlehook",
            "arch_cpu_idle",
            "k_cpu_idle",
            "tx_idle",
            "os_idle*",
            "esp_vapplicationidlehook",
        ],
    ),
    (
        Role::Memory,
        &[
            "memcpy*",
            "memset*",
            "memmove*",
            "memcmp*",
            "memchr*",
            "aeabi_mem*",
            "strlen*",
            "strnlen*",
            "strcpy*",
            "strncpy*",
            "strlcpy*",
            "strcat*",
            "strncat*",
            "strcmp*",
            "strncmp*",
            "strchr*",
            "strrchr*",
            "strstr*",
            "bcopy",
            "bzero",
            "compiler_builtins::mem::*",
            "core::ptr::read*",
            "core::ptr::write*",
            "core::intrinsics::*",
        ],
    ),
    (
        Role::Panic,
        &[
            "panic",
            "panic_abort",
            "rust_begin_unwind",
            "rust_panic*",
            "rust_start_panic",
            "core::panicking::*",
            "core::result::unwrap_failed*",
            "core::option::unwrap_failed*",
            "core::option::expect_failed*",
            "core::slice::index::*fail*",
            "core::cell::panic_already*",
            "panic_bounds_check",
            "panic_fmt",
            "panic_handler",
            "unwrap_failed",
            "expect_failed",
            "defmt::export::panic",
            "defmt_panic",
            "panic_probe::*",
            "panic_halt::*",
            "k_panic",
            "k_oops",
            "k_sys_fatal_error_handler",
            "z_except_reason",
            "z_do_kernel_oops",
            "error_handler",
            "_error_handler",
            "stack_chk_fail",
            "hard_assert*",
            "esp_panic_handler*",
            "xt_unhandled_exception",
            "mbed_error*",
            "mbed_die",
            "hal_panic*",
        ],
    ),
    (
        Role::PowerFail,
        &[
            "bod_*handler*",
            "bod_isr*",
            "bor_*handler*",
            "brown_out*",
            "brownout*",
            "lvd_*handler*",
            "lvd_isr*",
            "pof_*handler*",
            "power_fail*",
            "powerfail*",
            "pvd_*handler*",
            "pvd_pvm_irqhandler",
            "rtc_brownout_isr*",
        ],
    ),
    (
        Role::Startup,
        &[
            "reset_handler",
            "resethandler",
            "start",
            "z_thread_entry",
            "thread_entry",
            "prvtaskexiterror",
            "vportenablevfp",
            "vportstartfirsttask",
            "prvportstartfirsttask",
            "vportstartscheduler*",
            "xportstartscheduler",
            "pvtaskstartup",
            "vporttaskwrapper",
            "cstart",
            "z_cstart",
            "prep_c",
            "z_arm_reset",
            "c_int00",
            "call_start_cpu0",
            "main_trampoline",
            "pre_init",
        ],
    ),
    (
        Role::Watchdog,
        &[
            "wdt_irqhandler",
            "wwdg_irqhandler",
            "wdt_isr*",
            "wdog*_irqhandler",
            "watchdog*handler*",
            "watchdog_callback*",
            "watchdog_irq*",
            "watchdog_isr*",
            "watchdog_nmi*",
            "watchdog_timeout*",
            "watchdog_warning*",
            "task_wdt*",
            "esp_task_wdt_isr*",
            "wdt_callback*",
            "wdt_nmi*",
            "wdt*warning*",
            "memfault_software_watchdog*",
        ],
    ),
];

/// The role of a function, by its name; `None` for code of the application.
pub fn role(name: &str) -> Option<Role> {
    let plain = name.trim_start_matches('_').to_ascii_lowercase();
    KNOWN
        .iter()
        .find(|(_, names)| names.iter().any(|pattern| matches(&plain, pattern)))
        .map(|(role, _)| *role)
}

/// `*` stands for anything, once at the end or also in the middle.
fn matches(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut last_was_open = false;
    for part in parts {
        last_was_open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    rest.is_empty() || last_was_open
}

#[cfg(test)]
mod tests {
    use super::{Role, role};

    #[test]
    fn well_known_functions_have_a_role_and_those_of_the_application_have_none() {
        for (name, expected) in [
            ("assert_fail", Some(Role::Assert)),
            ("__assert_func", Some(Role::Assert)),
            ("vAssertCalled", Some(Role::Assert)),
            ("abort", Some(Role::Abort)),
            ("rust_begin_unwind", Some(Role::Panic)),
            ("core::panicking::panic_fmt", Some(Role::Panic)),
            (
                "core::slice::index::slice_end_index_len_fail",
                Some(Role::Panic),
            ),
            ("HardFault_Handler", Some(Role::FaultHandler)),
            ("__aeabi_memcpy4", Some(Role::Memory)),
            ("prvIdleTask", Some(Role::Idle)),
            ("Reset_Handler", Some(Role::Startup)),
            ("WWDG_IRQHandler", Some(Role::Watchdog)),
            ("watchdog_nmi", Some(Role::Watchdog)),
            ("watchdog_feed", None),
            ("PVD_IRQHandler", Some(Role::PowerFail)),
            ("vPortFree", Some(Role::Allocator)),
            ("_malloc_r", Some(Role::Allocator)),
            ("operator new(unsigned int)", Some(Role::Allocator)),
            ("free_packet", None),
            ("poke", None),
            ("main", None),
            ("assert_valve_open", None),
            ("restart_network", None),
            ("memory_report", None),
        ] {
            assert_eq!(role(name), expected, "{name}");
        }
    }
}
