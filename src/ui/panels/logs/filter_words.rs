//! What a filter is called, and what it lets through in a sentence.

use crate::engine::logs::filter::{Chip, LogFilter};
use crate::engine::logs::moment::Moments;
use crate::engine::logs::view::LogPart;
use crate::ui::words;

/// Characters of a message on a chip.
const MESSAGE: usize = 48;

/// `level ≥ error`, `not "wifi"`.
pub(super) fn words_of(chip: &Chip, moments: &Moments) -> String {
    let what = match &chip.filter {
        LogFilter::Level { at_least } => format!("level \u{2265} {}", at_least.name()),
        LogFilter::Module { names } => format!("module {}", names.join(", ")),
        LogFilter::Device { serials } => format!("device {}", serials.join(", ")),
        LogFilter::Boot { first, last } if first == last => format!("boot {}", words::boot(*first)),
        LogFilter::Boot { first, last } => {
            format!("boots {}-{}", words::boot(*first), words::boot(*last))
        }
        LogFilter::Text { text, match_case } => format!("\"{text}\"{}", case(*match_case)),
        LogFilter::Regex {
            pattern,
            match_case,
        } => format!("/{pattern}/{}", case(*match_case)),
        LogFilter::Time { from_ns, to_ns } => span(
            (*from_ns > i64::MIN).then(|| moments.text(*from_ns)),
            (*to_ns < i64::MAX).then(|| moments.text(*to_ns)),
            "any time",
        ),
        LogFilter::Rows { first, last } => {
            let line = |row: u64| format!("line {}", words::number(row.saturating_add(1)));
            span(
                (*first > 0).then(|| line(*first)),
                (*last < u64::MAX).then(|| line(*last)),
                "any line",
            )
        }
        LogFilter::NearCrash { n_before, n_after } => {
            format!("near a crash (\u{2212}{n_before}, +{n_after})")
        }
        LogFilter::Template { text, .. } if text.is_empty() => "one message".to_owned(),
        LogFilter::Template { text, .. } => format!("message {}", words::cut(text, MESSAGE)),
        LogFilter::OnlyHere { good } => format!("not in {}", words::file_name(&good.name())),
    };
    if chip.negated {
        format!("not {what}")
    } else {
        what
    }
}

/// The same among merged logs, whose boots are counted in each of them.
pub(super) fn words_in(chip: &Chip, moments: &Moments, parts: &[LogPart]) -> String {
    let LogFilter::Boot { first, last } = chip.filter else {
        return words_of(chip, moments);
    };
    let Some(part) = parts.iter().rev().find(|part| part.first_boot <= first) else {
        return words_of(chip, moments);
    };
    let own = LogFilter::Boot {
        first: first.saturating_sub(part.first_boot),
        last: last.saturating_sub(part.first_boot),
    };
    let own = Chip {
        filter: own,
        ..chip.clone()
    };
    format!("{} of {}", words_of(&own, moments), part.name)
}

fn case(match_case: bool) -> &'static str {
    if match_case { " Aa" } else { "" }
}

fn span(from: Option<String>, to: Option<String>, any: &str) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (Some(from), None) => format!("from {from}"),
        (None, Some(to)) => format!("until {to}"),
        (None, None) => any.to_owned(),
    }
}

/// One sentence on what it lets through.
pub(super) fn lets_through(chip: &Chip, moments: &Moments) -> String {
    let what = match &chip.filter {
        LogFilter::Level { at_least } => {
            format!("at level {} or above", at_least.name())
        }
        LogFilter::Module { names } => format!("of {}", names.join(" or ")),
        LogFilter::Device { serials } => format!("of the device {}", serials.join(" or ")),
        LogFilter::Boot { .. } => format!("of {}", plain(chip, moments)),
        LogFilter::Text { text, match_case } => format!(
            "that hold \"{text}\"{}",
            if *match_case {
                ", with these capitals"
            } else {
                ""
            }
        ),
        LogFilter::Regex {
            pattern,
            match_case,
        } => format!(
            "that match the expression {pattern}{}",
            if *match_case {
                ", with these capitals"
            } else {
                ""
            }
        ),
        LogFilter::Time { .. } => format!(
            "whose time is {}; lines without a time are left out",
            plain(chip, moments)
        ),
        LogFilter::Rows { .. } => plain(chip, moments),
        LogFilter::NearCrash { n_before, n_after } => format!(
            "of a crash, {} before it and {} behind it",
            words::count(*n_before, "line", "lines"),
            words::count(*n_after, "line", "lines")
        ),
        LogFilter::Template { text, .. } => format!("of the message {text}"),
        LogFilter::OnlyHere { good } => {
            format!("whose message is not in {}", words::file_name(&good.name()))
        }
    };
    if chip.negated {
        format!("Lets through all lines but those {what}.")
    } else {
        format!("Lets through lines {what}.")
    }
}

fn plain(chip: &Chip, moments: &Moments) -> String {
    let plain = Chip {
        negated: false,
        ..chip.clone()
    };
    words_of(&plain, moments)
}
