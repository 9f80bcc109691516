//! Stream and message buffers (`stream_buffer.c`): a ring of bytes, one reader and one writer.

use super::super::waits::MESSAGE_BUFFER;
use super::Reader;
use crate::model::addr::TargetAddr;
use crate::model::rtos_objects::{ObjectKind, RtosObject, Waiter};

/// The buffer at `addr`.
pub(super) fn object(reader: &Reader<'_, '_, '_>, addr: u64) -> Option<RtosObject> {
    let kernel = reader.kernel;
    let layout = kernel.layout.stream.as_ref()?;
    let read = |field: super::super::layout::Field| field.read(addr, kernel.memory);
    let (head, tail, length) = (read(layout.head)?, read(layout.tail)?, read(layout.length)?);
    let (trigger, flags) = (read(layout.trigger)?, read(layout.flags)?);
    if length == 0 || head >= length || tail >= length || trigger > length {
        return None;
    }
    let used = length
        .checked_add(head)?
        .checked_sub(tail)?
        .checked_rem(length)?;
    let capacity = length.saturating_sub(1);
    let is_message = flags & MESSAGE_BUFFER != 0;
    let detail = if is_message {
        format!("message buffer, {used} of {capacity} bytes used")
    } else {
        format!("{used} of {capacity} bytes, wakes its reader at {trigger}")
    };
    let mut waiters = Vec::new();
    for (field, wants) in [(layout.receiver, "to receive"), (layout.sender, "to send")] {
        if let Some(tcb) = read(field).filter(|tcb| *tcb != 0) {
            let wants = match kernel.wakes_at(tcb) {
                Some(tick) => format!("{wants} until tick {tick}"),
                None => wants.to_owned(),
            };
            waiters.push(Waiter {
                thread: reader.thread(tcb),
                wants,
            });
        }
    }
    Some(RtosObject {
        kind: ObjectKind::StreamBuffer,
        name: reader.waits.name_of(addr),
        address: TargetAddr(addr),
        detail,
        holder: None,
        waiters,
    })
}
