//! Where it begins: drop something, open it, paste it, or look at the demo.

use super::{Panel, screen};
use crate::engine::command::Command;
use crate::engine::queries::issue_list::Issue;
use crate::engine::recent::RecentWorkspace;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::data::Answer;
use crate::ui::panels::PanelId;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::card::{Title, card};
use crate::ui::widgets::row::{CellStyle, head, row};
use crate::ui::widgets::{button, card as cards, field, marker, marker::Mark, state, text};
use crate::ui::words;
use egui::{Align, Pos2, Rect, Stroke, Ui};
use std::path::PathBuf;

/// What is typed into the path field.
#[derive(Default)]
pub struct Home {
    path: String,
    was_without_dialog: bool,
}

/// Widest the contents get.
const MAX_WIDTH: f32 = 1200.0;
const CARD_HEIGHT: f32 = 228.0;

impl Panel for Home {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let width = rect.width().min(MAX_WIDTH);
        let left = rect.center().x - width / 2.0;
        let top = rect.top() + (rect.height() * 0.06).clamp(8.0, 56.0);
        let column =
            Rect::from_min_max(Pos2::new(left, top), Pos2::new(left + width, rect.bottom()));
        cards::inside(ui, column, "home", |ui| {
            egui::ScrollArea::vertical()
                .id_salt("home")
                .auto_shrink(false)
                .show(ui, |ui| self.column_ui(ctx, ui));
        });
    }
}

impl Home {
    fn column_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        text::label(
            ui,
            "What did the device leave behind?",
            egui::FontId::new(28.0, font::headline().family),
            tokens(ui).text,
        );
        ui.add_space(size::XS);
        text::label(
            ui,
            "Drop a dump, a log or a bundle anywhere on this window. It stays on this computer.",
            egui::FontId::proportional(14.0),
            tokens(ui).muted,
        );
        ui.add_space(size::XL);
        let width = ui.available_width();
        let narrow = width < 760.0;
        let (space, _) = ui.allocate_exact_size(
            egui::vec2(
                width,
                if narrow {
                    CARD_HEIGHT * 2.0 + size::M
                } else {
                    CARD_HEIGHT
                },
            ),
            egui::Sense::hover(),
        );
        let (drop_rect, demo_rect) = if narrow {
            let top = Rect::from_min_size(space.min, egui::vec2(width, CARD_HEIGHT));
            (top, top.translate(egui::vec2(0.0, CARD_HEIGHT + size::M)))
        } else {
            let demo_width = (width * 0.32).clamp(260.0, 380.0);
            let drop = Rect::from_min_max(
                space.min,
                Pos2::new(space.right() - demo_width - size::L, space.bottom()),
            );
            (
                drop,
                Rect::from_min_max(Pos2::new(drop.right() + size::L, space.top()), space.max),
            )
        };
        self.drop_ui(ctx, ui, drop_rect);
        demo_ui(ctx, ui, demo_rect);
        ui.add_space(size::XL);
        recent_ui(ctx, ui);
    }

    fn drop_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect) {
        let t = tokens(ui);
        ui.painter()
            .rect_filled(rect, size::CARD_RADIUS, t.act_bg.gamma_multiply(0.45));
        dashed(ui, rect, Stroke::new(1.0, t.act));
        cards::inside(ui, rect.shrink2(egui::vec2(28.0, 24.0)), "drop", |ui| {
            text::label(
                ui,
                "Drop files here",
                egui::FontId::new(17.0, font::strong().family),
                t.text,
            );
            ui.add_space(size::XS);
            text::muted(
                ui,
                ".core .elf .log .txt .zip, folders… any mix, found by content",
            );
            ui.add_space(size::L);
            ui.horizontal_wrapped(|ui| {
                let first = button::primary_command(ui, ctx, &UiCommand::OpenFiles);
                ctx.part(&first);
                button::command(ui, ctx, &UiCommand::OpenFolder);
                if button::quiet(ui, "Paste addresses")
                    .on_hover_text("Read the addresses in a text as names.")
                    .clicked()
                {
                    ctx.ui(UiCommand::Go(PanelId::Symbolizer));
                }
            });
            ui.add_space(size::M);
            self.path_ui(ctx, ui);
            ui.add_space(size::S);
            watch_ui(ctx, ui);
        });
    }

    fn path_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 88.0).max(120.0);
            let field = field::line(
                ui,
                &mut self.path,
                "Path to import",
                "or a path: /logs/customer-4711.zip",
                width,
            );
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            if ctx.no_dialog && !self.was_without_dialog {
                field.request_focus();
            }
            self.was_without_dialog = ctx.no_dialog;
            let wanted = self.path.trim().trim_matches('"').to_owned();
            if (button::quiet(ui, "Import").clicked() || entered) && !wanted.is_empty() {
                ctx.send(Command::Import {
                    paths: vec![PathBuf::from(wanted)],
                    asks: true,
                });
                self.path.clear();
            }
        });
        if ctx.no_dialog {
            ui.add_space(size::XS);
            text::label(
                ui,
                "No file dialog on this desktop: paste a path instead.",
                font::small(),
                tokens(ui).warn,
            );
        }
    }
}

fn watch_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
    let watched = ctx.door.watched_folder();
    ui.horizontal_wrapped(|ui| {
        if let Some(path) = watched {
            text::muted(ui, format!("Watching {}", path.display()));
            if button::link(ui, "Stop watching").clicked() {
                ctx.send(Command::WatchFolder { path: None });
            }
        } else if button::link(ui, "Watch a folder…")
            .on_hover_text("Import what appears in it, until you stop it.")
            .clicked()
        {
            ctx.ui(UiCommand::WatchFolder);
        }
        if button::link(ui, "Connect a board…")
            .on_hover_text("Listen to what it says, as it says it.")
            .clicked()
        {
            ctx.ui(UiCommand::Go(PanelId::Live));
        }
    });
}

fn demo_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect) {
    cards::frame(ui, rect);
    cards::inside(ui, rect.shrink2(egui::vec2(24.0, 24.0)), "demo", |ui| {
        text::title(ui, "Look at the demo");
        ui.add_space(size::XS);
        text::muted(
            ui,
            "Two firmwares, bare metal and FreeRTOS, with several crashes each: a null pointer, a stack overflow, a failed assert.",
        );
        ui.add_space(size::S);
        text::small(ui, "Symbols are included. Nothing is downloaded.");
        let space = (ui.available_height() - size::CONTROL).max(size::S);
        ui.add_space(space);
        ui.horizontal_wrapped(|ui| {
            button::command(ui, ctx, &UiCommand::OpenDemo);
            button::command(ui, ctx, &UiCommand::OpenDemoFleet);
        });
    });
}

fn recent_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) {
    let answer = ctx.door.recent();
    let open = open_now(ctx);
    let is_open = |recent: &RecentWorkspace| {
        open.as_ref()
            .is_some_and(|open| name_of(recent) == name_of(open))
    };
    let others = answer.value().map_or(0, |recent| {
        recent.iter().filter(|recent| !is_open(recent)).count()
    });
    let n = others + usize::from(open.is_some());
    let least = if matches!(answer, Answer::Failed { .. }) {
        4
    } else {
        1
    };
    let rows = n.clamp(least, 8) as f32;
    let height = size::HEADER + size::ROW * (rows + 1.0) + size::S;
    let (rect, _) = ui.allocate_exact_size(
        egui::vec2(ui.available_width(), height),
        egui::Sense::hover(),
    );
    let detail = if n > 0 { n.to_string() } else { String::new() };
    card(
        ui,
        rect,
        Title {
            title: "Workspaces",
            detail: &detail,
            right: "",
        },
        |ui| {
            state::answer(ui, &answer, "Looking for workspaces…", |ui, recent| {
                if n == 0 {
                    state::padded(ui, |ui| {
                        text::muted(
                            ui,
                            "No workspace yet. The first import makes one; it is one file that you can copy.",
                        );
                    });
                    return;
                }
                let width = ui.available_width();
                head(
                    ui,
                    &[
                        (size::M, width * 0.2, Align::Min, "Workspace"),
                        (width * 0.2, width * 0.4, Align::Min, "What it holds"),
                        (width * 0.4, width * 0.88, Align::Min, "Finding"),
                        (width * 0.88, width - size::M, Align::Max, "Opened"),
                    ],
                );
                if let Some(open) = &open {
                    recent_row_ui(ctx, ui, open, true);
                }
                let others = recent.iter().filter(|recent| !is_open(recent));
                for workspace in others.take(if open.is_some() { 7 } else { 8 }) {
                    recent_row_ui(ctx, ui, workspace, false);
                }
            });
        },
    );
}

/// The workspace that is open, once it holds something.
fn open_now(ctx: &ViewContext<'_>) -> Option<RecentWorkspace> {
    let overview = ctx.door.overview();
    let overview = overview
        .value()
        .filter(|overview| overview.n_captures > 0)?;
    let issues = ctx.door.issues("");
    let newest = issues.value().and_then(|issues| {
        let newest = |issue: &&Issue| issue.crashes.first().map(|row| row.id);
        issues
            .iter()
            .max_by_key(newest)
            .map(|issue| issue.title.clone())
    });
    let captures = words::count(overview.n_captures, "capture", "captures");
    let crashes = words::count(overview.n_crashes, "crash", "crashes");
    Some(RecentWorkspace {
        path: PathBuf::from(&overview.name),
        opened_at: String::new(),
        holds: format!("{captures}, {crashes}"),
        finding: newest,
    })
}

fn name_of(workspace: &RecentWorkspace) -> String {
    let path = workspace.path.display().to_string();
    words::file_name(&path)
        .trim_end_matches(".fieldscope")
        .to_owned()
}

fn recent_row_ui(
    ctx: &mut ViewContext<'_>,
    ui: &mut Ui,
    workspace: &RecentWorkspace,
    is_open: bool,
) {
    let opened = if is_open {
        "open now".to_owned()
    } else {
        words::ago(&workspace.opened_at, ctx.now)
    };
    let path = workspace.path.display().to_string();
    let name = name_of(workspace);
    let finding = workspace
        .finding
        .as_ref()
        .map(|finding| finding.replace('`', ""));
    let words = finding.as_deref().unwrap_or("no crash");
    let label = format!("Open {name}: {}, {words}, {opened}", workspace.holds);
    let response = row(ui, is_open, &label, |row| {
        let t = row.tokens;
        let width = row.width();
        row.strong(size::M, width * 0.2 - size::S, &name);
        row.muted(width * 0.2, width * 0.4 - size::S, &workspace.holds);
        let (mark, color) = if finding.is_some() {
            (Mark::Filled, t.crash)
        } else {
            (Mark::Hollow, t.ok)
        };
        let center = Pos2::new(row.rect.left() + width * 0.4 + 4.0, row.rect.center().y);
        marker::paint(row.painter, center, mark, color);
        let style = CellStyle {
            font: font::body(),
            color: t.text,
            align: Align::Min,
        };
        row.text(width * 0.4 + 16.0, width * 0.88 - size::S, words, &style);
        let right = CellStyle {
            font: font::body(),
            color: t.muted,
            align: Align::Max,
        };
        row.text(width * 0.88, width - size::M, &opened, &right);
    });
    if response.clicked() && is_open {
        ctx.ui(UiCommand::Go(PanelId::Issues));
    } else if response.clicked() {
        ctx.ui(UiCommand::OpenWorkspace(workspace.path.clone()));
    }
    response.on_hover_text(path);
}

/// A dashed border: things may be dropped here.
fn dashed(ui: &Ui, rect: Rect, stroke: Stroke) {
    let r = rect.shrink(0.5);
    let corner = f32::from(size::CARD_RADIUS);
    let painter = ui.painter();
    let sides = [
        [
            Pos2::new(r.left() + corner, r.top()),
            Pos2::new(r.right() - corner, r.top()),
        ],
        [
            Pos2::new(r.right(), r.top() + corner),
            Pos2::new(r.right(), r.bottom() - corner),
        ],
        [
            Pos2::new(r.right() - corner, r.bottom()),
            Pos2::new(r.left() + corner, r.bottom()),
        ],
        [
            Pos2::new(r.left(), r.bottom() - corner),
            Pos2::new(r.left(), r.top() + corner),
        ],
    ];
    for side in sides {
        painter.extend(egui::Shape::dashed_line(&side, stroke, 4.0, 3.0));
    }
    for (center, from) in [
        (Pos2::new(r.left() + corner, r.top() + corner), 180.0_f32),
        (Pos2::new(r.right() - corner, r.top() + corner), 270.0),
        (Pos2::new(r.right() - corner, r.bottom() - corner), 0.0),
        (Pos2::new(r.left() + corner, r.bottom() - corner), 90.0),
    ] {
        let points = (0..=6u8)
            .map(|i| {
                let angle = (from + 15.0 * f32::from(i)).to_radians();
                center + corner * egui::vec2(angle.cos(), angle.sin())
            })
            .collect();
        painter.line(points, stroke);
    }
}
