//! The line above charts that says what time they show, what of it was chosen, and where the cursor is.

use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::shared_time::{Span, TimeMove};
use crate::ui::theme::size;
use crate::ui::widgets::chart::Time;
use crate::ui::widgets::{button, state, text};
use crate::ui::words;
use egui::Ui;

/// The time that charts have, and what is shown of it.
pub(super) fn time_of(ctx: &ViewContext<'_>, whole_ns: Span) -> Time {
    Time {
        whole_ns,
        shared: ctx.nav.time,
    }
}

/// Draws the line. Its height is the same whatever it says.
pub(super) fn time_bar_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    time: &Time,
    more: impl FnOnce(&mut ViewContext<'_>, &mut Ui),
) {
    ui.horizontal(|ui| {
        ui.set_min_height(size::CHIP);
        ui.add_space(size::M);
        let (from, to) = time.sight_ns();
        let len = words::span(to.saturating_sub(from));
        let span = format!("{} to {}, {len}", time.words(from), time.words(to));
        text::small(ui, span);
        if time.shared.sight_ns.is_some() {
            link(ctx, ui, "Show all of it", TimeMove::Fit);
        }
        if let Some((from, to)) = time.shared.chosen_ns {
            ui.add_space(size::S);
            text::small(
                ui,
                format!("numbers are of {} to {}", time.words(from), time.words(to)),
            );
            link(ctx, ui, "Of all there is", TimeMove::Choose(None));
        }
        if let Some(ns) = time.shared.cursor_ns {
            ui.add_space(size::S);
            text::small(ui, format!("cursor at {}", time.words(ns)));
        }
        more(ctx, ui);
    });
}

fn link(ctx: &mut ViewContext<'_>, ui: &mut Ui, label: &str, change: TimeMove) {
    if button::link(ui, label).clicked() {
        ctx.ui(UiCommand::Time(change));
    }
}

/// Says that what is in sight of other charts is nowhere in these; true when it is so.
pub(super) fn elsewhere_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, time: &Time) -> bool {
    if !time.is_elsewhere() {
        return false;
    }
    let (from, to) = time.whole_ns;
    let advice = format!("Data runs from {} to {}.", time.words(from), time.words(to));
    state::empty(ui, "Nothing in the time that is in sight", &advice);
    state::padded(ui, |ui| link(ctx, ui, "Go there", TimeMove::Fit));
    true
}

/// Carries out what the pointer did on charts.
pub(super) fn send(ctx: &mut ViewContext<'_>, moves: Vec<TimeMove>) {
    for change in moves {
        ctx.ui(UiCommand::Time(change));
    }
}

/// True of a change that a screen with charts has to find the time of.
pub(super) fn needs_samples(change: TimeMove) -> bool {
    matches!(
        change,
        TimeMove::Forward
            | TimeMove::Back
            | TimeMove::FarForward
            | TimeMove::FarBack
            | TimeMove::Closer
            | TimeMove::Wider
    )
}
