//! Find anything and run any command: one box, one list.

use crate::ui::command::{COMMANDS, CommandInfo, UiCommand, key_text};
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::row::{CellStyle, row};
use crate::ui::widgets::{field, state};
use crate::ui::words;
use egui::{Align, Key, Ui};

/// What the box is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Things first, then commands.
    #[default]
    Find,
    /// Commands alone.
    Commands,
}

/// The state of the box.
#[derive(Default)]
pub struct Palette {
    mode: Mode,
    text: String,
    idx: usize,
    is_new: bool,
}

/// One line of the list.
struct Hit {
    title: String,
    detail: String,
    keys: String,
    command: UiCommand,
}

/// Lines shown at most.
const MAX_HITS: usize = 60;

impl Palette {
    /// Empties the box for a new search.
    pub fn open(&mut self, mode: Mode) {
        *self = Self {
            mode,
            is_new: true,
            ..Self::default()
        };
    }

    /// Draws box and list; true when something was chosen.
    pub fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) -> bool {
        ui.set_width(560.0_f32.min(ui.ctx().content_rect().width() - 48.0));
        let hint = match self.mode {
            Mode::Find => "Find a crash, function, device, build or command…",
            Mode::Commands => "Type a command…",
        };
        let (down, up, enter) = ui.input_mut(|i| {
            (
                i.count_and_consume_key(egui::Modifiers::NONE, Key::ArrowDown),
                i.count_and_consume_key(egui::Modifiers::NONE, Key::ArrowUp),
                i.consume_key(egui::Modifiers::NONE, Key::Enter),
            )
        });
        let response = field::line(ui, &mut self.text, "Find or command", hint, f32::INFINITY);
        if self.is_new || !response.has_focus() {
            response.request_focus();
            self.is_new = false;
        }
        if response.changed() {
            self.idx = 0;
        }
        ui.add_space(size::S);
        let (hits, is_pending) = self.hits(ctx);
        self.idx = (self.idx + down)
            .saturating_sub(up)
            .min(hits.len().saturating_sub(1));
        let mut chosen = enter.then_some(self.idx);
        if hits.is_empty() {
            let (headline, advice) = if is_pending {
                ("Looking…", "")
            } else {
                (
                    "Nothing by this name",
                    "Try a function, a thread, a version or the first digits of a build id.",
                )
            };
            state::empty(ui, headline, advice);
        }
        let height = (ui.ctx().content_rect().height() - 240.0).clamp(96.0, 384.0);
        egui::ScrollArea::vertical()
            .id_salt("hits")
            .max_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for (i, hit) in hits.iter().enumerate() {
                    if hit_ui(ui, hit, i == self.idx, down + up > 0) {
                        chosen = Some(i);
                    }
                }
            });
        match chosen.and_then(|i| hits.into_iter().nth(i)) {
            Some(hit) => {
                ctx.ui(hit.command);
                true
            }
            None => false,
        }
    }

    fn hits(&self, ctx: &ViewContext<'_>) -> (Vec<Hit>, bool) {
        let mut hits = Vec::new();
        let mut is_pending = false;
        let wanted = self.text.trim();
        if self.mode == Mode::Find && !wanted.is_empty() {
            let found = ctx.door.find(wanted);
            is_pending = found.is_pending();
            if let Some(found) = found.value() {
                hits.extend(found.crashes.iter().map(|row| Hit {
                    title: row.summary.replace('`', ""),
                    detail: row.capture_name.clone(),
                    keys: String::new(),
                    command: UiCommand::OpenCrash(row.id),
                }));
                hits.extend(found.captures.iter().map(|row| Hit {
                    title: row.name.clone(),
                    detail: words::count(row.n_crashes, "crash", "crashes"),
                    keys: String::new(),
                    command: UiCommand::OpenCapture(row.id),
                }));
            }
        }
        let mut commands: Vec<(usize, &CommandInfo)> = COMMANDS
            .iter()
            .filter(|info| !matches!(info.command, UiCommand::Palette | UiCommand::Find))
            .filter_map(|info| Some((rank(info.label, wanted)?, info)))
            .collect();
        commands.sort_by_key(|(rank, _)| *rank);
        hits.extend(commands.into_iter().map(|(_, info)| Hit {
            title: info.label.to_owned(),
            detail: info.help.to_owned(),
            keys: info.keys.first().map(key_text).unwrap_or_default(),
            command: info.command.clone(),
        }));
        hits.truncate(MAX_HITS);
        (hits, is_pending)
    }
}

#[expect(
    clippy::fn_params_excessive_bools,
    reason = "two independent states of a row"
)]
fn hit_ui(ui: &mut Ui, hit: &Hit, is_selected: bool, follow: bool) -> bool {
    let name = format!("{}: {}", hit.title, hit.detail);
    let response = row(ui, is_selected, &name, |row| {
        let t = row.tokens;
        let style = CellStyle {
            font: font::body(),
            color: t.text,
            align: Align::Min,
        };
        let end = row.text(size::S, row.width() - 90.0, &hit.title, &style);
        let quiet = CellStyle {
            font: font::small(),
            color: t.faint,
            align: Align::Min,
        };
        row.text(end + size::M, row.width() - 100.0, &hit.detail, &quiet);
        let keys = CellStyle {
            font: font::mono_small(),
            color: t.muted,
            align: Align::Max,
        };
        row.text(row.width() - 100.0, row.width() - size::S, &hit.keys, &keys);
    });
    if is_selected && follow {
        response.scroll_to_me(None);
    }
    response.clicked()
}

/// How well a label fits: its position when the letters stand together, later when they are only in order.
fn rank(label: &str, wanted: &str) -> Option<usize> {
    let label = label.to_lowercase();
    let wanted = wanted.to_lowercase();
    if let Some(at) = label.find(&wanted) {
        return Some(at);
    }
    let mut letters = label.chars();
    wanted
        .chars()
        .all(|letter| letters.any(|other| other == letter))
        .then_some(1000)
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn letters_in_order_match_and_letters_together_match_better() {
        assert_eq!(rank("Copy as Markdown", "mark"), Some(8));
        assert_eq!(rank("Copy as Markdown", "cpmd"), Some(1000));
        assert_eq!(rank("Copy as Markdown", "xyz"), None);
    }
}
