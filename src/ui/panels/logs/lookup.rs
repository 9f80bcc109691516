//! What an address in a row is: the function, with its source, over the list.

use super::Logs;
use crate::engine::logs::view::{LogRow, LogSpan, SpanKind};
use crate::engine::queries::log_summary::LogOverview;
use crate::engine::queries::source_lines::SourceOf;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::panels::source;
use crate::ui::theme::size;
use crate::ui::widgets::{button, card, state, text};
use egui::{Id, Rect, Sense, Ui};

/// An address that was clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LookedUp {
    symbol: String,
    address: u64,
    place: Option<(String, u32)>,
    build: String,
    /// The crash that the row is part of.
    crash: Option<i64>,
}

impl Logs {
    /// Shows what an address of a row is.
    pub(super) fn look_up(&mut self, span: &LogSpan, row: Option<&LogRow>, overview: &LogOverview) {
        let SpanKind::Address {
            address,
            symbol,
            place,
            build,
        } = &span.kind
        else {
            return;
        };
        let crash = row.and_then(|row| {
            let mut crashes = overview.summary.crashes.iter();
            crashes.find(|crash| {
                let end = crash.row.saturating_add(crash.n_rows);
                crash.log == row.log && (crash.row..end).contains(&row.position)
            })
        });
        self.looked_up = Some(LookedUp {
            symbol: symbol.clone(),
            address: *address,
            place: place.clone(),
            build: build.clone(),
            crash: crash.and_then(|crash| crash.crash),
        });
    }

    /// The function and its source, until it is closed.
    pub(super) fn lookup_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &Ui) {
        let Some(shown) = &self.looked_up else { return };
        let modal = egui::Modal::new(Id::unique("looked up")).show(ui.ctx(), |ui| {
            let room = ui.ctx().content_rect().size() - egui::vec2(120.0, 160.0);
            let (width, height) = (room.x.clamp(320.0, 820.0), room.y.clamp(180.0, 480.0));
            ui.set_width(width);
            shown_ui(ctx, ui, shown, height)
        });
        if modal.inner || modal.should_close() {
            self.looked_up = None;
        }
    }
}

/// Draws it; true when it is to be closed.
fn shown_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, shown: &LookedUp, height: f32) -> bool {
    let (first, rest) = shown
        .symbol
        .split_once(", inlined into ")
        .unwrap_or((&shown.symbol, ""));
    text::title(ui, first);
    if !rest.is_empty() {
        text::muted(ui, format!("Inlined into {rest}"));
    }
    let build = shown.build.get(..8).unwrap_or(&shown.build);
    text::small(ui, format!("0x{:08x} in build {build}", shown.address));
    ui.add_space(size::S);
    if let Some((file, line)) = &shown.place {
        let of = SourceOf::Build(shown.build.clone());
        let answer = ctx.door.source(&of, file, *line);
        let (rect, _) =
            ui.allocate_exact_size(egui::vec2(ui.available_width(), height), Sense::hover());
        card::frame(ui, rect);
        let body = Rect::from_min_max(rect.min, rect.max).shrink(1.0);
        let place = source::Place {
            file,
            line: *line,
            is_crash: false,
        };
        card::inside(ui, body, "source", |ui| {
            state::answer(ui, &answer, "Looking for the source…", |ui, found| {
                source::source_ui(ctx, ui, found, &place);
            });
        });
    } else {
        text::muted(
            ui,
            "This function has no line information: its file was built without -g.",
        );
    }
    ui.add_space(size::S);
    let mut closes = false;
    ui.horizontal(|ui| {
        if let Some(crash) = shown.crash
            && button::quiet(ui, "Open the crash").clicked()
        {
            ctx.ui(UiCommand::OpenCrash(crash));
            closes = true;
        }
        if button::quiet(ui, "Copy the name").clicked() {
            ui.ctx().copy_text(shown.symbol.clone());
        }
        closes |= button::quiet(ui, "Close").clicked();
    });
    closes
}
