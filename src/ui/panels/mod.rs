//! The screens. One file (or folder) a screen, one line in [`PANELS`]; rail, palette and `fieldscope screenshot` derive
//! from it. Panels format answers; they never compute on them and never reach around the context.

pub mod crash;
pub mod device;
mod export_table;
pub mod fleet;
pub mod home;
pub mod import_report;
pub mod issues;
pub mod live;
pub mod logs;
mod sample_report;
mod source;
pub mod symbolizer;
pub mod symbols;
mod time_bar;

use super::command::UiCommand;
use super::context::ViewContext;
use super::icons;

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PanelId {
    /// Where files are dropped.
    Home,
    /// One crash.
    Crash,
    /// All crashes, by cause.
    Issues,
    /// One log.
    Logs,
    /// A board that is listened to.
    Live,
    /// One device along its time.
    Device,
    /// Many devices.
    Fleet,
    /// The symbol library.
    Symbols,
    /// The paste box.
    Symbolizer,
    /// What an import found.
    Import,
}

/// Something that fills the screen beside the rail.
pub trait Panel {
    /// Draws one frame.
    fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut egui::Ui);

    /// Takes an action that means something on this screen, to carry it out in the next frame; false for any other.
    fn take(&mut self, _command: &UiCommand) -> bool {
        false
    }
}

/// How a screen is listed.
pub struct PanelKind {
    /// Which.
    pub id: PanelId,
    /// Its name for the command line and for files.
    pub name: &'static str,
    /// Word under the icon.
    pub label: &'static str,
    /// Icon in the rail.
    pub icon: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Makes one.
    pub new: fn() -> Box<dyn Panel>,
}

/// All screens, in the order of the rail.
pub static PANELS: &[PanelKind] = &[
    PanelKind {
        id: PanelId::Home,
        name: "home",
        label: "Home",
        icon: icons::HOME,
        help: "Where files are dropped and workspaces opened.",
        new: || Box::<home::Home>::default(),
    },
    PanelKind {
        id: PanelId::Crash,
        name: "crash",
        label: "Crash",
        icon: icons::CRASH,
        help: "What happened, where, in which thread, and why we believe it.",
        new: || Box::<crash::Crash>::default(),
    },
    PanelKind {
        id: PanelId::Issues,
        name: "issues",
        label: "Issues",
        icon: icons::CRASHES,
        help: "Crashes by their cause: how many, where, since when.",
        new: || Box::<issues::Issues>::default(),
    },
    PanelKind {
        id: PanelId::Logs,
        name: "logs",
        label: "Logs",
        icon: icons::LOGS,
        help: "Every line of a log, decoded, with filters and where it crashed.",
        new: || Box::<logs::Logs>::default(),
    },
    PanelKind {
        id: PanelId::Live,
        name: "live",
        label: "Live",
        icon: icons::LIVE,
        help: "A board that is listened to: its log, what it measures, whether it is there.",
        new: || Box::<live::Live>::default(),
    },
    PanelKind {
        id: PanelId::Device,
        name: "device",
        label: "Device",
        icon: icons::DEVICE,
        help: "One device along its time: versions, events, what it measured.",
        new: || Box::<device::Device>::default(),
    },
    PanelKind {
        id: PanelId::Fleet,
        name: "fleet",
        label: "Fleet",
        icon: icons::FLEET,
        help: "Many devices: the band of a metric, versions side by side, outliers.",
        new: || Box::<fleet::Fleet>::default(),
    },
    PanelKind {
        id: PanelId::Symbols,
        name: "symbols",
        label: "Symbols",
        icon: icons::SYMBOLS,
        help: "Builds with symbols, and those that crashes wait for.",
        new: || Box::<symbols::Symbols>::default(),
    },
    PanelKind {
        id: PanelId::Symbolizer,
        name: "symbolizer",
        label: "Symbolizer",
        icon: icons::SYMBOLIZER,
        help: "Paste a text, read its addresses as names.",
        new: || Box::<symbolizer::Symbolizer>::default(),
    },
    PanelKind {
        id: PanelId::Import,
        name: "import",
        label: "Import report",
        icon: icons::IMPORT,
        help: "What was found, kept and not understood.",
        new: || Box::<import_report::ImportReportPanel>::default(),
    },
];

/// The screen with this name.
pub fn by_name(name: &str) -> Option<PanelId> {
    // The screen's name before crashes became issues.
    let name = if name == "crashes" { "issues" } else { name };
    PANELS
        .iter()
        .find(|kind| kind.name == name)
        .map(|kind| kind.id)
}

/// Margin around a screen's contents.
pub fn screen(ui: &egui::Ui) -> egui::Rect {
    use super::theme::size::XL;
    let rect = ui.max_rect();
    egui::Rect::from_min_max(
        rect.min + egui::vec2(XL, XL),
        rect.max - egui::vec2(XL, super::theme::size::M),
    )
}
