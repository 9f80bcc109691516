//! The inspector on the right: what the selection and the target held, one tab each.

use super::{
    Selected, changed::ChangedTab, globals::GlobalsTab, heap, interrupts, locals::LocalsTab,
    memory::MemoryTab, registers, rtos,
};
use crate::model::report::CrashReport;
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
    changed: ChangedTab,
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
        let tabs_bottom = tabs_ui(ctx, ui, rect, selected);
        let body = Rect::from_min_max(
            Pos2::new(rect.left() + 1.0, tabs_bottom + size::XS),
            rect.max - egui::vec2(1.0, 2.0),
        );
        let tab = ctx.nav.tab;
        card::inside(ui, body, tab.label(), |ui| match tab {
            InspectorTab::Locals => self.locals.ui(ctx, ui, selected),
            InspectorTab::Registers => registers::registers_ui(ctx, ui, selected),
            InspectorTab::Memory => self.memory.ui(ctx, ui, selected),
            InspectorTab::Globals => self.globals.ui(ctx, ui, selected),
            InspectorTab::Changed => self.changed.ui(ctx, ui, selected),
            InspectorTab::Rtos => rtos::rtos_ui(ctx, ui, selected),
            InspectorTab::Heap => heap::heap_ui(ctx, ui, selected),
            InspectorTab::Interrupts => interrupts::interrupts_ui(ui, selected),
        });
    }
}

/// The tabs, in a second line where one is too short. Answers where they end.
fn tabs_ui(ctx: &mut ViewContext<'_>, ui: &Ui, rect: Rect, selected: &Selected<'_>) -> f32 {
    let left = rect.left() + size::XS;
    let (mut x, mut top) = (left, rect.top());
    for (i, tab) in InspectorTab::ALL.into_iter().enumerate() {
        let is_on = ctx.nav.tab == tab;
        if x > left && x + tab_width(ui, tab) > rect.right() - size::XS {
            x = left;
            top += LINE;
        }
        let look = look(tab, &selected.detail.report);
        let response = tab_ui(ui, &mut x, top, tab, is_on, look);
        if i == 0 {
            ctx.part(&response);
        }
        if response.clicked() {
            ctx.ui(UiCommand::SelectTab(tab));
        }
    }
    top + size::HEADER
}

/// Height of a further line of tabs.
const LINE: f32 = size::HEADER - 4.0;

/// What a tab says of its contents before it is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// There is something in it.
    Full,
    /// There is nothing in it; opened, it says why.
    Empty,
    /// What is in it is a cause of the crash or damaged.
    Alarm,
}

fn look(tab: InspectorTab, report: &CrashReport) -> Look {
    let (is_empty, is_alarm) = match tab {
        InspectorTab::Rtos => (report.objects.is_empty(), !report.deadlocks.is_empty()),
        InspectorTab::Heap => (
            report.heaps.is_empty(),
            report.heaps.iter().any(|heap| heap.damage.is_some()),
        ),
        InspectorTab::Interrupts => (
            report.interrupts.is_none() && report.mpu.is_empty(),
            report.mpu.iter().any(|region| region.hit),
        ),
        InspectorTab::Locals
        | InspectorTab::Registers
        | InspectorTab::Memory
        | InspectorTab::Globals
        | InspectorTab::Changed => (false, false),
    };
    match (is_empty, is_alarm) {
        (_, true) => Look::Alarm,
        (true, false) => Look::Empty,
        (false, false) => Look::Full,
    }
}

fn tab_width(ui: &Ui, tab: InspectorTab) -> f32 {
    let galley = ui.painter().layout_no_wrap(
        tab.label().to_owned(),
        font::strong(),
        egui::Color32::PLACEHOLDER,
    );
    galley.size().x + 2.0 * size::S
}

fn tab_ui(ui: &Ui, x: &mut f32, top: f32, tab: InspectorTab, is_on: bool, look: Look) -> Response {
    let t = tokens(ui);
    let (font, color) = match (is_on, look) {
        (true, _) => (font::strong(), t.text),
        (false, Look::Empty) => (font::body(), t.faint),
        (false, Look::Full | Look::Alarm) => (font::body(), t.muted),
    };
    let galley = ui
        .painter()
        .layout_no_wrap(tab.label().to_owned(), font, color);
    let rect = Rect::from_min_size(
        Pos2::new(*x, top + 3.0),
        egui::vec2(tab_width(ui, tab), size::HEADER - 6.0),
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
    let right = pos.x + galley.size().x;
    ui.painter().galley(pos, galley, color);
    if look == Look::Alarm {
        let center = Pos2::new(right + 5.0, rect.top() + 9.0);
        ui.painter().circle_filled(center, 2.5, t.crash);
    }
    *x = rect.right();
    response
}
