//! Issues that look like the open one, and the difference of two stacks side by side.

use super::plain;
use crate::engine::command::Command;
use crate::engine::queries::issue_detail::{
    DiffFrame, DiffKind, DiffRow, IssueDetail, SimilarIssue,
};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::row::{CellStyle, RowPainter, head, plain_row, row};
use crate::ui::widgets::{button, marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Ui};

/// The list; the one that is compared is open.
pub(super) fn similar_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, detail: &IssueDetail) {
    state::padded(ui, |ui| {
        text::strong(ui, "Similar issues");
        if detail.similar.is_empty() {
            let why = if detail.issue.n_named == 0 {
                "None. Without symbols, only crashes of the same build can be compared, by address. Add the ELF, and more may be found."
            } else {
                "None: no other issue shares enough of these frames, counted from the fault."
            };
            text::muted(ui, why);
        } else {
            text::small(
                ui,
                "How alike: the functions that both stacks have, near the fault counting most.",
            );
        }
    });
    for similar in &detail.similar {
        let is_open = ctx.nav.compared.as_ref() == Some(&similar.key);
        similar_row_ui(ctx, ui, similar, is_open);
        if is_open {
            diff_ui(ctx, ui, &detail.issue.key, similar);
        }
    }
}

fn similar_row_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, similar: &SimilarIssue, is_open: bool) {
    let percent = format!("{:.0} %", similar.share * 100.0);
    let crashes = words::count(similar.n_crashes as u64, "crash", "crashes");
    let title = plain(&similar.title);
    let name = format!("Compare with {title}: {percent} alike, {crashes}");
    let response = row(ui, is_open, &name, |row| {
        let icon = if is_open {
            crate::ui::icons::UNFOLDED
        } else {
            crate::ui::icons::FOLDED
        };
        let style = CellStyle {
            font: font::icon(10.0),
            color: row.tokens.muted,
            align: Align::Min,
        };
        row.text(size::M, 28.0, icon, &style);
        row.number(28.0, 76.0, &percent);
        let end = row.width() - size::M;
        row.strong(88.0, end - 88.0, &title);
        let right = CellStyle {
            font: font::small(),
            color: row.tokens.faint,
            align: Align::Max,
        };
        row.text(end - 80.0, end, &crashes, &right);
    });
    if response.clicked() {
        ctx.ui(UiCommand::CompareIssue(
            (!is_open).then(|| similar.key.clone()),
        ));
    }
}

fn diff_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, into: &str, similar: &SimilarIssue) {
    let columns = Columns::new(ui.available_width());
    head(
        ui,
        &[
            (size::M, columns.middle - size::S, Align::Min, "This issue"),
            (columns.middle, columns.right - size::S, Align::Min, ""),
            (columns.right, columns.end, Align::Min, "The other"),
        ],
    );
    for line in &similar.diff {
        plain_row(ui, &line_name(line), |row| paint(row, line, &columns));
    }
    state::padded(ui, |ui| {
        text::muted(ui, similar.sentence.clone());
        ui.horizontal(|ui| {
            let help = "Its crashes become part of this issue. Undo takes it back.\nM";
            if button::primary(ui, "Merge it into this issue")
                .on_hover_text(help)
                .clicked()
            {
                ctx.send(Command::MergeIssues {
                    from: vec![similar.key.clone()],
                    into: into.to_owned(),
                });
                ctx.ui(UiCommand::CompareIssue(None));
            }
            if button::quiet(ui, "Show the other issue").clicked() {
                ctx.ui(UiCommand::OpenIssue(similar.key.clone()));
            }
        });
    });
}

struct Columns {
    middle: f32,
    right: f32,
    end: f32,
}

impl Columns {
    fn new(width: f32) -> Self {
        let end = width - size::M;
        let side = ((end - size::M - 100.0) / 2.0).max(60.0);
        Self {
            middle: size::M + side,
            right: size::M + side + 100.0,
            end,
        }
    }
}

fn paint(row: &mut RowPainter<'_>, line: &DiffRow, columns: &Columns) {
    let t = row.tokens;
    let (mark, color) = match line.kind {
        DiffKind::Same => (Mark::Check, t.ok),
        DiffKind::OtherLine => (Mark::Half, t.warn),
        DiffKind::OnlyHere | DiffKind::OnlyThere => (Mark::Hollow, t.warn),
    };
    let center = Pos2::new(row.rect.left() + columns.middle + 4.0, row.rect.center().y);
    marker::paint(row.painter, center, mark, color);
    let word = CellStyle {
        font: font::small(),
        color: t.muted,
        align: Align::Min,
    };
    row.text(
        columns.middle + 16.0,
        columns.right - size::XS,
        line.kind.label(),
        &word,
    );
    side(row, line.here.as_ref(), size::M, columns.middle - size::S);
    side(row, line.there.as_ref(), columns.right, columns.end);
}

fn side(row: &mut RowPainter<'_>, frame: Option<&DiffFrame>, from: f32, to: f32) {
    let Some(frame) = frame else { return };
    let name = CellStyle {
        font: font::mono_small(),
        color: row.tokens.text,
        align: Align::Min,
    };
    let place = CellStyle {
        color: row.tokens.faint,
        ..name.clone()
    };
    let place_text = frame.place.as_deref().unwrap_or("");
    let room = if place_text.is_empty() {
        0.0
    } else {
        (to - from) * 0.4
    };
    let end = row.text(from, to - room, &frame.function, &name);
    row.text(end + size::S, to, place_text, &place);
}

fn line_name(line: &DiffRow) -> String {
    let of = |frame: &Option<DiffFrame>| {
        frame.as_ref().map_or_else(
            || "nothing".to_owned(),
            |frame| match &frame.place {
                Some(place) => format!("{} {place}", frame.function),
                None => frame.function.clone(),
            },
        )
    };
    format!(
        "{}: {}, {}",
        line.kind.label(),
        of(&line.here),
        of(&line.there)
    )
}
