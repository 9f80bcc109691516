//! The look, in one file: colours, sizes and fonts. Every other file of the window asks here.
//!
//! A 4-point grid, three text sizes and a headline, two weights. Colour carries meaning and nothing else: one
//! accent for what can be acted on, red for crashes alone, series after Okabe and Ito (safe for colour-blind
//! people), always together with a shape or a word.

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Visuals};
use std::sync::Arc;

/// The colours of one theme.
#[derive(Debug)]
pub struct Tokens {
    /// Behind everything.
    pub bg: Color32,
    /// Cards, rail, bars.
    pub panel: Color32,
    /// Quiet buttons, chips, fields, a row under the pointer.
    pub raised: Color32,
    /// The selected row, a button under the pointer.
    pub hover: Color32,
    /// Borders and rules.
    pub line: Color32,
    /// What is to be read.
    pub text: Color32,
    /// What explains it.
    pub muted: Color32,
    /// What is there when looked for.
    pub faint: Color32,
    /// What can be acted on.
    pub act: Color32,
    /// Behind what can be acted on.
    pub act_bg: Color32,
    /// A crash, and nothing else.
    pub crash: Color32,
    /// Behind a crash.
    pub crash_bg: Color32,
    /// Look twice.
    pub warn: Color32,
    /// Errors of a device: more than a warning, no crash.
    pub error: Color32,
    /// As it should be.
    pub ok: Color32,
    /// Series colours.
    pub series: [Color32; 6],
    /// The 16 colours of a terminal, for what devices coloured themselves: black and white of a terminal are greys here,
    /// so that they can be read on every ground.
    pub ansi: [Color32; 16],
}

const fn hex(rgb: u32) -> Color32 {
    let [_, r, g, b] = rgb.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

const SERIES: [Color32; 6] = [
    hex(0x56b4e9),
    hex(0xe69f00),
    hex(0x009e73),
    hex(0xcc79a7),
    hex(0xf0e442),
    hex(0xd55e00),
];

/// Light text on dark.
pub static DARK: Tokens = Tokens {
    bg: hex(0x0e1116),
    panel: hex(0x14181f),
    raised: hex(0x1a2029),
    hover: hex(0x202833),
    line: hex(0x232b36),
    text: hex(0xdbe2ea),
    muted: hex(0xa0acbb),
    faint: hex(0x838f9e),
    act: hex(0x6cb2ff),
    act_bg: hex(0x17304b),
    crash: hex(0xff6b61),
    crash_bg: hex(0x351a1c),
    warn: hex(0xe8b339),
    error: hex(0xff8f4f),
    ok: hex(0x4cc2a4),
    series: SERIES,
    ansi: [
        hex(0x8f9baa),
        hex(0xf28b82),
        hex(0x7fc88b),
        hex(0xe3bd5b),
        hex(0x8fb4f5),
        hex(0xd8a4e4),
        hex(0x67c7d0),
        hex(0xcfd6de),
        hex(0x97a2b0),
        hex(0xffa198),
        hex(0x9be0a5),
        hex(0xf5d67b),
        hex(0xa5c5ff),
        hex(0xe7b8f2),
        hex(0x8fe3ea),
        hex(0xffffff),
    ],
};

/// Dark text on light.
pub static LIGHT: Tokens = Tokens {
    bg: hex(0xf5f6f8),
    panel: hex(0xffffff),
    raised: hex(0xf1f3f6),
    hover: hex(0xe8ecf1),
    line: hex(0xdde2e9),
    text: hex(0x1a222c),
    muted: hex(0x4c5868),
    faint: hex(0x5f6b79),
    act: hex(0x0b5cb8),
    act_bg: hex(0xe2eefb),
    crash: hex(0xbe2b23),
    crash_bg: hex(0xfdeae8),
    warn: hex(0x805a00),
    error: hex(0x9c3c00),
    ok: hex(0x0d6e58),
    series: SERIES,
    ansi: [
        hex(0x1a222c),
        hex(0xa33a2a),
        hex(0x1d6b34),
        hex(0x7a5600),
        hex(0x1f55b5),
        hex(0x8a2f9c),
        hex(0x0a6670),
        hex(0x55606e),
        hex(0x5a6573),
        hex(0xad362b),
        hex(0x1a7036),
        hex(0x7d5a00),
        hex(0x275ec4),
        hex(0x9a35ad),
        hex(0x0b6c77),
        hex(0x3a4552),
    ],
};

/// The tokens of the theme that `ui` is drawn in.
pub fn tokens(ui: &egui::Ui) -> &'static Tokens {
    of(ui.visuals().dark_mode)
}

/// The tokens of the dark or the light theme.
pub fn of(dark: bool) -> &'static Tokens {
    if dark { &DARK } else { &LIGHT }
}

/// Sizes, on a grid of 4 points.
pub mod size {
    /// Between parts of one thing.
    pub const XS: f32 = 4.0;
    /// Between things.
    pub const S: f32 = 8.0;
    /// Inside cards; between cards.
    pub const M: f32 = 12.0;
    /// Around a bar's contents.
    pub const L: f32 = 16.0;
    /// Around a screen.
    pub const XL: f32 = 20.0;
    /// One row of a table.
    pub const ROW: f32 = 24.0;
    /// One row of two lines.
    pub const TALL_ROW: f32 = 48.0;
    /// A card's title line.
    pub const HEADER: f32 = 32.0;
    /// A button or field.
    pub const CONTROL: f32 = 28.0;
    /// A chip.
    pub const CHIP: f32 = 22.0;
    /// The rail on the left.
    pub const RAIL: f32 = 80.0;
    /// The bar on top.
    pub const TOP_BAR: f32 = 48.0;
    /// The bar at the bottom.
    pub const STATUS_BAR: f32 = 28.0;
    /// Corners of cards.
    pub const CARD_RADIUS: u8 = 8;
    /// Corners of controls.
    pub const CONTROL_RADIUS: u8 = 6;
    /// Longest motion, in seconds.
    pub const MOTION_SECS: f32 = 0.12;
}

/// Fonts by what they are for.
pub mod font {
    use super::{FontFamily, FontId};

    /// Inter, semibold.
    pub const STRONG: &str = "inter-semibold";
    /// JetBrains Mono, semibold.
    pub const MONO_STRONG: &str = "mono-semibold";
    /// The icons of `assets/fonts/icons.json`.
    pub const ICONS: &str = "icons";

    fn named(size: f32, family: &str) -> FontId {
        FontId::new(size, FontFamily::Name(family.into()))
    }

    /// Text.
    pub fn body() -> FontId {
        FontId::proportional(13.0)
    }
    /// Text that carries weight: titles of cards, the selected row.
    pub fn strong() -> FontId {
        named(13.0, STRONG)
    }
    /// Metadata.
    pub fn small() -> FontId {
        FontId::proportional(11.0)
    }
    /// Titles of groups inside a card.
    pub fn title() -> FontId {
        named(16.0, STRONG)
    }
    /// The one sentence of a screen.
    pub fn headline() -> FontId {
        named(22.0, STRONG)
    }
    /// Code inside the headline.
    pub fn headline_mono() -> FontId {
        named(21.0, MONO_STRONG)
    }
    /// Addresses, code, numbers in columns.
    pub fn mono() -> FontId {
        FontId::monospace(12.0)
    }
    /// The same with weight.
    pub fn mono_strong() -> FontId {
        named(12.0, MONO_STRONG)
    }
    /// The same, small.
    pub fn mono_small() -> FontId {
        FontId::monospace(11.0)
    }
    /// Lines of a log at a size that the user chose.
    pub fn log(size: f32) -> FontId {
        FontId::monospace(size)
    }
    /// The same with weight.
    pub fn log_strong(size: f32) -> FontId {
        named(size, MONO_STRONG)
    }
    /// An icon of this size.
    pub fn icon(size: f32) -> FontId {
        named(size, ICONS)
    }
}

/// Gives the context its fonts and both themes.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_style_of(egui::Theme::Dark, style(&DARK, true));
    ctx.set_style_of(egui::Theme::Light, style(&LIGHT, false));
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

fn fonts() -> egui::FontDefinitions {
    let mut fonts = egui::FontDefinitions::empty();
    let files: [(&str, &'static [u8]); 5] = [
        (
            "inter",
            include_bytes!("../../assets/fonts/Inter-Regular.ttf"),
        ),
        (
            font::STRONG,
            include_bytes!("../../assets/fonts/Inter-SemiBold.ttf"),
        ),
        (
            "mono",
            include_bytes!("../../assets/fonts/JetBrainsMono-Regular.ttf"),
        ),
        (
            font::MONO_STRONG,
            include_bytes!("../../assets/fonts/JetBrainsMono-SemiBold.ttf"),
        ),
        (
            font::ICONS,
            include_bytes!("../../assets/fonts/FieldscopeIcons.ttf"),
        ),
    ];
    for (name, bytes) in files {
        let data = Arc::new(egui::FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), data);
    }
    let families: [(FontFamily, &[&str]); 5] = [
        (FontFamily::Proportional, &["inter", "mono", font::ICONS]),
        (FontFamily::Monospace, &["mono", "inter", font::ICONS]),
        (
            FontFamily::Name(font::STRONG.into()),
            &[font::STRONG, "mono", font::ICONS],
        ),
        (
            FontFamily::Name(font::MONO_STRONG.into()),
            &[font::MONO_STRONG, "inter", font::ICONS],
        ),
        (
            FontFamily::Name(font::ICONS.into()),
            &[font::ICONS, "inter"],
        ),
    ];
    for (family, names) in families {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        fonts.families.insert(family, names);
    }
    fonts
}

fn style(t: &Tokens, dark: bool) -> egui::Style {
    let mut style = egui::Style::default();
    style.text_styles = [
        (TextStyle::Heading, font::headline()),
        (TextStyle::Body, font::body()),
        (TextStyle::Button, font::body()),
        (TextStyle::Small, font::small()),
        (TextStyle::Monospace, font::mono()),
    ]
    .into();
    style.animation_time = size::MOTION_SECS;
    style.scroll_animation = egui::style::ScrollAnimation::none();
    let s = &mut style.spacing;
    s.item_spacing = egui::vec2(size::S, size::XS);
    s.button_padding = egui::vec2(size::M, 4.0);
    s.interact_size = egui::vec2(size::CONTROL, size::CONTROL);
    s.menu_margin = Margin::same(6);
    s.window_margin = Margin::same(16);
    s.icon_width = 16.0;
    s.tooltip_width = 420.0;
    s.scroll.bar_width = 8.0;
    s.scroll.floating_width = 4.0;
    style.interaction.tooltip_delay = 0.4;
    style.visuals = visuals(t, dark);
    style
}

fn visuals(t: &Tokens, dark: bool) -> Visuals {
    let mut v = if dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    v.panel_fill = t.bg;
    v.window_fill = t.panel;
    v.window_stroke = Stroke::new(1.0, t.line);
    v.window_corner_radius = CornerRadius::same(size::CARD_RADIUS);
    v.menu_corner_radius = CornerRadius::same(size::CARD_RADIUS);
    v.extreme_bg_color = t.raised;
    v.text_edit_bg_color = Some(t.raised);
    v.faint_bg_color = t.raised;
    v.code_bg_color = t.raised;
    v.hyperlink_color = t.act;
    v.warn_fg_color = t.warn;
    v.error_fg_color = t.crash;
    v.weak_text_color = Some(t.muted);
    v.selection.bg_fill = t.act_bg;
    v.selection.stroke = Stroke::new(1.0, t.act);
    v.striped = false;
    v.indent_has_left_vline = false;
    v.disabled_alpha = 0.6;
    v.text_cursor.stroke = Stroke::new(1.5, t.act);
    let shadow = |blur| Shadow {
        offset: [0, 8],
        blur,
        spread: 0,
        color: Color32::from_black_alpha(if dark { 120 } else { 40 }),
    };
    v.window_shadow = shadow(32);
    v.popup_shadow = shadow(20);
    let radius = CornerRadius::same(size::CONTROL_RADIUS);
    let states = [
        (&mut v.widgets.noninteractive, t.panel, t.line, t.text),
        (&mut v.widgets.inactive, t.raised, t.line, t.text),
        (&mut v.widgets.hovered, t.hover, t.line, t.text),
        (&mut v.widgets.active, t.hover, t.act, t.text),
        (&mut v.widgets.open, t.hover, t.line, t.text),
    ];
    for (widget, fill, stroke, text) in states {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, stroke);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
    v
}

#[cfg(test)]
mod tests {
    use super::{Color32, DARK, LIGHT, Tokens};

    fn luminance(color: Color32) -> f64 {
        let channel = |value: u8| {
            let c = f64::from(value) / 255.0;
            if c <= 0.03928 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(color.r()) + 0.7152 * channel(color.g()) + 0.0722 * channel(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn pairs(t: &Tokens) -> Vec<(&'static str, Color32, Color32)> {
        let mut pairs = Vec::new();
        for (ground, behind) in [
            ("bg", t.bg),
            ("panel", t.panel),
            ("raised", t.raised),
            ("hover", t.hover),
        ] {
            for (name, color) in [
                ("text", t.text),
                ("muted", t.muted),
                ("faint", t.faint),
                ("act", t.act),
                ("crash", t.crash),
                ("warn", t.warn),
                ("error", t.error),
                ("ok", t.ok),
            ] {
                _ = ground;
                pairs.push((name, color, behind));
            }
        }
        for ground in [t.panel, t.raised, t.hover, t.act_bg, t.crash_bg] {
            pairs.extend(
                t.ansi
                    .map(|color| ("a colour of the device", color, ground)),
            );
        }
        pairs.push(("act on act_bg", t.act, t.act_bg));
        pairs.push(("text on act_bg", t.text, t.act_bg));
        pairs.push(("muted on act_bg", t.muted, t.act_bg));
        pairs.push(("crash on crash_bg", t.crash, t.crash_bg));
        pairs.push(("text on crash_bg", t.text, t.crash_bg));
        pairs
    }

    #[test]
    fn every_text_colour_can_be_read_on_every_ground_in_both_themes() {
        for (theme, tokens) in [("dark", &DARK), ("light", &LIGHT)] {
            for (name, fore, back) in pairs(tokens) {
                let ratio = contrast(fore, back);
                assert!(
                    ratio >= 4.5,
                    "{theme}: {name} {fore:?} on {back:?} is {ratio:.2}:1"
                );
            }
        }
    }
}
