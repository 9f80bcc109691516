//! Plain text: one row a line.

use super::{Framing, LogFormat, dictionaries::LogDictionaries};
use crate::formats::{Confidence, lines};
use crate::model::log::LogRecord;

/// Text of any kind.
pub(super) struct Text;

impl LogFormat for Text {
    fn id(&self) -> &'static str {
        "text"
    }
    fn label(&self) -> &'static str {
        "Text log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn sniff(&self, _head: &[u8], _name: &str, _dictionaries: &LogDictionaries) -> Confidence {
        // What nobody else claims is read as text.
        Confidence::Maybe
    }
    fn framing(&self) -> Framing {
        Framing::Delimited(b'\n')
    }
    fn decode(&self, row: &[u8], _dictionaries: &LogDictionaries, record: &mut LogRecord) {
        record.clear();
        if let Some(line) = lines::line_at(row, 0) {
            record.message.push_str(&lines::readable(line.text));
        }
    }
}
