//! Live: a board that is listened to. What it says, what it measures, whether it is there, and how to connect one.

mod connect;
mod control;
mod ended;
mod form;
mod metrics;
mod replay;
mod send;
mod spark;
mod strip;
mod tail;
mod watch;
mod words;

pub(in crate::ui) use words::status;

use super::{Panel, screen};
use crate::engine::command::{Command, Control};
use crate::engine::live::board::{Board, LiveView, Phase};
use crate::engine::logs::view::LogKey;
use crate::ui::command::{LiveCommand, UiCommand};
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{card as cards, text};
use egui::{Pos2, Rect, Ui};
use std::time::Duration;

/// Ages and what is present are looked at so often while nothing comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// From this width on metrics and log stand side by side.
const SIDE_BY_SIDE: f32 = 860.0;
/// Share of the width that metrics take.
const METRICS: f32 = 0.5;
/// Width of what says that there are no metrics.
const NO_METRICS: f32 = 240.0;

/// What is looked at.
#[derive(Default)]
pub struct Live {
    connect: connect::Connect,
    tail: tail::Tail,
    send: send::SendLine,
    watch: watch::WatchField,
    control: control::ControlRow,
    /// Index of the link whose log is shown and to which lines go.
    link: usize,
    orders: Vec<LiveCommand>,
}

impl Panel for Live {
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let rect = screen(ui);
        let view = ctx.door.live();
        self.carry_out(ctx, &view);
        ui.ctx().request_repaint_after(LOOK_EVERY);
        cards::inside(ui, rect, "live", |ui| match view.running() {
            Some(board) if board.phase == Phase::Live => {
                // What is shown of a recording is as old as it was then.
                let now = ctx.now;
                ctx.now = board.moment(now);
                self.board_ui(ctx, ui, board);
                ctx.now = now;
            }
            Some(board) => ended::ending_ui(ui, board),
            None => {
                if let Some(board) = view.board.as_deref() {
                    ended::ended_ui(ctx, ui, board);
                }
                self.connect.ui(ctx, ui, &view);
            }
        });
    }

    fn take(&mut self, command: &UiCommand) -> bool {
        let UiCommand::Live(command) = command else {
            return false;
        };
        let is_taken = !matches!(command, LiveCommand::Disconnect | LiveCommand::Replay);
        if is_taken {
            self.orders.push(*command);
        }
        is_taken
    }
}

impl Live {
    fn carry_out(&mut self, ctx: &mut ViewContext<'_>, view: &LiveView) {
        for order in std::mem::take(&mut self.orders) {
            match (order, view.running()) {
                (LiveCommand::Connect, None) => self.connect.again(),
                (LiveCommand::Connect, Some(_)) => {
                    ctx.notice = Some("The board is connected already.".to_owned());
                }
                (LiveCommand::Send, Some(_)) => self.send.focus(),
                (LiveCommand::Follow, Some(_)) => self.tail.toggle(),
                (LiveCommand::Halt, Some(board)) => {
                    let link = board.links.iter().position(|link| link.cost.is_some());
                    match link {
                        // The first time it only shows what can be done.
                        Some(_) if !self.control.is_open() => self.control.open(),
                        Some(link) => ctx.send(Command::Control {
                            link,
                            what: Control::Halt,
                        }),
                        None => {
                            ctx.notice = Some("No link gives access to the processor.".to_owned());
                        }
                    }
                }
                (LiveCommand::OpenCrash, Some(board)) => strip::open_crash(ctx, board),
                (LiveCommand::Pause | LiveCommand::NextEvent, Some(board)) => {
                    let Some(replay) = &board.replay else {
                        ctx.notice = Some("Nothing is replayed: a board is connected.".to_owned());
                        continue;
                    };
                    if order == LiveCommand::NextEvent {
                        replay.step();
                    } else {
                        let is_paused = replay.pace.position().is_paused;
                        replay.pace.set_paused(!is_paused);
                    }
                }
                (_, None) => ctx.notice = Some("No board is connected.".to_owned()),
                _ => {}
            }
        }
    }

    fn board_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, board: &Board) {
        self.link = self.link.min(board.links.len().saturating_sub(1));
        if let Some(told) = &board.replay {
            text::headline(ui, &replay::headline(board, told));
            replay::replay_ui(ctx, ui, board, told);
        } else {
            text::headline(ui, &words::headline(board, ctx.now));
        }
        ui.add_space(size::XS);
        if let Some(why) = words::why_lost(board) {
            text::label(ui, why, font::body(), tokens(ui).warn);
            ui.add_space(size::XS);
        }
        strip::facts_ui(ctx, ui, board);
        strip::crash_ui(ctx, ui, board);
        ui.add_space(size::S);
        strip::links_ui(ctx, ui, board);
        self.control.ui(ctx, ui, board);
        ui.add_space(size::M);
        let rect = ui.available_rect_before_wrap();
        let (left, right) = divided(rect, board);
        self.watch.ui(ctx, ui, left, board);
        self.log_ui(ctx, ui, right, board);
    }

    /// The end of the log, and below it the line to send.
    fn log_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect, board: &Board) {
        if board.replay.is_some() {
            self.tail.ui(ctx, ui, rect, board, &mut self.link);
            return;
        }
        let send_top = rect.bottom() - send::height(&self.send);
        let above = Rect::from_min_max(rect.min, Pos2::new(rect.right(), send_top - size::S));
        let below = Rect::from_min_max(Pos2::new(rect.left(), send_top), rect.max);
        self.tail.ui(ctx, ui, above, board, &mut self.link);
        if let Some(line) = self.send.ui(ctx, ui, below, board, self.link) {
            ctx.send(Command::SendToBoard {
                link: self.link,
                bytes: line,
            });
        }
    }
}

/// Where metrics and log are.
fn divided(rect: Rect, board: &Board) -> (Rect, Rect) {
    if rect.width() < SIDE_BY_SIDE {
        let rows = board.metrics.len().clamp(2, 6);
        let height = cards::fit(rect, rows + 1)
            .height()
            .min(rect.height() * 0.38);
        let top = Rect::from_min_size(rect.min, egui::vec2(rect.width(), height));
        let below = Pos2::new(rect.left(), top.bottom() + size::M);
        return (top, Rect::from_min_max(below, rect.max));
    }
    let width = match board.metrics.len() {
        0 if !board.has_target => NO_METRICS,
        _ => (rect.width() * METRICS).round(),
    };
    let left = Rect::from_min_size(rect.min, egui::vec2(width, rect.height()));
    let beside = Pos2::new(left.right() + size::M, rect.top());
    (left, Rect::from_min_max(beside, rect.max))
}

/// The link whose log this is, in words: for the Logs screen.
pub(super) fn state_of_log(ctx: &ViewContext<'_>, log: &LogKey) -> Option<String> {
    let view = ctx.door.live();
    let link = view.link_of(log)?;
    let is_live = view.running().is_some();
    Some(if is_live {
        format!("Live from {}", link.title)
    } else {
        format!("Was live from {}", link.title)
    })
}
