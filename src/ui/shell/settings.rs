//! Theme, size, keys.

use crate::ui::command::UiCommand;
use crate::ui::context::{Settings, ViewContext};
use crate::ui::theme::size;
use crate::ui::widgets::{button, text};
use egui::{ThemePreference, Ui};

/// The contents of the popup; answers the settings as they should be.
pub fn settings_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui) -> Settings {
    let mut settings = *ctx.settings;
    ui.set_width(380.0);
    text::title(ui, "Settings");
    ui.add_space(size::M);
    text::strong(ui, "Theme");
    ui.horizontal(|ui| {
        for (theme, label) in [
            (ThemePreference::System, "As the system"),
            (ThemePreference::Dark, "Dark"),
            (ThemePreference::Light, "Light"),
        ] {
            ui.radio_value(&mut settings.theme, theme, label);
        }
    });
    ui.add_space(size::M);
    text::strong(ui, "Size");
    ui.horizontal(|ui| {
        if button::quiet(ui, "Smaller").clicked() {
            ctx.ui(UiCommand::ZoomOut);
        }
        text::mono(ui, format!("{:.0} %", ui.ctx().zoom_factor() * 100.0));
        if button::quiet(ui, "Larger").clicked() {
            ctx.ui(UiCommand::ZoomIn);
        }
        if button::link(ui, "Normal").clicked() {
            ctx.ui(UiCommand::ZoomReset);
        }
    });
    ui.add_space(size::M);
    text::strong(ui, "Keys");
    ui.checkbox(
        &mut settings.single_letter_keys,
        "Single-letter keys act (T, ?)",
    );
    text::small(
        ui,
        "Switch this off if you dictate or type by accident: the same actions stay in the command list.",
    );
    settings
}
