//! The icons that the window uses, by what they stand for (code points of `assets/fonts/icons.json`).
//!
//! An icon never stands alone: a word or an accessible name goes with it.

/// Home.
pub const HOME: &str = "\u{e2c2}";
/// One device along its time.
pub const DEVICE: &str = "\u{e610}";
/// Many devices.
pub const FLEET: &str = "\u{e154}";
/// A crash.
pub const CRASH: &str = "\u{e4e0}";
/// The list of crashes, grouped.
pub const CRASHES: &str = "\u{e5f6}";
/// A board that is listened to.
pub const LIVE: &str = "\u{e0f2}";
/// Logs.
pub const LOGS: &str = "\u{e2f2}";
/// Symbols.
pub const SYMBOLS: &str = "\u{e1bc}";
/// Paste addresses.
pub const SYMBOLIZER: &str = "\u{e2a2}";
/// What an import found.
pub const IMPORT: &str = "\u{e4aa}";
/// Drop here.
pub const DROP: &str = "\u{e010}";
/// Find.
pub const FIND: &str = "\u{e30c}";
/// A folded branch.
pub const FOLDED: &str = "\u{e13a}";
/// An open branch.
pub const UNFOLDED: &str = "\u{e136}";
/// Copy.
pub const COPY: &str = "\u{e1ca}";
/// Settings.
pub const SETTINGS: &str = "\u{e270}";
/// Close, cancel, remove.
pub const CLOSE: &str = "\u{e4f6}";
/// As it should be.
pub const CHECK: &str = "\u{e182}";
/// The line that matters.
pub const HERE: &str = "\u{e13a}";
/// Key help.
pub const KEYS: &str = "\u{e2d8}";
/// Interrupted here.
pub const LIGHTNING: &str = "\u{e2de}";
/// Open a folder.
pub const FOLDER: &str = "\u{e256}";
/// Something to know.
pub const INFO: &str = "\u{e2ce}";

#[cfg(test)]
mod tests {
    #[test]
    fn every_icon_is_in_the_font_list() {
        let list = include_str!("../../assets/fonts/icons.json");
        for icon in [
            super::HOME,
            super::CRASH,
            super::CRASHES,
            super::LIVE,
            super::SYMBOLS,
            super::SYMBOLIZER,
            super::IMPORT,
            super::DROP,
            super::FIND,
            super::FOLDED,
            super::UNFOLDED,
            super::COPY,
            super::SETTINGS,
            super::CLOSE,
            super::CHECK,
            super::HERE,
            super::KEYS,
            super::LIGHTNING,
            super::FOLDER,
            super::INFO,
        ] {
            let code = format!("U+{:04X}", u32::from(icon.chars().next().unwrap()));
            assert!(list.contains(&code), "{code} is not in icons.json");
        }
    }
}
