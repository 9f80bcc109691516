//! Captured memory as hex and text, with the symbols that begin in it.

use super::Selected;
use crate::engine::queries::crash_memory::{MemoryRow, ROW_BYTES};
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::row::{CellStyle, RowPainter, plain_row};
use crate::ui::widgets::{button, field, state, text};
use crate::ui::words;
use egui::{Align, ScrollArea, Ui};

/// Rows asked for at a time.
const PAGE_ROWS: u64 = 128;

/// Where the view stands.
#[derive(Default)]
pub(super) struct MemoryTab {
    address: Option<u64>,
    sent_to: Option<u64>,
    crash: Option<i64>,
    field: String,
    error: Option<String>,
}

impl MemoryTab {
    /// Draws the tab.
    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
        let is_other = self.crash.replace(selected.id) != Some(selected.id);
        if is_other || ctx.nav.memory_address != self.sent_to {
            self.sent_to = ctx.nav.memory_address;
            self.address = self.sent_to;
        }
        let address = self.address.unwrap_or_else(|| start_of(selected));
        let answer = ctx.door.memory(selected.id, address & !0xF, PAGE_ROWS);
        self.bar_ui(ui, address, selected);
        state::answer(ui, &answer, "Reading memory…", |ui, page| {
            hex_ui(ui, page, address);
        });
    }

    fn bar_ui(&mut self, ui: &mut Ui, address: u64, selected: &Selected<'_>) {
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
                let step = PAGE_ROWS * ROW_BYTES / 2;
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
            if let Some(start) = ranges_ui(ui, &selected.detail.memory) {
                self.address = Some(start);
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

/// Links to the captured ranges (start and bytes); the start of the one that was chosen.
fn ranges_ui(ui: &mut Ui, ranges: &[(u64, u64)]) -> Option<u64> {
    if ranges.is_empty() {
        return None;
    }
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        text::small(ui, "captured");
        for (start, len) in ranges.iter().take(6) {
            let label = format!("0x{start:08x}");
            let hint = format!("{} from 0x{start:08x}", words::bytes(*len));
            if button::link(ui, &label).on_hover_text(hint).clicked() {
                chosen = Some(*start);
            }
        }
    });
    chosen
}

/// Where to begin: the address that faulted, else the stack of the frame, else whatever was captured.
fn start_of(selected: &Selected<'_>) -> u64 {
    let ranges = &selected.detail.memory;
    let is_captured = |address: &u64| {
        ranges
            .iter()
            .any(|(start, len)| *address >= *start && address - start < *len)
    };
    let is_fault = selected
        .thread
        .is_some_and(|thread| thread.crashed && selected.frame_idx == thread.n_handler_frames());
    let fault = selected.detail.report.fault.as_ref();
    let faulted = fault.and_then(|fault| fault.address).filter(|_| is_fault);
    let stack = selected.frame.and_then(|frame| frame.sp);
    let wanted = [faulted, stack].into_iter().flatten().map(|at| at.0);
    wanted
        .filter(is_captured)
        .chain(ranges.first().map(|(start, _)| *start))
        .chain(stack.map(|at| at.0))
        .next()
        .unwrap_or(0)
}

fn hex_ui(ui: &mut Ui, rows: &[MemoryRow], address: u64) {
    let per_line = if ui.available_width() > 600.0 { 16 } else { 8 };
    if rows.iter().all(|row| row.bytes.iter().all(Option::is_none)) {
        let advice = "The dump holds nothing at this address. It is missing, not zero.";
        state::empty(ui, "Not captured", advice);
        return;
    }
    let lines_per_row = 16 / per_line;
    let salt = ("hex", rows.first().map(|row| row.address));
    let area = ScrollArea::vertical().id_salt(salt).auto_shrink(false);
    area.show_rows(ui, size::ROW, rows.len() * lines_per_row, |ui, range| {
        for idx in range {
            let Some(row) = rows.get(idx / lines_per_row) else {
                return;
            };
            let part = idx % lines_per_row;
            let bytes: Vec<Option<u8>> = row
                .bytes
                .iter()
                .copied()
                .skip(part * per_line)
                .take(per_line)
                .collect();
            let start = row.address.0.saturating_add((part * per_line) as u64);
            let end = start.saturating_add(bytes.len() as u64);
            let symbol = row.symbol.as_deref().filter(|_| part == 0);
            let is_here = (start..end).contains(&address);
            plain_row(ui, &row_name(start, &bytes), |row| {
                paint(row, start, &bytes, symbol, is_here);
            });
        }
    });
}

fn paint(
    row: &mut RowPainter<'_>,
    start: u64,
    bytes: &[Option<u8>],
    symbol: Option<&str>,
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
    if let Some(symbol) = symbol {
        let style = CellStyle {
            font: font::mono_small(),
            color: t.act,
            align: Align::Min,
        };
        row.text(x, row.width() - size::S, symbol, &style);
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
