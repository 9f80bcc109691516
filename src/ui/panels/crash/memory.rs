//! Captured memory as hex and text, with the symbols that begin in it.

use super::Selected;
use crate::ui::context::ViewContext;
use crate::ui::data::MemoryPage;
use crate::ui::theme::{font, size};
use crate::ui::widgets::row::{CellStyle, RowPainter, plain_row};
use crate::ui::widgets::{button, field, state, text};
use egui::{Align, ScrollArea, Ui};

/// Bytes asked for at a time.
const PAGE_BYTES: u64 = 1024;

/// Where the view stands.
#[derive(Default)]
pub(super) struct MemoryTab {
    address: Option<u64>,
    sent_to: Option<u64>,
    field: String,
    error: Option<String>,
}

impl MemoryTab {
    /// Draws the tab.
    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
        if ctx.nav.memory_address != self.sent_to {
            self.sent_to = ctx.nav.memory_address;
            self.address = self.sent_to;
        }
        let start_at = selected
            .frame
            .and_then(|frame| frame.sp)
            .map_or(0, |sp| sp.0);
        let address = self.address.unwrap_or(start_at);
        let answer = ctx.door.memory(selected.id, address & !0xF, PAGE_BYTES);
        self.bar_ui(ui, address, answer.value().map(|page| &**page), selected);
        state::answer(ui, &answer, "Reading memory…", |ui, page| {
            hex_ui(ui, page, address)
        });
    }

    fn bar_ui(
        &mut self,
        ui: &mut Ui,
        address: u64,
        page: Option<&MemoryPage>,
        selected: &Selected<'_>,
    ) {
        state::padded(ui, |ui| {
            ui.horizontal(|ui| {
                let response = field::line(
                    ui,
                    &mut self.field,
                    "Go to address",
                    "0x20000000 or sp",
                    132.0,
                );
                let entered =
                    response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                if button::quiet(ui, "Go").clicked() || entered {
                    self.go(selected);
                }
                let step = PAGE_BYTES / 2;
                if button::quiet(ui, "−")
                    .on_hover_text("Lower addresses")
                    .clicked()
                {
                    self.address = Some(address.saturating_sub(step));
                }
                if button::quiet(ui, "+")
                    .on_hover_text("Higher addresses")
                    .clicked()
                {
                    self.address = Some(address.saturating_add(step));
                }
            });
            if let Some(error) = &self.error {
                text::small(ui, error.clone());
            }
            let ranges = page.map_or(&[][..], |page| page.ranges.as_slice());
            if !ranges.is_empty() {
                ui.horizontal_wrapped(|ui| {
                    text::small(ui, "captured");
                    for (start, end, what) in ranges.iter().take(6) {
                        let label = format!("0x{start:08x}");
                        let hint = format!("{what}, 0x{start:08x} to 0x{end:08x}");
                        if button::link(ui, &label).on_hover_text(hint).clicked() {
                            self.address = Some(*start);
                        }
                    }
                });
            }
        });
    }

    fn go(&mut self, selected: &Selected<'_>) {
        let wanted = self.field.trim().to_lowercase();
        let register = selected
            .detail
            .report
            .registers
            .iter()
            .find(|(name, _)| *name == wanted);
        let digits = wanted.strip_prefix("0x").unwrap_or(&wanted);
        match (register, u64::from_str_radix(digits, 16)) {
            (Some((_, value)), _) => self.address = Some(value.0),
            (None, Ok(value)) => self.address = Some(value),
            (None, Err(_)) => {
                self.error = Some(format!(
                    "{wanted} is neither a hex address nor a register of this crash."
                ));
                return;
            }
        }
        self.error = None;
    }
}

fn hex_ui(ui: &mut Ui, page: &MemoryPage, address: u64) {
    let per_row = if ui.available_width() > 580.0 { 16 } else { 8 };
    if page.bytes.iter().all(Option::is_none) {
        state::empty(
            ui,
            "Not captured",
            "The dump holds nothing at this address. It is missing, not zero.",
        );
        return;
    }
    let n_rows = page.bytes.len().div_ceil(per_row);
    ScrollArea::vertical()
        .id_salt(("hex", page.start))
        .auto_shrink(false)
        .show_rows(ui, size::ROW, n_rows, |ui, range| {
            for idx in range {
                let start = page.start.saturating_add((idx * per_row) as u64);
                let bytes: Vec<Option<u8>> = page
                    .bytes
                    .iter()
                    .copied()
                    .skip(idx * per_row)
                    .take(per_row)
                    .collect();
                let end = start.saturating_add(bytes.len() as u64);
                let symbols: Vec<&str> = page
                    .symbols
                    .iter()
                    .filter(|(at, _)| (start..end).contains(at))
                    .map(|(_, name)| name.as_str())
                    .collect();
                let is_here = (start..end).contains(&address);
                plain_row(ui, &row_name(start, &bytes), |row| {
                    paint(row, start, &bytes, &symbols, is_here)
                });
            }
        });
}

fn paint(
    row: &mut RowPainter<'_>,
    start: u64,
    bytes: &[Option<u8>],
    symbols: &[&str],
    is_here: bool,
) {
    let t = row.tokens;
    if is_here {
        row.painter.rect_filled(row.rect, 0.0, t.raised);
    }
    let faint = CellStyle {
        font: font::mono(),
        color: t.faint,
        align: Align::Min,
    };
    let mut x = row.text(size::M, 110.0, &format!("{start:08x}"), &faint) + size::M;
    let hex: Vec<String> = bytes
        .iter()
        .map(|byte| byte.map_or("··".to_owned(), |byte| format!("{byte:02x}")))
        .collect();
    for group in hex.chunks(4) {
        x = row.mono(x, x + 120.0, &group.join(" ")) + 10.0;
    }
    let quiet = CellStyle {
        font: font::mono(),
        color: t.muted,
        align: Align::Min,
    };
    x = row.text(x, x + 160.0, &ascii(bytes), &quiet) + size::M;
    if !symbols.is_empty() {
        let style = CellStyle {
            font: font::mono_small(),
            color: t.act,
            align: Align::Min,
        };
        row.text(x, row.width() - size::S, &symbols.join(" "), &style);
    }
}

fn ascii(bytes: &[Option<u8>]) -> String {
    let char_of = |byte: &Option<u8>| match byte {
        Some(byte @ 0x20..=0x7E) => char::from(*byte),
        Some(_) => '.',
        None => ' ',
    };
    bytes.iter().map(char_of).collect()
}

fn row_name(start: u64, bytes: &[Option<u8>]) -> String {
    let hex: Vec<String> = bytes
        .iter()
        .map(|byte| byte.map_or("--".to_owned(), |byte| format!("{byte:02x}")))
        .collect();
    format!("{start:08x}: {}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn missing_bytes_are_blank_and_not_zero() {
        assert_eq!(super::ascii(&[Some(b'a'), None, Some(0)]), "a .");
        assert_eq!(super::row_name(16, &[Some(1), None]), "00000010: 01 --");
    }
}
