//! The source around the selected frame, where it is on this computer.

use super::{Selected, backtrace};
use crate::engine::queries::source_lines::SourceOf;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::panels::source;
use crate::ui::theme::size;
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::{button, state, text};
use crate::ui::words;
use egui::{Rect, Ui};

/// The card.
pub(super) fn source_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    rect: Rect,
    selected: &Selected<'_>,
) {
    let place = selected
        .frame
        .and_then(|frame| Some((frame, frame.file.as_deref()?, frame.line?)));
    let Some((frame, file, line)) = place else {
        card(
            ui,
            rect,
            Title {
                title: "Source",
                ..Title::default()
            },
            |ui| nowhere_ui(ctx, ui, selected),
        );
        return;
    };
    let answer = ctx.door.source(&SourceOf::Crash(selected.id), file, line);
    let function = backtrace::function(frame);
    let title = Title {
        title: words::file_name(file),
        detail: &function,
        right: "",
    };
    card(ui, rect, title, |ui| {
        let place = source::Place {
            file,
            line,
            is_crash: true,
        };
        state::answer(ui, &answer, "Looking for the source…", |ui, found| {
            source::source_ui(ctx, ui, found, &place);
        });
    });
}

fn nowhere_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, selected: &Selected<'_>) {
    state::padded(ui, |ui| {
        let Some(frame) = selected.frame else {
            text::muted(ui, "Choose a frame to see its source.");
            return;
        };
        if frame.function.is_some() {
            text::muted(
                ui,
                format!(
                    "{} has no line information: its file was built without -g.",
                    backtrace::function(frame)
                ),
            );
            return;
        }
        if selected.detail.report.elf_build_id.is_some() {
            text::muted(
                ui,
                format!(
                    "{} is not in the code of this build: the program counter was lost, or the CPU had jumped there. Choose a frame below it.",
                    frame.pc
                ),
            );
            return;
        }
        text::muted(
            ui,
            format!(
                "No symbols for {}. Add the ELF of this build, and names and lines appear.",
                frame.pc
            ),
        );
        ui.add_space(size::S);
        button::command(ui, ctx, &UiCommand::AddSymbols);
    });
}
