//! Why we believe the headline: evidence, fault bits, the instruction, the grouping and what was missing.

use super::{Selected, rtos};
use crate::model::report::{Fault, Fingerprint, Instruction};
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::text;
use crate::ui::words;
use egui::{Rect, ScrollArea, Ui};

/// The card.
pub(super) fn evidence_ui(ui: &mut Ui, rect: Rect, selected: &Selected<'_>) {
    let report = &selected.detail.report;
    card(
        ui,
        rect,
        Title {
            title: "Why we believe this",
            ..Title::default()
        },
        |ui| {
            ScrollArea::vertical().id_salt("evidence").auto_shrink(false).show(ui, |ui| {
            egui::Frame::new().inner_margin(egui::Margin { left: 12, right: 12, top: 0, bottom: 12 }).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 6.0;
                if !report.deadlocks.is_empty() {
                    rtos::deadlocks_ui(ui, &report.deadlocks);
                    ui.add_space(size::S);
                }
                match &report.fault {
                    Some(fault) => fault_ui(ui, fault),
                    None => {
                        text::muted(ui, "The capture shows a target that stopped, without a fault: a debugger or a dump on request halted it.");
                    }
                }
                if let Some(fingerprint) = &report.fingerprint {
                    grouping_ui(ui, fingerprint);
                }
                if !report.warnings.is_empty() {
                    heading(ui, "What was missing");
                    for warning in &report.warnings {
                        let place = warning.offset.map_or(String::new(), |at| format!(" (byte {at})"));
                        text::sentence(ui, &format!("{}: {}{place}", warning.code, warning.message), tokens(ui).muted);
                    }
                }
            });
        });
        },
    );
}

fn heading(ui: &mut Ui, title: &str) {
    ui.add_space(size::S);
    text::strong(ui, title);
}

fn fault_ui(ui: &mut Ui, fault: &Fault) {
    for line in &fault.evidence {
        text::sentence(ui, &words::sentence(line), tokens(ui).text);
    }
    if let Some(instruction) = &fault.instruction {
        heading(ui, "Instruction");
        instruction_ui(ui, instruction);
    }
    if !fault.bits.is_empty() {
        heading(ui, "Fault bits");
        for bit in &fault.bits {
            let name = format!("{}.{}", bit.register.to_uppercase(), bit.name);
            text::mono(ui, name).on_hover_text(format!("bit {}", bit.bit));
            ui.add_space(-4.0);
            text::label(ui, bit.meaning.clone(), font::small(), tokens(ui).muted);
        }
    }
    if !fault.registers.is_empty() {
        heading(ui, "Fault registers");
        for (name, value) in &fault.registers {
            text::label(
                ui,
                format!("{:<6} {value}", name.to_uppercase()),
                font::mono(),
                tokens(ui).muted,
            );
        }
    }
}

fn instruction_ui(ui: &mut Ui, instruction: &Instruction) {
    text::mono(ui, instruction.text.clone());
    let t = tokens(ui);
    let at = format!("at {}, bytes {}", instruction.address, instruction.bytes);
    text::label(ui, at, font::mono_small(), t.faint);
    for (register, value) in &instruction.operands {
        let value = value.map_or("not stored".to_owned(), |value| value.to_string());
        text::label(ui, format!("{register:<4} {value}"), font::mono(), t.muted);
    }
}

fn grouping_ui(ui: &mut Ui, fingerprint: &Fingerprint) {
    heading(ui, "Grouped by");
    let t = tokens(ui);
    text::sentence(ui, &fingerprint.rule, t.muted);
    text::label(
        ui,
        format!("v{} {}", fingerprint.version, fingerprint.key),
        font::mono_small(),
        t.faint,
    );
    for frame in &fingerprint.frames_used {
        text::label(ui, format!("uses {frame}"), font::mono_small(), t.muted);
    }
    for frame in &fingerprint.frames_ignored {
        text::label(ui, format!("ignores {frame}"), font::mono_small(), t.faint);
    }
}
