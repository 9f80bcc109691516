//! Buttons: one primary action a screen, the others quiet.

use crate::ui::command::{self, UiCommand};
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use egui::{Button, Response, RichText, Role, Stroke, Ui, WidgetInfo};

/// The action that this screen is for.
pub fn primary(ui: &mut Ui, label: &str) -> Response {
    let t = tokens(ui);
    let text = RichText::new(label).font(font::strong()).color(t.act);
    ui.add(
        Button::new(text)
            .fill(t.act_bg)
            .min_size(egui::vec2(0.0, size::CONTROL)),
    )
}

/// Any other action.
pub fn quiet(ui: &mut Ui, label: &str) -> Response {
    let t = tokens(ui);
    let text = RichText::new(label).font(font::body()).color(t.text);
    ui.add(Button::new(text).min_size(egui::vec2(0.0, size::CONTROL)))
}

/// An action in a running text or a table.
pub fn link(ui: &mut Ui, label: &str) -> Response {
    let t = tokens(ui);
    let text = RichText::new(label).font(font::body()).color(t.act);
    ui.add(
        Button::new(text)
            .fill(egui::Color32::TRANSPARENT)
            .stroke(Stroke::NONE),
    )
}

/// An icon that acts; `name` is read aloud and shown under the pointer.
pub fn icon(ui: &mut Ui, icon: &str, name: &str) -> Response {
    let t = tokens(ui);
    let text = RichText::new(icon).font(font::icon(15.0)).color(t.muted);
    let button = Button::new(text)
        .frame_when_inactive(false)
        .min_size(egui::vec2(size::ROW, size::ROW));
    let response = ui.add(button);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    response.on_hover_text(name)
}

/// A quiet button for a command of the registry.
pub fn command(ui: &mut Ui, ctx: &mut ViewContext<'_>, command: &UiCommand) -> Response {
    let response = quiet(ui, label_of(command));
    act(response, ctx, command)
}

/// The primary button for a command of the registry.
pub fn primary_command(ui: &mut Ui, ctx: &mut ViewContext<'_>, command: &UiCommand) -> Response {
    let response = primary(ui, label_of(command));
    act(response, ctx, command)
}

fn label_of(command: &UiCommand) -> &'static str {
    command::info(command).map_or("", |info| info.label)
}

fn act(response: Response, ctx: &mut ViewContext<'_>, command: &UiCommand) -> Response {
    if response.clicked() {
        ctx.ui(command.clone());
    }
    match command::info(command) {
        Some(info) => {
            let keys = info
                .keys
                .first()
                .map(|key| format!("\n{}", command::key_text(key)));
            response.on_hover_text(format!("{}{}", info.help, keys.unwrap_or_default()))
        }
        None => response,
    }
}
