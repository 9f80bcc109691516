//! Exception causes of Xtensa.
//!
//! Sources: Xtensa ISA Reference Manual, table "Exception Causes" (EXCCAUSE 0 to 39); ESP-IDF, `panic_reason.h` (what its
//! panic handler adds, counted from 64 on in its core dumps).

/// What an exception cause stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// EXCCAUSE.
    pub number: u32,
    /// The name that ESP-IDF prints.
    pub name: &'static str,
    /// What class it is of.
    pub class: CauseClass,
}

/// Classes of exception causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseClass {
    /// An instruction that does not exist.
    IllegalInstruction,
    /// Code was fetched from where none may be.
    Fetch,
    /// A load was refused.
    Load,
    /// A store was refused.
    Store,
    /// A load or a store failed on the bus.
    LoadStore,
    /// An address that is not aligned as the access needs.
    Unaligned,
    /// Division by zero.
    DivideByZero,
    /// A coprocessor that is switched off.
    Coprocessor,
    /// A breakpoint or a watchpoint.
    Debug,
    /// An exception while another one was being handled.
    Double,
    /// The interrupt watchdog.
    Watchdog,
    /// Flash or external RAM while its cache was off.
    Cache,
    /// Anything else.
    Other,
}

const fn cause(number: u32, name: &'static str, class: CauseClass) -> Cause {
    Cause {
        number,
        name,
        class,
    }
}

/// Sorted by number.
const CAUSES: [Cause; 40] = [
    cause(0, "IllegalInstruction", CauseClass::IllegalInstruction),
    cause(1, "Syscall", CauseClass::Other),
    cause(2, "InstructionFetchError", CauseClass::Fetch),
    cause(3, "LoadStoreError", CauseClass::LoadStore),
    cause(4, "Level1Interrupt", CauseClass::Other),
    cause(5, "Alloca", CauseClass::Other),
    cause(6, "IntegerDivideByZero", CauseClass::DivideByZero),
    cause(7, "PCValue", CauseClass::Fetch),
    cause(8, "Privileged", CauseClass::IllegalInstruction),
    cause(9, "LoadStoreAlignment", CauseClass::Unaligned),
    cause(12, "InstrPDAddrError", CauseClass::Fetch),
    cause(13, "LoadStorePIFDataError", CauseClass::LoadStore),
    cause(14, "InstrPIFAddrError", CauseClass::Fetch),
    cause(15, "LoadStorePIFAddrError", CauseClass::LoadStore),
    cause(16, "InstTLBMiss", CauseClass::Fetch),
    cause(17, "InstTLBMultiHit", CauseClass::Fetch),
    cause(18, "InstFetchPrivilege", CauseClass::Fetch),
    cause(20, "InstrFetchProhibited", CauseClass::Fetch),
    cause(24, "LoadStoreTLBMiss", CauseClass::LoadStore),
    cause(25, "LoadStoreTLBMultihit", CauseClass::LoadStore),
    cause(26, "LoadStorePrivilege", CauseClass::LoadStore),
    cause(28, "LoadProhibited", CauseClass::Load),
    cause(29, "StoreProhibited", CauseClass::Store),
    cause(32, "Cp0Dis", CauseClass::Coprocessor),
    cause(33, "Cp1Dis", CauseClass::Coprocessor),
    cause(34, "Cp2Dis", CauseClass::Coprocessor),
    cause(35, "Cp3Dis", CauseClass::Coprocessor),
    cause(36, "Cp4Dis", CauseClass::Coprocessor),
    cause(37, "Cp5Dis", CauseClass::Coprocessor),
    cause(38, "Cp6Dis", CauseClass::Coprocessor),
    cause(39, "Cp7Dis", CauseClass::Coprocessor),
    cause(64, "Unknown reason", CauseClass::Other),
    cause(65, "Unhandled debug exception", CauseClass::Debug),
    cause(66, "Double exception", CauseClass::Double),
    cause(67, "Unhandled kernel exception", CauseClass::Other),
    cause(68, "Coprocessor exception", CauseClass::Coprocessor),
    cause(69, "Interrupt wdt timeout on CPU0", CauseClass::Watchdog),
    cause(70, "Interrupt wdt timeout on CPU1", CauseClass::Watchdog),
    cause(
        71,
        "Cache disabled but cached memory region accessed",
        CauseClass::Cache,
    ),
    cause(72, "Cache error", CauseClass::Cache),
];

/// What EXCCAUSE (or what ESP-IDF stores in its place) stands for.
pub fn exception_cause(number: u64) -> Option<Cause> {
    let number = u32::try_from(number).ok()?;
    CAUSES.iter().find(|cause| cause.number == number).copied()
}

#[cfg(test)]
mod tests {
    use super::{CAUSES, CauseClass, exception_cause};

    #[test]
    fn causes_stand_in_order_and_are_found_by_number() {
        assert!(CAUSES.is_sorted_by(|a, b| a.number < b.number));
        assert_eq!(exception_cause(28).unwrap().name, "LoadProhibited");
        assert_eq!(exception_cause(69).unwrap().class, CauseClass::Watchdog);
        assert_eq!(exception_cause(10), None);
    }
}
