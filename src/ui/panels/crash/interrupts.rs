//! What the interrupt controller and the memory protection unit held.

use super::Selected;
use crate::model::arch::Arch;
use crate::model::target_state::{InterruptLine, MpuRegion};
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::row::{CellStyle, plain_row};
use crate::ui::widgets::{marker, marker::Mark, state, text};
use egui::{Align, Pos2, ScrollArea, Ui};

/// Draws the tab.
pub(super) fn interrupts_ui(ui: &mut Ui, selected: &Selected<'_>) {
    let report = &selected.detail.report;
    ScrollArea::vertical()
        .id_salt("interrupts")
        .auto_shrink(false)
        .show(ui, |ui| {
            match &report.interrupts {
                Some(view) => {
                    if let Some(masked) = &view.masked {
                        state::padded(ui, |ui| {
                            text::sentence(ui, masked, tokens(ui).text);
                        });
                    }
                    section_ui(
                        ui,
                        "Being handled, innermost first",
                        &view.active,
                        Mark::Filled,
                    );
                    section_ui(ui, "Waiting", &view.pending, Mark::Half);
                    section_ui(ui, "Enabled", &view.enabled, Mark::Hollow);
                }
                None => state::empty(ui, "No interrupts", no_controller(report.arch)),
            }
            if report.mpu.is_empty() {
                state::empty(ui, "No memory protection", no_mpu(report.arch));
            } else {
                heading(ui, "Memory protection regions");
                for region in &report.mpu {
                    region_ui(ui, region);
                }
            }
        });
}

fn no_controller(arch: Arch) -> &'static str {
    if arch.is_cortex_m() {
        "The capture holds no interrupt controller registers. Dump 0xE000E100-0xE000E4FF to see them."
    } else {
        "The capture holds no registers of the interrupt controller. Dump them with the memory to see what was active and waiting."
    }
}

fn no_mpu(arch: Arch) -> &'static str {
    if arch.is_cortex_m() {
        "The capture holds no registers of the memory protection unit, or it was off. Dump 0xE000ED90-0xE000EDB8 to see its regions."
    } else {
        "The capture holds no registers of a memory protection unit."
    }
}

fn heading(ui: &mut Ui, title: &str) {
    state::padded(ui, |ui| text::strong(ui, title));
}

fn section_ui(ui: &mut Ui, title: &str, lines: &[InterruptLine], mark: Mark) {
    heading(ui, title);
    if lines.is_empty() {
        plain_row(ui, "none", |row| {
            row.muted(28.0, row.width() - size::M, "none");
        });
    }
    for line in lines.iter().take(300) {
        let priority = line
            .priority
            .map_or(String::new(), |priority| format!("priority {priority}"));
        let handler = line.handler.as_deref().unwrap_or("handler unknown");
        let name = format!("{title}: {}, {handler} {priority}", line.name);
        plain_row(ui, name.trim_end(), |row| {
            let t = row.tokens;
            let center = Pos2::new(row.rect.left() + size::M + 4.0, row.rect.center().y);
            marker::paint(row.painter, center, mark, t.faint);
            let end = row.width() - size::M;
            row.strong(28.0, 104.0, &line.name);
            row.mono(108.0, end - 64.0, handler);
            let style = CellStyle {
                font: font::small(),
                color: t.muted,
                align: Align::Max,
            };
            row.text(end - 64.0, end, &priority, &style);
        });
    }
}

fn region_ui(ui: &mut Ui, region: &MpuRegion) {
    let range = format!("{} to {}", region.start, region.last);
    let hit = if region.hit {
        ", the refused access lies here"
    } else {
        ""
    };
    let name = format!("Region {}: {range}, {}{hit}", region.number, region.rights);
    plain_row(ui, &name, |row| {
        let t = row.tokens;
        if region.hit {
            row.painter.rect_filled(row.rect, 0.0, t.crash_bg);
            let center = Pos2::new(row.rect.left() + size::M + 4.0, row.rect.center().y);
            marker::paint(row.painter, center, Mark::Filled, t.crash);
        }
        row.mono(28.0, 48.0, &region.number.to_string());
        row.mono(52.0, row.width() - size::M, &range);
    });
    let rights = if region.hit {
        format!("{}, hit by this access", region.rights)
    } else {
        region.rights.clone()
    };
    plain_row(ui, &rights, |row| {
        if region.hit {
            row.painter.rect_filled(row.rect, 0.0, row.tokens.crash_bg);
        }
        row.muted(52.0, row.width() - size::M, &rights);
    });
}
