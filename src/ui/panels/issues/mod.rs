//! Issues: crashes by their cause. The list, and beside it the issue that is open.

mod crashes;
mod detail;
mod list;
mod similar;

use super::{Panel, screen};
use crate::engine::queries::issue_list::{Issue, Seen};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::data::Answer;
use crate::ui::theme::size;
use crate::ui::widgets::{button, card as cards, field, state, text};
use crate::ui::words;
use egui::{Pos2, Rect, Ui, vec2};

/// From this width on the open issue stands beside the list; below it takes the place of the list.
const SIDE_BY_SIDE: f32 = 900.0;

/// Search, order and what is being written.
#[derive(Default)]
pub struct Issues {
    search: String,
    order: list::Order,
    draft: detail::Draft,
}

impl Panel for Issues {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let answer = ctx.door.issues(self.search.trim());
        cards::inside(ui, rect, "issues", |ui| {
            let issues = answer.value().map_or(&[][..], |issues| issues.as_slice());
            let is_filtered = !self.search.trim().is_empty();
            text::headline(ui, &headline(issues, answer.is_pending(), is_filtered));
            ui.add_space(size::M);
            self.bar_ui(ctx, ui);
            ui.add_space(size::M);
            let rect = ui.available_rect_before_wrap();
            let open = ctx.nav.place.issue.clone();
            let (left, right) = places(rect, open.is_some());
            if let Some(left) = left {
                self.list_card_ui(ctx, ui, left, &answer);
            }
            if let (Some(right), Some(key)) = (right, open) {
                detail::detail_ui(ctx, ui, right, &key, issues, &mut self.draft);
            }
        });
    }
}

/// Where the list and the open issue stand.
fn places(rect: Rect, is_open: bool) -> (Option<Rect>, Option<Rect>) {
    if !is_open {
        return (Some(rect), None);
    }
    if rect.width() < SIDE_BY_SIDE {
        return (None, Some(rect));
    }
    let width = (rect.width() * 0.4).floor();
    let left = Rect::from_min_size(rect.min, vec2(width, rect.height()));
    let right = Rect::from_min_max(Pos2::new(left.right() + size::M, rect.top()), rect.max);
    (Some(left), Some(right))
}

#[expect(
    clippy::fn_params_excessive_bools,
    reason = "two independent states of the list"
)]
fn headline(issues: &[Issue], is_pending: bool, is_filtered: bool) -> String {
    if issues.is_empty() {
        return if is_pending {
            "Issues".to_owned()
        } else if is_filtered {
            "No crash matches".to_owned()
        } else {
            "No crash in this workspace".to_owned()
        };
    }
    let n_crashes: usize = issues.iter().map(|issue| issue.crashes.len()).sum();
    let crashes = words::count(n_crashes as u64, "crash", "crashes");
    let causes = words::count(issues.len() as u64, "cause", "different causes");
    let n_closed = issues.iter().filter(|issue| issue.is_closed).count();
    if n_closed == 0 {
        format!("{crashes} with {causes}")
    } else {
        format!("{crashes} with {causes}, {n_closed} closed")
    }
}

impl Issues {
    fn list_card_ui(
        &self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        answer: &Answer<Vec<Issue>>,
    ) {
        let issues = answer.value().map_or(&[][..], |issues| issues.as_slice());
        let title = cards::Title {
            title: "Issues",
            detail: &issues.len().to_string(),
            right: "Enter opens",
        };
        let is_filtered = !self.search.trim().is_empty();
        cards::card(ui, list::fit(rect, issues), title, |ui| {
            state::answer(ui, answer, "Grouping crashes…", |ui, issues| {
                if issues.is_empty() {
                    empty_ui(ctx, ui, is_filtered);
                } else {
                    list::list_ui(ctx, ui, issues, self.order);
                }
            });
        });
    }

    fn bar_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let width = (ui.available_width() * 0.3).clamp(140.0, 280.0);
            let response = field::line(
                ui,
                &mut self.search,
                "Filter issues",
                "Filter by function, thread, version…",
                width,
            );
            ctx.part(&response);
            ui.add_space(size::S);
            text::small(ui, "order by");
            for order in list::Order::ALL {
                if ui
                    .selectable_label(self.order == order, order.label())
                    .clicked()
                {
                    self.order = order;
                }
            }
        });
    }
}

fn empty_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, is_filtered: bool) {
    if is_filtered {
        state::empty(
            ui,
            "No crash matches the filter",
            "Clear the filter to see all of them.",
        );
        return;
    }
    state::padded(ui, |ui| {
        text::muted(
            ui,
            "Nothing has crashed here, or nothing was imported yet. Drop a dump, a log or a bundle on the window: crashes of one cause become one issue.",
        );
        ui.add_space(size::S);
        ui.horizontal(|ui| {
            button::primary_command(ui, ctx, &UiCommand::OpenFiles);
            button::command(ui, ctx, &UiCommand::OpenDemo);
        });
    });
}

/// A title without the marks of code.
fn plain(title: &str) -> String {
    title.replace('`', "")
}

/// `3 days ago (capture time)`.
fn seen(ctx: &ViewContext<'_>, seen: &Seen) -> String {
    format!("{} ({})", words::ago(&seen.at, ctx.now), seen.what())
}

/// What is known of the names of an issue's crashes, in words.
fn names_of(issue: &Issue) -> String {
    match (issue.n_named, issue.crashes.len()) {
        (0, _) => "no names: symbols missing".to_owned(),
        (named, all) if named == all => "all have names".to_owned(),
        (named, all) => format!("{} of {all} without names", all.saturating_sub(named)),
    }
}
