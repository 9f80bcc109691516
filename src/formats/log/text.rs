//! Plain text: one row a line.

use super::tokens::{detokenize, may_have_tokens};
use super::{Framing, LogFormat, ansi, dictionaries::LogDictionaries, shapes::facts};
use crate::formats::Confidence;
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
    fn decode(&self, row: &[u8], dictionaries: &LogDictionaries, record: &mut LogRecord) {
        record.clear();
        let mut line = row;
        while let Some((b'\r' | b'\n', shorter)) = line.split_last() {
            line = shorter;
        }
        let plain = ansi::plain(line);
        let facts = facts(&plain);
        let text = |range| String::from_utf8_lossy(plain.get(range).unwrap_or(&[])).into_owned();
        record.kind = facts.kind;
        record.level = facts.level;
        record.uptime_ns = facts.uptime_ns;
        record.time_ns = facts.time_ns;
        record.is_date_incomplete = facts.is_date_incomplete;
        record.n_dropped = facts.n_dropped;
        record.module = text(facts.module);
        record.message = text(facts.message);
        if let Some(database) = &dictionaries.tokens
            && may_have_tokens(row)
        {
            let found = detokenize(&record.message, database);
            record.message = found.text;
            record.template = found.first_token.map(u64::from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::formats::log::LogFormat as _;
    use crate::formats::log::dictionaries::LogDictionaries;
    use crate::model::log::{LogLevel, LogRecord};

    #[test]
    fn a_coloured_line_is_read_without_its_colours() {
        let mut record = LogRecord::default();
        let row = b"\x1b[0;31mE (512) nvs: not found\x1b[0m\r\n";
        Text.decode(row, &LogDictionaries::default(), &mut record);
        assert_eq!(record.level, Some(LogLevel::Error));
        assert_eq!(
            (record.module.as_str(), record.message.as_str()),
            ("nvs", "not found")
        );
        assert_eq!(record.uptime_ns, Some(512_000_000));
        Text.decode(b"\xff\x00ok", &LogDictionaries::default(), &mut record);
        assert_eq!(record.message, "\u{fffd}\0ok");
    }
}
