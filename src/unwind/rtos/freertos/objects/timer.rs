//! Software timers (`timers.c`): the running ones are in two lists by the tick at which they expire, one for before and one
//! for after the tick counter wraps.

use super::super::{Kernel, lists};
use super::Reader;
use crate::model::addr::TargetAddr;
use crate::model::rtos_objects::{ObjectKind, RtosObject};
use crate::model::warning::Warning;
use std::collections::BTreeMap;

/// `tmrSTATUS_IS_ACTIVE`.
const ACTIVE: u64 = 1;
/// `tmrSTATUS_IS_AUTORELOAD`.
const AUTO_RELOAD: u64 = 4;
/// Longest name that is read.
const MAX_NAME_BYTES: u64 = 64;

/// Running timers and the tick at which each expires.
pub(super) fn running(kernel: &Kernel<'_, '_>, warnings: &mut Vec<Warning>) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    let Some(layout) = &kernel.layout.timer else {
        return found;
    };
    for name in ["xActiveTimerList1", "xActiveTimerList2"] {
        let Some(list) = kernel.info.file().symbol(name) else {
            continue;
        };
        // Before the first timer the lists are not set up.
        if kernel.memory.read_u32(list.address).unwrap_or(0) == 0 {
            continue;
        }
        let listed = lists::walk_items(list.address, &[layout.item], &kernel.layout, kernel.memory);
        for timer in listed.tasks {
            let item = layout.item.at(timer);
            let expiry = item.and_then(|i| kernel.layout.item.value.read(i, kernel.memory));
            found.insert(timer, expiry.unwrap_or(0));
        }
        if let Some(reason) = listed.broken {
            warnings.push(Warning::new(
                "FS-RTOS-033",
                format!(
                    "The list of timers {name} is damaged: {}. Timers behind that point are not shown.",
                    reason.replace("tasks", "timers").replace("task", "timer")
                ),
            ));
        }
    }
    found
}

/// The timer at `addr`, which expires at `expiry` if it runs.
pub(super) fn object(
    reader: &Reader<'_, '_, '_>,
    addr: u64,
    expiry: Option<u64>,
) -> Option<RtosObject> {
    let kernel = reader.kernel;
    let layout = kernel.layout.timer.as_ref()?;
    let callback = layout.callback.read(addr, kernel.memory)?;
    let period = layout.period.read(addr, kernel.memory)?;
    let item = layout.item.at(addr)?;
    let owner = kernel.layout.item.owner.read(item, kernel.memory)?;
    let container = kernel.layout.item.container.read(item, kernel.memory)?;
    // The list item names the timer from its first start on; in a list it always does.
    let is_code = |addr: u64| {
        let mut files = kernel.symbols.infos.iter();
        files.any(|info| info.file().contains_code(addr))
    };
    if period == 0 || !is_code(callback & !1) || (container != 0 && owner != addr) {
        return None;
    }
    let status = layout
        .status
        .and_then(|field| field.read(addr, kernel.memory));
    let mut parts = Vec::new();
    match expiry {
        Some(tick) => {
            parts.push(format!("expires at tick {tick}"));
            if let Some(left) = kernel
                .number("xTickCount")
                .and_then(|now| tick.checked_sub(now))
            {
                parts.push(format!("in {left}"));
            }
        }
        // Active by its flag and in no list: it is being handled at this moment.
        None if status.is_some_and(|bits| bits & ACTIVE != 0) => parts.push("expiring".to_owned()),
        None => parts.push("stopped".to_owned()),
    }
    match status {
        Some(bits) if bits & AUTO_RELOAD != 0 => parts.push(format!("every {period}")),
        Some(_) => parts.push(format!("once after {period}")),
        None => parts.push(format!("period {period}")),
    }
    if let Some(function) = kernel.symbols.describe(callback & !1) {
        parts.push(format!("calls {function}"));
    }
    let own_name = layout
        .name
        .read(addr, kernel.memory)
        .filter(|name| *name != 0)
        .and_then(|name| super::super::waits::read_name(name, MAX_NAME_BYTES, kernel.memory));
    Some(RtosObject {
        kind: ObjectKind::Timer,
        name: own_name.or_else(|| kernel.catalog.name(addr).map(str::to_owned)),
        address: TargetAddr(addr),
        detail: parts.join(", "),
        holder: None,
        waiters: Vec::new(),
    })
}
