//! What surrounds every screen: rail, bars, find and command palette, overlays.

pub mod drop_overlay;
pub mod jobs;
pub mod key_help;
pub mod palette;
pub mod rail;
pub mod sample_sheet;
pub mod settings;
pub mod status_bar;
pub mod top_bar;

use super::theme::size;
use egui::{Pos2, Rect};

/// Where the parts of the window are.
#[derive(Clone, Copy, Debug)]
pub struct Areas {
    /// Rail on the left.
    pub rail: Rect,
    /// Bar on top.
    pub top: Rect,
    /// Bar at the bottom.
    pub status: Rect,
    /// The screen.
    pub main: Rect,
}

/// Divides the window.
pub fn areas(window: Rect) -> Areas {
    let x = window.left() + size::RAIL;
    let top = window.top() + size::TOP_BAR;
    let bottom = window.bottom() - size::STATUS_BAR;
    Areas {
        rail: Rect::from_min_max(window.min, Pos2::new(x, window.bottom())),
        top: Rect::from_min_max(Pos2::new(x, window.top()), Pos2::new(window.right(), top)),
        status: Rect::from_min_max(Pos2::new(x, bottom), window.max),
        main: Rect::from_min_max(Pos2::new(x, top), Pos2::new(window.right(), bottom)),
    }
}

/// What lies over the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Find or command palette.
    Palette,
    /// Key list.
    KeyHelp,
    /// Settings.
    Settings,
    /// Jobs.
    Jobs,
}
