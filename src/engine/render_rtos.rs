//! Kernel objects and heaps of a report as text.

use crate::model::report::CrashReport;
use crate::model::rtos_objects::RtosObject;
use crate::model::target_state::HeapView;
use std::fmt::Write as _;

/// Lines for the end of a report: objects, then heaps. Empty when the report has neither.
pub fn lines(report: &CrashReport) -> Vec<String> {
    let mut lines = Vec::new();
    if !report.objects.is_empty() {
        lines.push(String::new());
        lines.push("Objects".to_owned());
        lines.extend(report.objects.iter().map(object_line));
    }
    if !report.heaps.is_empty() {
        lines.push(String::new());
        lines.extend(report.heaps.iter().map(heap_line));
    }
    lines
}

/// `  mutex bus: taken, held by cmd; net waits to take`.
fn object_line(object: &RtosObject) -> String {
    let name = match &object.name {
        Some(name) => name.clone(),
        None => format!("at {}", object.address),
    };
    let mut line = format!("  {} {name}: {}", object.kind.label(), object.detail);
    if let Some(holder) = &object.holder {
        line.push_str(", held by ");
        line.push_str(&holder.to_string());
    }
    for waiter in &object.waiters {
        let _infallible = write!(line, "; {} waits {}", waiter.thread, waiter.wants);
    }
    line
}

/// `Heap FreeRTOS heap_4: 6424 of 12288 bytes free (largest block 6424, least ever 6424)`.
fn heap_line(heap: &HeapView) -> String {
    let free = match heap.free.or(heap.free_counted) {
        Some(free) => format!("{free} of {} bytes free", heap.size),
        None => format!("{} bytes", heap.size),
    };
    let mut more = Vec::new();
    if let Some(largest) = heap.largest_free {
        more.push(format!("largest block {largest}"));
    }
    if let Some(least) = heap.free_min {
        more.push(format!("least ever {least}"));
    }
    let n_used = heap.blocks.iter().filter(|block| block.allocated).count();
    more.push(format!("{n_used} of {} blocks in use", heap.blocks.len()));
    if heap.damage.is_some() {
        more.push("damaged".to_owned());
    }
    format!("Heap {}: {free} ({})", heap.allocator, more.join(", "))
}
