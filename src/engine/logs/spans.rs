//! Parts of a message with a look of their own: colours that the device wrote, and matches of what is searched for.

use super::matcher::Matcher;
use super::view::{LogSpan, SpanKind};
use crate::formats::log::ansi;

/// Parts of one kind that are marked in a row; a row of nothing but matches stays quick to draw.
const MOST_SPANS: usize = 64;
const ESC: u8 = 0x1b;

/// What the escapes so far have switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Style {
    /// 0-15.
    colour: Option<u8>,
    bold: bool,
}

/// The parts of `message` that the row's own bytes colour (SGR, ECMA-48 section 8.3.117, with the 256 colours of xterm
/// brought down to the 16 that every terminal has). Ground colours are left out: they fight with ours.
pub fn colours(raw: &[u8], message: &str) -> Vec<LogSpan> {
    if memchr::memchr(ESC, raw).is_none() || message.is_empty() {
        return Vec::new();
    }
    let (text, runs) = runs_of(raw);
    // The message is what stands behind the head: the last place where it is found.
    let Some(start) = text.rfind(message) else {
        return Vec::new();
    };
    let ends = runs.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    let inside = |at: usize| at.saturating_sub(start).min(message.len());
    runs.iter()
        .zip(ends)
        .filter(|((_, style), _)| *style != Style::default())
        .map(|((from, style), to)| LogSpan {
            range: inside(*from)..inside(to),
            kind: SpanKind::Ansi {
                colour: style.colour,
                bold: style.bold,
            },
        })
        .filter(|span| !span.range.is_empty())
        .take(MOST_SPANS)
        .collect()
}

/// Every match in a message.
pub fn matches(matcher: &Matcher, message: &str) -> Vec<LogSpan> {
    let mut spans = Vec::new();
    let mut from: usize = 0;
    while spans.len() < MOST_SPANS
        && let Some(rest) = message.as_bytes().get(from..)
        && let Some(found) = matcher.find(rest)
    {
        let range = from.saturating_add(found.start)..from.saturating_add(found.end);
        // An expression may match nothing at all: then there is nothing to mark.
        from = range.end.saturating_add(usize::from(range.is_empty()));
        if !range.is_empty() && message.get(range.clone()).is_some() {
            spans.push(LogSpan {
                range,
                kind: SpanKind::Match,
            });
        }
    }
    spans
}

/// The text without escapes, and where in it each style begins.
fn runs_of(raw: &[u8]) -> (String, Vec<(usize, Style)>) {
    let mut text = String::with_capacity(raw.len());
    let mut style = Style::default();
    let mut runs = vec![(0, style)];
    let mut rest = raw;
    while let Some(at) = memchr::memchr(ESC, rest) {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        text.push_str(&String::from_utf8_lossy(before));
        let (escape, behind) = escape
            .split_at_checked(ansi::escape_len(escape))
            .unwrap_or((escape, &[]));
        rest = behind;
        if let Some(parameters) = escape
            .strip_prefix(b"\x1b[")
            .and_then(|body| body.strip_suffix(b"m"))
        {
            style.apply(parameters);
            runs.push((text.len(), style));
        }
    }
    text.push_str(&String::from_utf8_lossy(rest));
    (text, runs)
}

impl Style {
    fn apply(&mut self, parameters: &[u8]) {
        // A missing parameter is 0; one that is no number says nothing.
        let mut numbers = parameters
            .split(|byte| matches!(byte, b';' | b':'))
            .map(|digits| match digits {
                [] => Some(0),
                digits => std::str::from_utf8(digits).ok()?.parse::<u8>().ok(),
            });
        while let Some(number) = numbers.next() {
            match number {
                Some(0) => *self = Self::default(),
                Some(1) => self.bold = true,
                Some(22) => self.bold = false,
                Some(n @ 30..=37) => self.colour = n.checked_sub(30),
                Some(n @ 90..=97) => self.colour = n.checked_sub(82),
                Some(39) => self.colour = None,
                Some(n @ (38 | 48)) => {
                    let mut next = || numbers.next().flatten();
                    let colour = match next() {
                        Some(5) => next().map(of_256),
                        Some(2) => match (next(), next(), next()) {
                            (Some(r), Some(g), Some(b)) => Some(nearest([r, g, b])),
                            _ => None,
                        },
                        _ => None,
                    };
                    if n == 38 && colour.is_some() {
                        self.colour = colour;
                    }
                }
                _ => {}
            }
        }
    }
}

/// One of xterm's 256 colours: 16 named ones, a cube of 6 steps a side, 24 greys.
fn of_256(n: u8) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |n: u8| STEPS.get(usize::from(n % 6)).copied().unwrap_or(255);
    match n {
        0..=15 => n,
        16..=231 => {
            let n = n.saturating_sub(16);
            nearest([step(n / 36), step(n / 6), step(n)])
        }
        232..=255 => nearest([n.saturating_sub(232).saturating_mul(10).saturating_add(8); 3]),
    }
}

/// The one of xterm's 16 colours that is least far away.
fn nearest(rgb: [u8; 3]) -> u8 {
    const XTERM: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    let distance = |other: &[u8; 3]| -> u32 {
        let parts = rgb.iter().zip(other);
        parts
            .map(|(a, b)| u32::from(a.abs_diff(*b)).saturating_pow(2))
            .sum()
    };
    let colours = (0_u8..).zip(&XTERM);
    let best = colours.min_by_key(|(_, other)| distance(other));
    best.map_or(7, |(n, _)| n)
}

#[cfg(test)]
mod tests {
    use super::{Matcher, SpanKind, colours, matches};

    /// Colour, bold and text of each part.
    fn parts(raw: &[u8], message: &str) -> Vec<(Option<u8>, bool, String)> {
        colours(raw, message)
            .into_iter()
            .map(|span| match span.kind {
                SpanKind::Ansi { colour, bold } => (colour, bold, message[span.range].to_owned()),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn colours_of_the_line_are_those_of_its_message() {
        let esp = b"\x1b[0;31mE (512) nvs: not found\x1b[0m\r\n";
        assert_eq!(
            parts(esp, "not found"),
            [(Some(1), false, "not found".to_owned())]
        );
        let zephyr =
            b"[00:00:01.000,000] \x1b[1;33m<wrn> wifi: retry \x1b[38;5;9min\x1b[39m 5\x1b[m s\n";
        assert_eq!(
            parts(zephyr, "retry in 5 s"),
            [
                (Some(3), true, "retry ".to_owned()),
                (Some(9), true, "in".to_owned()),
                (None, true, " 5".to_owned())
            ]
        );
        assert_eq!(
            parts(
                b"\x1b[38;2;250;10;10mhot\x1b[0m \x1b[94mblue\x1b[48;5;1m!",
                "hot blue!"
            ),
            [
                (Some(9), false, "hot".to_owned()),
                (Some(12), false, "blue".to_owned()),
                (Some(12), false, "!".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_no_colour_is_left_alone() {
        for raw in [
            &b"plain"[..],
            b"\x1b[2Kplain",
            b"\x1b[38;5mplain",
            b"\x1b[999;xmplain",
            b"\x1b[38;2;1mplain",
            b"\x1b[mplain\x1b[31",
        ] {
            assert_eq!(parts(raw, "plain"), [], "{raw:?}");
        }
        // Bytes that are no text keep their place.
        assert_eq!(
            parts(b"\xff\x1b[32mok", "\u{fffd}ok"),
            [(Some(2), false, "ok".to_owned())]
        );
        // What a token stands for was not coloured by the device.
        assert_eq!(parts(b"\x1b[32m$AAAA", "decoded"), []);
    }

    #[test]
    fn every_match_is_marked_and_an_empty_one_ends() {
        let ranges = |matcher: &Matcher, text: &str| -> Vec<_> {
            let spans = matches(matcher, text).into_iter();
            spans.map(|span| span.range).collect()
        };
        let text = Matcher::text("re", false).unwrap();
        assert_eq!(ranges(&text, "Retry, reset, RE"), [0..2, 7..9, 14..16]);
        assert_eq!(ranges(&Matcher::regex("x*", true).unwrap(), "ab x"), [3..4]);
    }
}
