//! What only the build knows of its log: format strings, token databases. Plain data, made from an ELF's sections, a
//! database file, or both; a log that came without them is decoded again when they arrive.

use super::defmt::DefmtTable;
use super::esp_binary::EspStrings;
use super::sdk::SdkTexts;
use super::tokens::TokenDatabase;
use super::zephyr::ZephyrDatabase;
use std::sync::Arc;

/// What the builds and database files at hand say of a log.
#[derive(Clone, Debug, Default)]
pub struct LogDictionaries {
    /// Format strings of defmt.
    pub defmt: Option<Arc<DefmtTable>>,
    /// Strings of tokenized text (Pigweed).
    pub tokens: Option<Arc<TokenDatabase>>,
    /// Strings of ESP-IDF's binary log.
    pub esp: Option<Arc<EspStrings>>,
    /// Texts of log entries of the device-side SDK.
    pub sdk: Option<Arc<SdkTexts>>,
    /// Strings of Zephyr's dictionary logging.
    pub zephyr: Option<Arc<ZephyrDatabase>>,
    /// Where they came from, for the screen: `app.elf (56e2a1…)`, `tokens.csv`.
    pub sources: Vec<String>,
}
