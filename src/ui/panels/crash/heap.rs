//! Heaps: how full, how much in one piece, where broken, and block by block.

use super::Selected;
use crate::model::target_state::{HeapBlock, HeapView};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::row::{CellStyle, row};
use crate::ui::widgets::{marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo};

/// Blocks that are painted in the bar; more of them are thinner than a pixel.
const MAX_PAINTED: usize = 4000;
const BAR: f32 = 14.0;
/// What allocators keep behind the last block.
const END_MARKER: u64 = 32;

/// Draws the tab.
pub(super) fn heap_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
    let report = &selected.detail.report;
    if report.heaps.is_empty() {
        let why = if report.elf_build_id.is_none() {
            "A heap is found by the names of its allocator: add the ELF of this build with debug information (-g)."
        } else {
            "The build has no allocator that Fieldscope knows, or the capture does not hold the memory of the heap. Dump it whole to see its blocks."
        };
        state::empty(ui, "No heap", why);
        return;
    }
    for (i, heap) in report.heaps.iter().enumerate() {
        state::padded(ui, |ui| summary_ui(ui, heap));
        // The last one takes the rest of the space.
        let height = if i + 1 == report.heaps.len() {
            ui.available_height()
        } else {
            (ui.available_height() * 0.5).min(size::ROW * 6.0)
        };
        ScrollArea::vertical()
            .id_salt(("heap", i))
            .max_height(height)
            .auto_shrink([false, true])
            .show_rows(ui, size::ROW, heap.blocks.len(), |ui, range| {
                for block in heap.blocks.iter().take(range.end).skip(range.start) {
                    block_ui(ctx, ui, block);
                }
            });
    }
}

fn summary_ui(ui: &mut Ui, heap: &HeapView) {
    let t = tokens(ui);
    text::strong(
        ui,
        format!("{}, {}", heap.allocator, words::bytes(heap.size)),
    );
    bar_ui(ui, heap);
    text::sentence(ui, &amounts(heap), t.text);
    if let (Some(free), Some(counted)) = (heap.free, heap.free_counted)
        && free != counted
    {
        let sentence = format!(
            "The allocator counts {} free, its blocks add up to {}: a block was damaged, or the capture caught it in the middle of a change.",
            words::bytes(counted),
            words::bytes(free)
        );
        text::label(ui, sentence, font::body(), t.warn);
    }
    if let Some(damage) = &heap.damage {
        ui.horizontal_wrapped(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(12.0, 18.0), Sense::hover());
            marker::paint(ui.painter(), rect.center(), Mark::Filled, t.crash);
            text::label(ui, format!("Damaged: {damage}"), font::body(), t.crash);
        });
    }
}

/// `21.4 KiB used, 10.6 KiB free, 4.00 KiB of it in one piece, never less than 2.10 KiB free.`
fn amounts(heap: &HeapView) -> String {
    let mut parts = Vec::new();
    if let Some(free) = heap.free.or(heap.free_counted) {
        parts.push(format!(
            "{} used",
            words::bytes(heap.size.saturating_sub(free))
        ));
        parts.push(format!("{} free", words::bytes(free)));
    } else {
        parts.push("How much is free is not known".to_owned());
    }
    if let Some(largest) = heap.largest_free {
        parts.push(format!("the largest free piece {}", words::bytes(largest)));
    }
    if let Some(least) = heap.free_min {
        parts.push(format!("never less than {} free", words::bytes(least)));
    }
    format!("{}.", parts.join(", "))
}

/// Blocks in the order of their addresses: used ones filled, free ones empty, what could not be walked hatched.
fn bar_ui(ui: &mut Ui, heap: &HeapView) {
    let t = tokens(ui);
    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), BAR), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, amounts(heap)));
    let painter = ui.painter();
    painter.rect_filled(rect, 3.0, t.line);
    if heap.size == 0 {
        return;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share of 1, drawn as pixels"
    )]
    let x_of = |address: u64| {
        let share = address.saturating_sub(heap.start.0) as f64 / heap.size as f64;
        rect.left() + rect.width() * (share.clamp(0.0, 1.0) as f32)
    };
    for block in heap.blocks.iter().take(MAX_PAINTED) {
        let end = block.address.0.saturating_add(block.size);
        let part = Rect::from_min_max(
            Pos2::new(x_of(block.address.0), rect.top()),
            Pos2::new(x_of(end), rect.bottom()),
        );
        if block.allocated {
            painter.rect_filled(part.shrink2(egui::vec2(0.25, 0.0)), 0.0, t.faint);
        } else {
            let free = part.shrink2(egui::vec2(0.5, 1.0));
            painter.rect_filled(free, 0.0, t.panel);
        }
    }
    if heap.damage.is_some() {
        for (from, to) in gaps(heap) {
            let left = x_of(from);
            let part = Rect::from_min_max(
                Pos2::new(left, rect.top()),
                Pos2::new(x_of(to).max(left + 2.0), rect.bottom()),
            );
            painter.rect_filled(part, 0.0, t.crash_bg);
            painter.vline(left, rect.y_range(), egui::Stroke::new(2.0, t.crash));
        }
    }
}

/// Address ranges that no block covers: there the chain of blocks is broken.
fn gaps(heap: &HeapView) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut end = heap
        .blocks
        .first()
        .map_or(heap.start.0, |block| block.address.0);
    for block in heap.blocks.iter().take(MAX_PAINTED) {
        if block.address.0 > end {
            gaps.push((end, block.address.0));
        }
        end = end.max(block.address.0.saturating_add(block.size));
    }
    // An end marker of a few bytes is no gap.
    let last = heap.start.0.saturating_add(heap.size);
    if last.saturating_sub(end) > END_MARKER {
        gaps.push((end, last));
    }
    gaps
}

fn block_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, block: &HeapBlock) {
    let word = if block.allocated { "used" } else { "free" };
    let owner = block.owner.as_deref().unwrap_or("");
    let size_text = words::bytes(block.size);
    let name = format!("Block {}: {size_text} {word} {owner}", block.address);
    let response = row(ui, false, name.trim_end(), |row| {
        let t = row.tokens;
        row.mono(size::M, 92.0, &block.address.to_string());
        let mark = if block.allocated {
            Mark::Filled
        } else {
            Mark::Hollow
        };
        let center = Pos2::new(row.rect.left() + 100.0, row.rect.center().y);
        marker::paint(row.painter, center, mark, t.faint);
        row.muted(110.0, 144.0, word);
        row.number(140.0, 208.0, &size_text);
        let style = CellStyle {
            font: font::body(),
            color: t.muted,
            align: Align::Min,
        };
        row.text(218.0, row.width() - size::M, owner, &style);
    });
    if response.clicked() {
        ctx.ui(UiCommand::GoToMemory(block.address.0));
    }
}

#[cfg(test)]
mod tests {
    use crate::model::addr::TargetAddr;
    use crate::model::target_state::{HeapBlock, HeapView};

    #[test]
    fn what_no_block_covers_is_a_gap() {
        let block = |address, size| HeapBlock {
            address: TargetAddr(address),
            size,
            allocated: true,
            owner: None,
        };
        let heap = HeapView {
            allocator: String::new(),
            start: TargetAddr(0x1000),
            size: 0x400,
            free: None,
            free_counted: None,
            free_min: None,
            largest_free: None,
            blocks: vec![block(0x1000, 0x100), block(0x1120, 0x80)],
            damage: None,
        };
        assert_eq!(super::gaps(&heap), [(0x1100, 0x1120), (0x11a0, 0x1400)]);
    }
}
