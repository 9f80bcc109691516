//! How the user set the window: a small file in the user's data folder. Losing it is harmless.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// System, dark or light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// As the desktop.
    #[default]
    System,
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

/// What is kept between runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowSettings {
    /// The theme.
    pub theme: ThemeChoice,
    /// Size of everything; 1 is as designed.
    pub zoom: f32,
    /// Whether keys without Ctrl act.
    pub single_letter_keys: bool,
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            zoom: 1.0,
            single_letter_keys: true,
        }
    }
}

/// The file that keeps them.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: PathBuf,
}

impl SettingsFile {
    /// In the user's data folder, beside the workspace.
    pub fn of_user() -> Option<Self> {
        dirs::data_dir().map(|folder| Self::at(folder.join("fieldscope").join("window.json")))
    }

    /// At this path.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// What was set; as designed where the file is missing or says nothing sensible.
    pub fn read(&self) -> WindowSettings {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let read: WindowSettings = serde_json::from_str(&text).unwrap_or_default();
        let is_sensible = read.zoom.is_finite() && (0.25..=5.0).contains(&read.zoom);
        let zoom = if is_sensible { read.zoom } else { 1.0 };
        WindowSettings { zoom, ..read }
    }

    /// Keeps them. Answers whether that worked; a folder that cannot be written to costs the settings only.
    pub fn write(&self, settings: &WindowSettings) -> bool {
        let (Some(folder), Ok(text)) = (self.path.parent(), serde_json::to_string_pretty(settings))
        else {
            return false;
        };
        // Beside it first: a crash in the middle leaves the old file.
        let beside = self.path.with_extension("json.new");
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&beside, text))
            .and_then(|()| std::fs::rename(&beside, &self.path))
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{SettingsFile, ThemeChoice, WindowSettings};

    #[test]
    fn settings_come_back_and_a_broken_file_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = SettingsFile::at(folder.path().join("deep").join("window.json"));
        assert_eq!(file.read(), WindowSettings::default());
        let set = WindowSettings {
            theme: ThemeChoice::Light,
            zoom: 1.3,
            single_letter_keys: false,
        };
        assert!(file.write(&set));
        assert_eq!(file.read(), set);
        for (text, zoom) in [
            ("{\"theme\":", 1.0),
            ("{\"zoom\": 1e30}", 1.0),
            ("{\"zoom\": 2}", 2.0),
        ] {
            std::fs::write(folder.path().join("deep").join("window.json"), text).unwrap();
            assert_eq!(file.read().zoom, zoom, "{text}");
        }
    }
}
