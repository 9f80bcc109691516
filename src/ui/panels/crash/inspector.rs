//! The inspector on the right: locals, registers, memory, globals of the selection.

use super::{
    Selected, backtrace, globals::GlobalsTab, locals::LocalsTab, memory::MemoryTab, registers,
};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::nav::InspectorTab;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::card;
use egui::{Align2, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

/// State of the tabs.
#[derive(Default)]
pub(super) struct Inspector {
    locals: LocalsTab,
    memory: MemoryTab,
    globals: GlobalsTab,
}

impl Inspector {
    /// Draws the card.
    pub(super) fn ui(
        &mut self,
        ctx: &mut ViewContext<'_>,
        ui: &mut Ui,
        rect: Rect,
        selected: &Selected<'_>,
    ) {
        card::frame(ui, rect);
        tabs_ui(ctx, ui, rect, selected);
        let body = Rect::from_min_max(
            Pos2::new(rect.left() + 1.0, rect.top() + size::HEADER),
            rect.max - egui::vec2(1.0, 2.0),
        );
        let tab = ctx.nav.tab;
        card::inside(ui, body, tab.label(), |ui| match tab {
            InspectorTab::Locals => self.locals.ui(ctx, ui, selected),
            InspectorTab::Registers => registers::registers_ui(ctx, ui, selected),
            InspectorTab::Memory => self.memory.ui(ctx, ui, selected),
            InspectorTab::Globals => self.globals.ui(ctx, ui, selected),
        });
    }
}

fn tabs_ui(ctx: &mut ViewContext<'_>, ui: &Ui, rect: Rect, selected: &Selected<'_>) {
    let t = tokens(ui);
    let mut x = rect.left() + size::XS;
    for (i, tab) in InspectorTab::ALL.into_iter().enumerate() {
        let is_on = ctx.nav.tab == tab;
        let response = tab_ui(ui, &mut x, rect.top(), tab, is_on);
        if i == 0 {
            ctx.part(&response);
        }
        if response.clicked() {
            ctx.ui(UiCommand::SelectTab(tab));
        }
    }
    let Some(frame) = selected.frame else { return };
    if ctx.nav.tab != InspectorTab::Locals {
        return;
    }
    let galley =
        ui.painter()
            .layout_no_wrap(backtrace::function(frame), font::mono_small(), t.faint);
    let at = rect.right() - size::M - galley.size().x;
    if at > x + size::S {
        let y = rect.top() + (size::HEADER - galley.size().y) / 2.0;
        ui.painter().galley(Pos2::new(at, y), galley, t.faint);
    }
}

fn tab_ui(ui: &Ui, x: &mut f32, top: f32, tab: InspectorTab, is_on: bool) -> Response {
    let t = tokens(ui);
    let (font, color) = if is_on {
        (font::strong(), t.text)
    } else {
        (font::body(), t.muted)
    };
    let galley = ui
        .painter()
        .layout_no_wrap(tab.label().to_owned(), font, color);
    let rect = Rect::from_min_size(
        Pos2::new(*x, top + 3.0),
        egui::vec2(galley.size().x + 2.0 * size::S, size::HEADER - 6.0),
    );
    let response = ui.interact(
        rect,
        ui.scope_id().with(("tab", tab.label())),
        Sense::click(),
    );
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, is_on, tab.label()));
    if response.hovered() && !is_on {
        ui.painter()
            .rect_filled(rect, size::CONTROL_RADIUS, t.raised);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect,
            size::CONTROL_RADIUS,
            Stroke::new(1.5, t.act),
            StrokeKind::Inside,
        );
    }
    if is_on {
        let y = rect.bottom();
        let range = egui::Rangef::new(rect.left() + size::S, rect.right() - size::S);
        ui.painter().hline(range, y, Stroke::new(2.0, t.act));
    }
    let pos = Align2::CENTER_CENTER
        .align_size_within_rect(galley.size(), rect)
        .min;
    ui.painter().galley(pos, galley, color);
    *x = rect.right();
    response
}
