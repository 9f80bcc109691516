//! Paste any text; its addresses are read as names and the text around them stays.

use super::{Panel, crash, screen};
use crate::engine::queries::symbolize_text::SymbolizedText;
use crate::engine::symbolize::{Segment, names};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::data::Answer;
use crate::ui::theme::{font, size};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, plain_row};
use crate::ui::widgets::{button, card as cards, field, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Rect, Ui};
use std::sync::Arc;

/// What was pasted and which build it is read with.
#[derive(Default)]
pub struct Symbolizer {
    text: String,
    build: Option<String>,
    shown: Option<(Arc<SymbolizedText>, Vec<Line>)>,
}

/// One line of the output.
struct Line {
    text: String,
    is_name: bool,
}

impl Panel for Symbolizer {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        if ctx.nav.pastes_crash && self.text.is_empty() {
            self.paste_crash(ctx);
        }
        cards::inside(ui, rect, "symbolizer", |ui| {
            text::headline(ui, "Paste a text, read its addresses as names");
            ui.add_space(size::M);
            self.bar_ui(ctx, ui);
            ui.add_space(size::M);
            let rect = ui.available_rect_before_wrap();
            let half = if rect.width() > 760.0 {
                let width = (rect.width() - size::M) / 2.0;
                let left = Rect::from_min_size(rect.min, egui::vec2(width, rect.height()));
                (left, left.translate(egui::vec2(width + size::M, 0.0)))
            } else {
                let height = (rect.height() - size::M) / 2.0;
                let top = Rect::from_min_size(rect.min, egui::vec2(rect.width(), height));
                (top, top.translate(egui::vec2(0.0, height + size::M)))
            };
            self.input_ui(ctx, ui, half.0);
            self.output_ui(ctx, ui, half.1);
        });
    }
}

impl Symbolizer {
    /// Puts the addresses of the open crash into the paste box, as a fault handler would print them.
    fn paste_crash(&mut self, ctx: &ViewContext<'_>) {
        let detail = crash::open_crash(ctx).map(|id| ctx.door.crash(id));
        let Some(detail) = detail.as_ref().and_then(Answer::value) else {
            return;
        };
        let report = &detail.report;
        let mut lines = Vec::new();
        if let Some(build) = report.build_id.as_ref().or(report.elf_build_id.as_ref()) {
            lines.push(format!("build {build}"));
        }
        for (name, value) in &report.registers {
            if matches!(name.as_str(), "pc" | "lr") {
                lines.push(format!("{name:<4} {value}"));
            }
        }
        let crashed = report.threads.iter().find(|thread| thread.crashed);
        let frames = crashed.map_or(&[][..], |thread| &thread.frames);
        for (idx, frame) in frames
            .iter()
            .enumerate()
            .filter(|(_, frame)| !frame.inlined)
        {
            lines.push(format!("#{idx:<3} {}", frame.pc));
        }
        self.text = lines.join("\n");
    }

    fn bar_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let library = ctx.door.symbols();
        let builds = library
            .value()
            .map_or(&[][..], |library| library.builds.as_slice());
        ui.horizontal(|ui| {
            text::muted(ui, "Symbols of");
            let current = builds
                .iter()
                .find(|build| Some(&build.build_id) == self.build.as_ref());
            let shown = current.map_or("the build that the text names".to_owned(), |build| {
                words::file_name(&build.path).to_owned()
            });
            let combo = egui::ComboBox::from_id_salt("build")
                .selected_text(shown)
                .width(260.0);
            let response = combo.show_ui(ui, |ui| {
                ui.selectable_value(&mut self.build, None, "the build that the text names");
                for build in builds.iter().take(200) {
                    let id: String = build.build_id.chars().take(8).collect();
                    let label = format!("{} · {id}", words::file_name(&build.path));
                    ui.selectable_value(&mut self.build, Some(build.build_id.clone()), label);
                }
            });
            _ = response
                .response
                .accessible_name("Build whose symbols are used");
            if builds.is_empty() && library.value().is_some() {
                button::command(ui, ctx, &UiCommand::AddSymbols);
            }
        });
    }

    fn input_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect) {
        let n = self.text.lines().count() as u64;
        let detail = if n > 0 {
            words::count(n, "line", "lines")
        } else {
            String::new()
        };
        card(
            ui,
            rect,
            Title {
                title: "Text",
                detail: &detail,
                right: "Ctrl+V",
            },
            |ui| {
                let area = egui::ScrollArea::vertical()
                    .id_salt("paste")
                    .auto_shrink(false);
                area.show(ui, |ui| {
                    let hint = "A log, a register print, a backtrace, a list of addresses…";
                    let response = field::area(ui, &mut self.text, "Text with addresses", hint);
                    ctx.part(&response);
                });
            },
        );
    }

    fn output_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect) {
        if self.text.trim().is_empty() {
            card(
                ui,
                rect,
                Title {
                    title: "Names",
                    ..Title::default()
                },
                |ui| {
                    let advice = "Each address in the text is looked up; the rest of the text stays as it is.";
                    state::empty(ui, "Nothing pasted yet", advice);
                    if crash::open_crash(ctx).is_none() {
                        return;
                    }
                    state::padded(ui, |ui| {
                        if button::quiet(ui, "Try it with the open crash").clicked() {
                            self.paste_crash(ctx);
                        }
                    });
                },
            );
            return;
        }
        let answer = ctx.door.symbolize(&self.text, self.build.as_deref());
        let detail = answer.value().map_or(String::new(), |out| {
            format!(
                "{} · {}",
                words::count(out.n_named as u64, "address named", "addresses named"),
                out.build
            )
        });
        if let Some(out) = answer.value()
            && !self
                .shown
                .as_ref()
                .is_some_and(|(shown, _)| Arc::ptr_eq(shown, out))
        {
            self.shown = Some((Arc::clone(out), lines_of(out)));
        }
        let lines = self
            .shown
            .as_ref()
            .map_or(&[][..], |(_, lines)| lines.as_slice());
        card(
            ui,
            rect,
            Title {
                title: "Names",
                detail: &detail,
                right: "",
            },
            |ui| {
                if let Some(out) = answer.value() {
                    copy_ui(ui, rect, out);
                }
                state::answer(ui, &answer, "Looking up addresses…", |ui, out| {
                    lines_ui(ui, out, lines);
                });
            },
        );
    }
}

fn copy_ui(ui: &mut Ui, card_rect: Rect, out: &SymbolizedText) {
    let at = Rect::from_min_size(
        Pos2::new(card_rect.right() - 84.0, card_rect.top() + 2.0),
        egui::vec2(76.0, size::CONTROL),
    );
    let clip = ui.clip_rect();
    ui.set_clip_rect(card_rect);
    let mut corner = ui.new_child(egui::UiBuilder::new().id_salt("copy").max_rect(at));
    if button::link(&mut corner, "Copy all").clicked() {
        corner.ctx().copy_text(out.to_text());
    }
    ui.set_clip_rect(clip);
}

fn lines_ui(ui: &mut Ui, out: &SymbolizedText, lines: &[Line]) {
    if out.n_named == 0 {
        let advice = "No address of this text lies in the code of the build. Choose another build above, or add the ELF that it ran.";
        state::empty(ui, "Nothing to name", advice);
    }
    let area = egui::ScrollArea::vertical()
        .id_salt("names")
        .auto_shrink(false);
    area.show_rows(ui, size::ROW, lines.len(), |ui, range| {
        for line in lines.iter().take(range.end).skip(range.start) {
            plain_row(ui, &line.text, |row| {
                let t = row.tokens;
                let (color, font, from) = if line.is_name {
                    (t.text, font::mono_strong(), size::M + 16.0)
                } else {
                    (t.muted, font::mono(), size::M)
                };
                row.text(
                    from,
                    row.width() - size::M,
                    &line.text,
                    &CellStyle {
                        font,
                        color,
                        align: Align::Min,
                    },
                );
            });
        }
    });
}

/// The text line by line, each followed by the names of its addresses.
fn lines_of(out: &SymbolizedText) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut names_of_line: Vec<Line> = Vec::new();
    let mut flush = |current: &mut String, names_of_line: &mut Vec<Line>| {
        lines.push(Line {
            text: std::mem::take(current),
            is_name: false,
        });
        lines.append(names_of_line);
    };
    for segment in &out.segments {
        match segment {
            Segment::Address { text, symbol } => {
                current.push_str(text);
                let text = format!("{text}  {}", names(symbol));
                names_of_line.push(Line {
                    text,
                    is_name: true,
                });
            }
            Segment::Text(text) => {
                for (i, part) in text.split('\n').enumerate() {
                    if i > 0 {
                        flush(&mut current, &mut names_of_line);
                    }
                    current.push_str(part.trim_end_matches('\r'));
                }
            }
        }
    }
    flush(&mut current, &mut names_of_line);
    lines
}
