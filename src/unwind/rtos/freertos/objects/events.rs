//! Event groups (`event_groups.c`): a word of flags and the tasks that wait for some of them.

use super::super::waits::is_list;
use super::Reader;
use crate::model::addr::TargetAddr;
use crate::model::rtos_objects::{ObjectKind, RtosObject};

/// `eventCLEAR_EVENTS_ON_EXIT_BIT` and `eventWAIT_FOR_ALL_BITS`, in the top byte of the item's value.
const CLEAR_ON_EXIT: u64 = 0x01;
const WAIT_FOR_ALL: u64 = 0x04;

/// The event group at `addr`.
pub(super) fn object(reader: &Reader<'_, '_, '_>, addr: u64) -> Option<RtosObject> {
    let kernel = reader.kernel;
    let layout = kernel.layout.event_group.as_ref()?;
    let bits = layout.bits.read(addr, kernel.memory)?;
    let list = layout.waiting.at(addr)?;
    if !is_list(list, &kernel.layout, kernel.memory) {
        return None;
    }
    let value_bits = kernel.layout.item.value.size.saturating_mul(8);
    let control = u32::try_from(value_bits).ok()?.checked_sub(8)?;
    let mask = 1_u64.checked_shl(control)?.wrapping_sub(1);
    let wants = |value: u64| {
        let flags = value.checked_shr(control).unwrap_or(0);
        let how = if flags & WAIT_FOR_ALL != 0 {
            "all"
        } else {
            "any"
        };
        let wanted = value & mask;
        let clears = if flags & CLEAR_ON_EXIT != 0 {
            ", then clears them"
        } else {
            ""
        };
        format!("for {how} of bits 0x{wanted:x}{clears}")
    };
    Some(RtosObject {
        kind: ObjectKind::EventGroup,
        name: reader.waits.name_of(addr),
        address: TargetAddr(addr),
        detail: format!("bits 0x{bits:x} set"),
        holder: None,
        waiters: reader.waiters(Some(list), wants),
    })
}
