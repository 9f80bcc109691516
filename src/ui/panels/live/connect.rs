//! How a board is connected: with what was used last, with what is present, or with what is said in a form.

use super::form::Forms;
use crate::engine::command::Command;
use crate::engine::live::board::LiveView;
use crate::engine::live::choice::LinkChoice;
use crate::engine::live::{LINKS, LinkError, LinkKind};
use crate::engine::queries::present_links::{PresentLink, PresentLinks};
use crate::ui::command::{LiveCommand, UiCommand};
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, state, text};
use crate::ui::words;
use egui::{Key, Ui};

/// What is said so far.
#[derive(Default)]
pub(super) struct Connect {
    forms: Forms,
    /// Index of the kind of link whose form is shown.
    kind: usize,
    /// Links of the session that are said already.
    others: Vec<LinkChoice>,
    is_filled: bool,
    /// The links that were used last are to be opened, once they are known.
    is_again: bool,
}

impl Connect {
    /// Opens the links again that were used last.
    pub(super) fn again(&mut self) {
        self.is_again = true;
    }

    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, view: &LiveView) {
        let is_first = view.board.is_none();
        if is_first {
            text::headline(ui, "Connect a board");
            ui.add_space(size::XS);
            text::muted(
                ui,
                "What it says is shown as it comes, and recorded. Nothing is opened before you say so.",
            );
            ui.add_space(size::L);
        }
        if let [first, others @ ..] = view.opening.as_slice() {
            let more = if others.is_empty() {
                String::new()
            } else {
                format!(" and {}", words::count(others.len() as u64, "more", "more"))
            };
            state::loading(ui, &format!("Opening {first}{more}…"));
            return;
        }
        let answer = ctx.door.present_links();
        egui::ScrollArea::vertical()
            .id_salt("connect")
            .auto_shrink(false)
            .show(ui, |ui| {
                let refused = view.refused.as_deref().map(|refused| &refused.error);
                refused_ui(ui, refused);
                state::answer(
                    ui,
                    &answer,
                    "Looking for what is present…",
                    |ui, known| {
                        self.known_ui(ctx, ui, known);
                    },
                );
                if let Some(known) = answer.value() {
                    ui.add_space(size::L);
                    self.form_ui(ctx, ui, refused);
                    ui.add_space(size::L);
                    recordings_ui(ctx, ui, known);
                }
            });
    }

    /// What was used last, and what is present.
    fn known_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, known: &PresentLinks) {
        if let Some(last) = known.last.first()
            && !std::mem::replace(&mut self.is_filled, true)
        {
            self.forms.fill(last);
            let kind = LINKS.iter().position(|kind| kind.id() == last.kind);
            self.kind = kind.unwrap_or(0);
        }
        self.last_ui(ctx, ui, known);
        text::label(ui, "Present now", font::title(), tokens(ui).text);
        ui.add_space(size::XS);
        if known.present.is_empty() {
            text::muted(
                ui,
                "No probe or serial port. Plug in a board; this list updates itself.",
            );
            return;
        }
        for present in &known.present {
            self.present_ui(ctx, ui, present, known.last.is_empty());
        }
    }

    fn last_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, known: &PresentLinks) {
        let is_again = std::mem::take(&mut self.is_again);
        if known.last.is_empty() {
            if is_again {
                ctx.notice = Some("No link was used in this workspace yet: choose one.".to_owned());
            }
            return;
        }
        let titles: Vec<String> = known.last.iter().map(LinkChoice::title).collect();
        let mut is_asked = is_again;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = size::M;
            let again = button::primary(ui, "Connect again")
                .on_hover_text("Opens what was used last (Enter or R)");
            ctx.part(&again);
            is_asked |= again.clicked();
            text::body(ui, titles.join(" and "));
        });
        ui.add_space(size::L);
        // Enter means it while nothing else has the focus.
        let is_free = ui.memory(|memory| memory.focused().is_none());
        is_asked |= is_free && ui.input(|input| input.key_pressed(Key::Enter));
        if is_asked {
            ctx.send(Command::Connect {
                links: known.last.clone(),
            });
        }
    }

    fn present_ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        present: &PresentLink,
        is_primary: bool,
    ) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::M;
            let connect = if is_primary {
                button::primary(ui, "Connect")
            } else {
                button::quiet(ui, "Connect")
            };
            let named = format!("Connect {}", present.title);
            connect.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &named));
            ctx.part(&connect);
            let fill = button::link(ui, "Settings first")
                .on_hover_text("Puts it into the form below, to change its settings");
            let kind = present.choice.known_kind().map_or("", LinkKind::title);
            text::body(ui, format!("{kind} {}", present.title));
            if let Some(problem) = &present.problem {
                text::label(ui, words::sentence(problem), font::body(), tokens(ui).warn);
            }
            if connect.clicked() {
                let mut links = self.others.clone();
                links.push(present.choice.clone());
                ctx.send(Command::Connect { links });
            }
            if fill.clicked() {
                self.forms.fill(&present.choice);
                let kind = LINKS
                    .iter()
                    .position(|kind| kind.id() == present.choice.kind);
                self.kind = kind.unwrap_or(self.kind);
            }
        });
        ui.add_space(size::XS);
    }

    fn form_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, refused: Option<&LinkError>) {
        let Some(kind) = LINKS.get(self.kind).or(LINKS.first()).copied() else {
            return;
        };
        ui.horizontal_wrapped(|ui| {
            text::label(
                ui,
                "With settings of your own",
                font::title(),
                tokens(ui).text,
            );
            for (at, other) in LINKS.iter().enumerate().filter(|_| LINKS.len() > 1) {
                let is_shown = other.id() == kind.id();
                if ui.selectable_label(is_shown, other.title()).clicked() {
                    self.kind = at;
                }
            }
        });
        ui.add_space(size::S);
        let entered = self.forms.ui(ui, kind, refused);
        let mut removed = None;
        for (at, other) in self.others.iter().enumerate() {
            ui.horizontal(|ui| {
                text::body(ui, format!("Also in this session: {}", other.title()));
                if button::link(ui, "Remove").clicked() {
                    removed = Some(at);
                }
            });
        }
        if let Some(at) = removed {
            self.others.remove(at);
        }
        ui.horizontal(|ui| {
            let connects = button::quiet(ui, "Connect with these settings").clicked();
            let adds = button::quiet(ui, "Add another link")
                .on_hover_text("Keeps this one for the session, and lets you say one more: two UARTs of a board, or a UART and a probe")
                .clicked();
            if !(connects || adds || entered.0) {
                return;
            }
            let Some(choice) = self.forms.choice(kind) else {
                return;
            };
            if adds {
                self.others.push(choice);
                self.forms.clear_required(kind);
            } else {
                let mut links = std::mem::take(&mut self.others);
                links.push(choice);
                ctx.send(Command::Connect { links });
            }
        });
    }
}

/// Sessions of before, to be seen again.
fn recordings_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, known: &PresentLinks) {
    ui.horizontal_wrapped(|ui| {
        text::label(ui, "See a session again", font::title(), tokens(ui).text);
        button::command(ui, ctx, &UiCommand::Live(LiveCommand::Replay));
    });
    ui.add_space(size::XS);
    for recording in &known.recordings {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = size::M;
            let path = recording.path.display().to_string();
            let name = words::file_name(&path);
            let replay = button::quiet(ui, "Replay");
            let named = format!("Replay {name}");
            replay.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &named));
            text::body(ui, name).on_hover_text(&path);
            let ago = ctx.now.duration_since(recording.ended).unwrap_or_default();
            let ago = i64::try_from(ago.as_secs())
                .unwrap_or(0)
                .saturating_mul(1_000_000_000);
            let size = words::bytes(recording.n_bytes);
            text::muted(ui, format!("{size}, ended {} ago", words::span(ago)));
            if replay.clicked() {
                ctx.send(Command::Replay {
                    path: recording.path.clone(),
                    from_ns: 0,
                });
            }
        });
        ui.add_space(size::XS);
    }
}

/// Why the last links could not be opened, unless that is said at a field.
fn refused_ui(ui: &mut Ui, refused: Option<&LinkError>) {
    match refused {
        None | Some(LinkError::Setting { .. }) => {}
        Some(error) => {
            state::error(ui, &format!("Not connected: {error}."));
            ui.add_space(size::S);
        }
    }
}
