//! The issue that is open: what it is, what a person may do with it, its crashes, and what looks like it.

use super::{crashes, names_of, plain, seen, similar};
use crate::engine::command::Command;
use crate::engine::queries::issue_detail::IssueDetail;
use crate::engine::queries::issue_list::Issue;
use crate::model::report::FaultKind;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, card as cards, chip, chip::Tone, field, state, text};
use crate::ui::words;
use egui::{Rect, ScrollArea, Ui};

/// Issues that the menu offers to merge with.
const MAX_OFFERED: usize = 20;

/// A title or note that is being written.
#[derive(Default)]
pub(super) struct Draft {
    issue: String,
    title: Option<String>,
    note: Option<String>,
}

/// The card.
pub(super) fn detail_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    rect: Rect,
    key: &str,
    all: &[Issue],
    draft: &mut Draft,
) {
    if draft.issue != key {
        *draft = Draft {
            issue: key.to_owned(),
            ..Draft::default()
        };
    }
    let answer = ctx.door.issue(key);
    let title = cards::Title {
        title: "Issue",
        detail: key,
        right: "M merge · S split · U undo",
    };
    cards::card(ui, rect, title, |ui| {
        ScrollArea::vertical()
            .id_salt("issue")
            .auto_shrink(false)
            .show(ui, |ui| {
                state::answer(
                    ui,
                    &answer,
                    "Looking for issues like this one…",
                    |ui, detail| {
                        state::padded(ui, |ui| {
                            ui.spacing_mut().item_spacing.y = size::S;
                            head_ui(ctx, ui, &detail.issue, draft);
                            actions_ui(ctx, ui, &detail.issue, all);
                            note_ui(ctx, ui, &detail.issue, draft);
                        });
                        crashes::versions_ui(ui, &detail.issue);
                        crashes::crashes_ui(ctx, ui, &detail.issue);
                        similar::similar_ui(ctx, ui, detail);
                        state::padded(ui, |ui| grouping_ui(ui, detail));
                    },
                );
                if answer.value().is_none() && !answer.is_pending() {
                    state::padded(ui, |ui| history_ui(ctx, ui));
                }
            });
    });
}

fn head_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, issue: &Issue, draft: &mut Draft) {
    if let Some(title) = &mut draft.title {
        let mut is_done = false;
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 180.0).max(120.0);
            let response = field::line(ui, title, "Title of the issue", "Title", width);
            is_done =
                response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            is_done |= button::quiet(ui, "Keep title").clicked();
        });
        if is_done {
            ctx.send(Command::RenameIssue {
                issue: issue.key.clone(),
                title: draft.title.take(),
            });
        }
    } else {
        let plain_text = egui::text::TextFormat::simple(font::title(), tokens(ui).text);
        let job = text::with_code(&issue.title, &plain_text, &plain_text);
        ui.add(egui::Label::new(job).wrap());
    }
    ui.horizontal_wrapped(|ui| {
        let kind = issue.kind.map_or("stopped", FaultKind::label);
        chip::chip(ui, Tone::Crash, &words::sentence(kind));
        if issue.is_closed {
            chip::chip(ui, Tone::Ok, "closed");
        }
        let tone = if issue.n_named == issue.crashes.len() {
            Tone::Ok
        } else {
            Tone::Warn
        };
        chip::chip(ui, tone, &names_of(issue)).on_hover_text(
            "Crashes without symbols are grouped by address within one build: the same cause in another build is another issue until its ELF is added.",
        );
        if issue.is_by_hand {
            chip::chip(ui, Tone::Plain, "grouped by hand");
        }
    });
    let facts = format!(
        "{} on {}. First seen {}, last seen {}.",
        words::count(issue.crashes.len() as u64, "crash", "crashes"),
        words::count(issue.n_devices as u64, "device", "devices"),
        seen(ctx, &issue.first_seen),
        seen(ctx, &issue.last_seen)
    );
    let exact = format!(
        "first {} ({})\nlast {} ({})",
        issue.first_seen.at,
        issue.first_seen.what(),
        issue.last_seen.at,
        issue.last_seen.what()
    );
    text::muted(ui, facts).on_hover_text(exact);
}

fn actions_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, issue: &Issue, all: &[Issue]) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(size::S, size::XS);
        if let Some(newest) = issue.crashes.first()
            && button::primary(ui, "Open newest crash").clicked()
        {
            ctx.ui(UiCommand::OpenCrash(newest.id));
        }
        let label = if issue.is_closed {
            "Open again"
        } else {
            "Close issue"
        };
        let help =
            "A closed issue moves to the end of the list; a new crash of it still counts.\nX";
        if button::quiet(ui, label).on_hover_text(help).clicked() {
            ctx.ui(UiCommand::CloseIssue);
        }
        ui.menu_button("Merge with…", |ui| merge_menu_ui(ctx, ui, issue, all))
            .response
            .on_hover_text(
                "The crashes of another issue become part of this one. Undo takes it back.",
            );
        history_ui(ctx, ui);
        if ctx.nav.place.issue.is_some() && button::link(ui, "Back to the list").clicked() {
            ctx.ui(UiCommand::LeaveIssue);
        }
    });
}

fn merge_menu_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, issue: &Issue, all: &[Issue]) {
    let others = all.iter().filter(|other| other.key != issue.key);
    let mut n_offered = 0;
    for other in others.take(MAX_OFFERED) {
        n_offered += 1;
        let crashes = words::count(other.crashes.len() as u64, "crash", "crashes");
        if ui
            .button(format!("{} · {crashes}", plain(&other.title)))
            .clicked()
        {
            ctx.send(Command::MergeIssues {
                from: vec![other.key.clone()],
                into: issue.key.clone(),
            });
        }
    }
    if n_offered == 0 {
        text::muted(ui, "There is no other issue in the list.");
    }
}

/// Undo and redo, each with what it is about.
fn history_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
    let answer = ctx.door.issue_history();
    let Some(history) = answer.value() else {
        return;
    };
    for (what, command) in [
        (&history.undo, UiCommand::UndoIssues),
        (&history.redo, UiCommand::RedoIssues),
    ] {
        if let Some(what) = what {
            button::command(ui, ctx, &command).on_hover_text(what);
        }
    }
}

fn note_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, issue: &Issue, draft: &mut Draft) {
    ui.horizontal(|ui| {
        let stored = issue.note.clone().unwrap_or_default();
        let mut note = draft.note.clone().unwrap_or_else(|| stored.clone());
        let width = (ui.available_width() - 180.0).max(120.0);
        let hint = "Note: ticket, fixed in which version…";
        let response = field::line(ui, &mut note, "Note at the issue", hint, width);
        if response.changed() {
            draft.note = Some(note.clone());
        }
        let entered =
            response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let is_new = note != stored;
        if is_new && (button::quiet(ui, "Keep note").clicked() || entered) {
            draft.note = None;
            ctx.send(Command::NoteIssue {
                issue: issue.key.clone(),
                note: Some(note),
            });
        }
        if !is_new && draft.title.is_none() && button::link(ui, "Rename").clicked() {
            draft.title = Some(plain(&issue.title));
        }
    });
}

fn grouping_ui(ui: &mut Ui, detail: &IssueDetail) {
    let t = tokens(ui);
    text::strong(ui, "Why these crashes are one issue");
    if detail.issue.is_by_hand {
        text::muted(
            ui,
            "A person merged or split it. Crashes that come later with one of its fingerprints join it.",
        );
    }
    match &detail.rule {
        Some(rule) => {
            let n = detail.issue.fingerprints.len() as u64;
            let fingerprints = words::count(n, "fingerprint", "fingerprints");
            text::sentence(ui, &format!("{fingerprints}, made of: {rule}."), t.muted);
            for frame in &detail.frames_used {
                text::label(ui, format!("uses {frame}"), font::mono_small(), t.muted);
            }
        }
        None => {
            text::muted(
                ui,
                "The capture holds nothing to group by (no frame, no assertion), so this crash stands alone.",
            );
        }
    }
    for key in detail.issue.fingerprints.iter().take(20) {
        text::label(ui, key.clone(), font::mono_small(), t.faint);
    }
}
