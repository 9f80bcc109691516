//! The bar on top: where we are, and the box that finds anything.

use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::panels::{PANELS, PanelId, crash};
use crate::ui::theme::{font, size, tokens};
use egui::{Align2, Color32, FontId, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

/// One part of the breadcrumb.
struct Crumb {
    text: String,
    font: FontId,
    color: Color32,
    action: Option<UiCommand>,
}

/// Draws the bar.
pub fn top_bar_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, rect: Rect) {
    let t = tokens(ui);
    ui.painter().rect_filled(rect, 0.0, t.panel);
    ui.painter().hline(
        rect.x_range(),
        rect.bottom() - 0.5,
        Stroke::new(1.0, t.line),
    );
    let find_width = (rect.width() * 0.36).clamp(180.0, 320.0);
    let find = Rect::from_center_size(
        Pos2::new(rect.right() - size::L - find_width / 2.0, rect.center().y),
        egui::vec2(find_width, size::CONTROL),
    );
    find_ui(ctx, ui, find);
    let room = Rect::from_min_max(
        Pos2::new(rect.left() + size::L, rect.top()),
        Pos2::new(find.left() - size::M, rect.bottom()),
    );
    crumbs_ui(ctx, ui, room);
}

fn crumbs_ui(ctx: &mut ViewContext<'_>, ui: &Ui, room: Rect) {
    let t = tokens(ui);
    let painter = ui.painter().with_clip_rect(room);
    let mut x = room.left();
    for (i, crumb) in crumbs(ctx, ui).into_iter().enumerate() {
        if i > 0 {
            let pos = Pos2::new(x, room.center().y);
            x = painter
                .text(pos, Align2::LEFT_CENTER, "›", font::body(), t.faint)
                .right()
                + size::S;
        }
        let galley = painter.layout_no_wrap(crumb.text.clone(), crumb.font, crumb.color);
        let pos = Pos2::new(x, room.center().y - galley.size().y / 2.0);
        let place = Rect::from_min_size(pos, galley.size()).intersect(room);
        x += galley.size().x + size::S;
        painter.galley(pos, galley, crumb.color);
        let sense = if crumb.action.is_some() {
            Sense::click()
        } else {
            Sense::hover()
        };
        let response = ui.interact(place, ui.scope_id().with(("crumb", i)), sense);
        let role = if crumb.action.is_some() {
            Role::Link
        } else {
            Role::Label
        };
        response.widget_info(|| WidgetInfo::labeled(role, true, &crumb.text));
        if response.hovered() && crumb.action.is_some() {
            painter.hline(
                place.x_range(),
                place.bottom(),
                Stroke::new(1.0, crumb.color),
            );
        }
        if response.clicked()
            && let Some(action) = crumb.action
        {
            ctx.ui(action);
        }
    }
}

fn crumbs(ctx: &ViewContext<'_>, ui: &Ui) -> Vec<Crumb> {
    let t = tokens(ui);
    let plain = |text: String| Crumb {
        text,
        font: font::body(),
        color: t.text,
        action: None,
    };
    let first = |text: String| Crumb {
        text,
        font: font::strong(),
        color: t.text,
        action: None,
    };
    let overview = ctx.door.overview();
    let workspace = overview
        .value()
        .map_or(String::new(), |overview| overview.name.clone());
    let panel = ctx.nav.place.panel;
    let detail = (panel == PanelId::Crash)
        .then(|| crash::open_crash(ctx))
        .flatten()
        .and_then(|id| ctx.door.crash(id).value().cloned());
    if let Some(detail) = detail {
        let row = &detail.row;
        let mut crumbs = vec![Crumb {
            action: Some(UiCommand::OpenCapture(row.capture)),
            ..first(row.capture_name.clone())
        }];
        crumbs.extend(row.device.clone().map(plain));
        crumbs.extend(
            row.boot
                .map(|boot| plain(format!("boot {}", boot.saturating_add(1)))),
        );
        let n_crashes = detail.report.n_crashes;
        let text = if n_crashes > 1 {
            format!("crash {} of {n_crashes}", detail.report.crash_index + 1)
        } else {
            "crash".to_owned()
        };
        crumbs.push(Crumb {
            color: t.crash,
            action: Some(UiCommand::Go(PanelId::Issues)),
            ..plain(text)
        });
        return crumbs;
    }
    let mut crumbs = vec![first("Fieldscope".to_owned())];
    if !workspace.is_empty() {
        crumbs.push(plain(workspace));
    }
    if panel != PanelId::Home {
        let label = PANELS
            .iter()
            .find(|kind| kind.id == panel)
            .map_or("", |kind| kind.label);
        crumbs.push(Crumb {
            color: t.muted,
            ..plain(label.to_owned())
        });
    }
    crumbs
}

fn find_ui(ctx: &mut ViewContext<'_>, ui: &Ui, rect: Rect) {
    let t = tokens(ui);
    let response = ui.interact(rect, ui.scope_id().with("find"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Find anything"));
    let stroke = if response.has_focus() { t.act } else { t.line };
    ui.painter().rect(
        rect,
        size::CONTROL_RADIUS,
        t.raised,
        Stroke::new(1.0, stroke),
        StrokeKind::Inside,
    );
    let left = Pos2::new(rect.left() + 10.0, rect.center().y);
    let wide = rect.width() > 300.0;
    let hint = if wide {
        "Find a crash, function, device, build…"
    } else {
        "Find…"
    };
    ui.painter()
        .text(left, Align2::LEFT_CENTER, hint, font::body(), t.faint);
    let right = Pos2::new(rect.right() - 10.0, rect.center().y);
    ui.painter().text(
        right,
        Align2::RIGHT_CENTER,
        "Ctrl K",
        font::small(),
        t.faint,
    );
    if response.clicked() {
        ctx.ui(UiCommand::Find);
    }
}
