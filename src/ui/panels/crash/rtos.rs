//! What the RTOS holds besides its threads: who holds what, who waits for it, and rings that can never end.

use super::Selected;
use crate::model::report::CrashReport;
use crate::model::rtos_objects::{Deadlock, RtosObject};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::row::{CellStyle, RowPainter, plain_row, row};
use crate::ui::widgets::{marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Pos2, ScrollArea, Ui};

/// One line of the list.
enum Line<'a> {
    Object(&'a RtosObject),
    Held(String),
    Waits(String),
}

/// Draws the tab.
pub(super) fn rtos_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
    let report = &selected.detail.report;
    if report.objects.is_empty() {
        let (headline, why) = nothing(report);
        state::empty(ui, headline, why);
        return;
    }
    if !report.deadlocks.is_empty() {
        state::padded(ui, |ui| deadlocks_ui(ui, &report.deadlocks));
    }
    let lines = lines(&report.objects);
    ScrollArea::vertical()
        .id_salt("rtos")
        .auto_shrink(false)
        .show_rows(ui, size::ROW, lines.len(), |ui, range| {
            for line in lines.iter().take(range.end).skip(range.start) {
                match line {
                    Line::Object(object) => object_ui(ctx, ui, object, &report.deadlocks),
                    Line::Held(text) => below_ui(ui, text, Mark::Filled),
                    Line::Waits(text) => below_ui(ui, text, Mark::Hollow),
                }
            }
        });
}

/// Rings in words, for this tab and for "why we believe this".
pub(super) fn deadlocks_ui(ui: &mut Ui, deadlocks: &[Deadlock]) {
    let t = tokens(ui);
    for deadlock in deadlocks {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(12.0, 18.0), egui::Sense::hover());
            marker::paint(ui.painter(), rect.center(), Mark::Filled, t.crash);
            text::strong(ui, "Deadlock");
        });
        for line in ring(deadlock) {
            text::sentence(ui, &line, t.text);
        }
        text::muted(ui, "None of these threads can ever go on.");
    }
}

/// `` `net` waits for mutex bus, which `sensor` holds `` for each thread of the ring.
fn ring(deadlock: &Deadlock) -> Vec<String> {
    let steps = &deadlock.ring;
    let next = steps.iter().cycle().skip(1);
    steps
        .iter()
        .zip(next)
        .map(|(step, holder)| {
            format!(
                "`{}` waits for {}, which `{}` holds",
                step.thread, step.waits_for, holder.thread
            )
        })
        .collect()
}

fn nothing(report: &CrashReport) -> (&'static str, &'static str) {
    if report.elf_build_id.is_none() {
        (
            "No RTOS objects",
            "Queues, mutexes and timers are found by their names: add the ELF of this build with debug information (-g).",
        )
    } else if report.threads.len() < 2 {
        (
            "No RTOS here",
            "The build has no RTOS that Fieldscope knows, or the capture does not hold the RTOS's memory.",
        )
    } else {
        (
            "No RTOS objects",
            "The capture holds threads, but no queue, mutex or timer that they use. Dump the RTOS's heap and static data to see them.",
        )
    }
}

fn lines(objects: &[RtosObject]) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for object in objects {
        lines.push(Line::Object(object));
        lines.extend(
            object
                .holder
                .iter()
                .map(|holder| Line::Held(format!("held by {holder}"))),
        );
        lines.extend(
            object
                .waiters
                .iter()
                .map(|waiter| Line::Waits(format!("{} waits {}", waiter.thread, waiter.wants))),
        );
    }
    lines
}

fn name_of(object: &RtosObject) -> String {
    let kind = object.kind.label();
    match &object.name {
        Some(name) => format!("{kind} {name}"),
        None => format!("{kind} at {}", object.address),
    }
}

fn object_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, object: &RtosObject, deadlocks: &[Deadlock]) {
    let mut steps = deadlocks.iter().flat_map(|deadlock| &deadlock.ring);
    let is_in_ring = steps.any(|step| step.object == object.address);
    let name = name_of(object);
    let label = format!("{}, {}", words::sentence(&name), object.detail);
    let response = row(ui, false, &label, |row| {
        paint(row, object, &name, is_in_ring);
    });
    if response.clicked() {
        ctx.ui(UiCommand::GoToMemory(object.address.0));
    }
    response.on_hover_text(format!(
        "control block {}\nClick shows it in memory",
        object.address
    ));
}

fn paint(row: &mut RowPainter<'_>, object: &RtosObject, name: &str, is_in_ring: bool) {
    let t = row.tokens;
    if is_in_ring {
        let center = Pos2::new(row.rect.left() + size::M + 2.0, row.rect.center().y);
        marker::paint(row.painter, center, Mark::Filled, t.crash);
    }
    let end = row.width() - size::M;
    let name_end = row.strong(24.0, 24.0 + (end - 24.0) * 0.55, name);
    let detail = CellStyle {
        font: font::body(),
        color: t.muted,
        align: Align::Max,
    };
    row.text(name_end + size::S, end, &object.detail, &detail);
}

fn below_ui(ui: &mut Ui, text: &str, mark: Mark) {
    plain_row(ui, text, |row| {
        let center = Pos2::new(row.rect.left() + 36.0, row.rect.center().y);
        marker::paint(row.painter, center, mark, row.tokens.faint);
        row.muted(48.0, row.width() - size::M, text);
    });
}

#[cfg(test)]
mod tests {
    use crate::model::addr::TargetAddr;
    use crate::model::rtos_objects::{Deadlock, DeadlockStep, ThreadRef};

    #[test]
    fn a_ring_is_closed_in_words() {
        let step = |name: &str, waits_for: &str| DeadlockStep {
            thread: ThreadRef {
                id: TargetAddr(1),
                name: Some(name.to_owned()),
            },
            waits_for: waits_for.to_owned(),
            object: TargetAddr(2),
        };
        let deadlock = Deadlock {
            ring: vec![step("net", "mutex bus"), step("sensor", "mutex flash")],
        };
        assert_eq!(
            super::ring(&deadlock),
            [
                "`net` waits for mutex bus, which `sensor` holds",
                "`sensor` waits for mutex flash, which `net` holds"
            ]
        );
    }
}
