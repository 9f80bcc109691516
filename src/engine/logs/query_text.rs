//! What a person writes into the field of a log: `text`, `/expression/`, and `!` before either for what does not hold it.

use super::filter::{Chip, LogFilter};

/// The filter that a text stands for; `None` of an empty one. What begins with a slash and does not end with one is a text,
/// as a path is; `\!` and `\/` at the beginning stand for themselves.
pub fn parse(text: &str, match_case: bool) -> Option<Chip> {
    let text = text.trim();
    let (negated, what) = match text.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let inner = what
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'))
        .filter(|inner| !inner.is_empty());
    let filter = if let Some(pattern) = inner {
        LogFilter::Regex {
            pattern: pattern.to_owned(),
            match_case,
        }
    } else {
        let plain = what
            .strip_prefix('\\')
            .filter(|rest| rest.starts_with(['!', '/']));
        let text = plain.unwrap_or(what).to_owned();
        if text.is_empty() {
            return None;
        }
        LogFilter::Text { text, match_case }
    };
    Some(Chip {
        negated,
        ..Chip::from(filter)
    })
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::engine::logs::filter::{Chip, LogFilter};

    #[test]
    fn slashes_make_an_expression_and_an_exclamation_mark_negates() {
        let text = |text: &str| LogFilter::Text {
            text: text.to_owned(),
            match_case: false,
        };
        let regex = |pattern: &str| LogFilter::Regex {
            pattern: pattern.to_owned(),
            match_case: false,
        };
        for (written, filter, negated) in [
            (" wifi ", text("wifi"), false),
            ("!wifi", text("wifi"), true),
            ("! wifi", text("wifi"), true),
            ("/a.b/", regex("a.b"), false),
            ("!/a.b/", regex("a.b"), true),
            ("/etc/passwd", text("/etc/passwd"), false),
            ("//", text("//"), false),
            ("\\!wifi", text("!wifi"), false),
            ("\\/a/", text("/a/"), false),
            ("!\\!", text("!"), true),
        ] {
            let chip = Chip {
                filter,
                negated,
                is_off: false,
            };
            assert_eq!(parse(written, false), Some(chip), "{written}");
        }
        for nothing in ["", "  ", "!", "! "] {
            assert_eq!(parse(nothing, false), None, "{nothing}");
        }
    }
}
