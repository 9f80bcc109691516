//! What is searched for in lines: a text or a regular expression.

use super::filter::LogFilter;
use regex::bytes::{Regex, RegexBuilder};

/// Expressions that would need more memory than this are refused.
const LARGEST_REGEX: usize = 16 << 20;

/// Finds lines.
pub enum Matcher {
    /// A text, byte by byte.
    Text(Box<memchr::memmem::Finder<'static>>),
    /// A regular expression.
    Regex(Box<Regex>),
}

impl Matcher {
    /// Lines that hold a text.
    pub fn text(text: &str, match_case: bool) -> Result<Self, String> {
        if match_case {
            let finder = memchr::memmem::Finder::new(text).into_owned();
            return Ok(Self::Text(Box::new(finder)));
        }
        Self::regex(&regex::escape(text), false)
    }

    /// Lines that match an expression; the error is one for people.
    pub fn regex(pattern: &str, match_case: bool) -> Result<Self, String> {
        // Letters and digits alone are a text, which is found several times faster.
        if match_case && !pattern.is_empty() && regex::escape(pattern) == pattern {
            return Self::text(pattern, true);
        }
        RegexBuilder::new(pattern)
            .multi_line(true)
            .case_insensitive(!match_case)
            .size_limit(LARGEST_REGEX)
            .build()
            .map(|regex| Self::Regex(Box::new(regex)))
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => {
                    format!("the expression {pattern} is too large")
                }
                other => why(pattern, &other.to_string()),
            })
    }

    /// What a filter looks for in lines; `None` for one that does not.
    pub fn of_filter(filter: &LogFilter) -> Option<Result<Self, String>> {
        match filter {
            LogFilter::Text { text, match_case } => Some(Self::text(text, *match_case)),
            LogFilter::Regex {
                pattern,
                match_case,
            } => Some(Self::regex(pattern, *match_case)),
            _ => None,
        }
    }

    /// The text, if it is one whose capitals count.
    pub fn literal(&self) -> Option<&[u8]> {
        match self {
            Self::Text(finder) => Some(finder.needle()),
            Self::Regex(_) => None,
        }
    }

    /// Where the next match from `at` begins.
    fn find_from(&self, bytes: &[u8], at: usize) -> Option<usize> {
        match self {
            Self::Text(finder) => {
                let found = finder.find(bytes.get(at..)?)?;
                Some(at.saturating_add(found))
            }
            Self::Regex(regex) => (at <= bytes.len())
                .then(|| regex.find_at(bytes, at))
                .flatten()
                .map(|found| found.start()),
        }
    }

    /// True when one line matches.
    pub fn is_match(&self, line: &[u8]) -> bool {
        match self {
            Self::Text(finder) => finder.find(line).is_some(),
            Self::Regex(regex) => regex.is_match(line),
        }
    }

    /// The first match in a line.
    pub fn find(&self, line: &[u8]) -> Option<std::ops::Range<usize>> {
        match self {
            Self::Text(finder) => {
                let start = finder.find(line)?;
                Some(start..start.saturating_add(finder.needle().len()))
            }
            Self::Regex(regex) => regex.find(line).map(|found| found.range()),
        }
    }

    /// Calls `found` with the start and end of each line of a block that matches, in order. Lines are not looked at one by
    /// one: the block is searched as a whole, and a hit leads to its line.
    pub fn lines(&self, block: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut at = 0;
        while let Some(hit) = self.find_from(block, at) {
            let before = block.get(at..hit).unwrap_or(&[]);
            let start = memchr::memrchr(b'\n', before)
                .map_or(at, |back| at.saturating_add(back).saturating_add(1));
            let rest = block.get(hit..).unwrap_or(&[]);
            let end = memchr::memchr(b'\n', rest).map_or(block.len(), |n| hit.saturating_add(n));
            if hit >= block.len() && start >= block.len() && !block.is_empty() {
                // Behind the last line end there is no line.
                return;
            }
            let is_sure = match self {
                Self::Text(_) => true,
                // A match may have begun here only because it reaches into the next line.
                Self::Regex(regex) => regex.is_match(block.get(start..end).unwrap_or(&[])),
            };
            if is_sure {
                found(start, end);
            }
            at = end.saturating_add(1);
            if at > block.len() {
                return;
            }
        }
    }
}

/// What is wrong with an expression and where, from the drawing that the `regex` crate makes of it: the expression with four
/// spaces before it, a caret below the place, `error: ` and the reason.
fn why(pattern: &str, drawn: &str) -> String {
    let last = drawn.lines().last().unwrap_or("it cannot be read");
    let reason = last.trim_start_matches("error: ");
    let mut carets = drawn.lines().filter(|line| {
        let drawn = line.trim();
        !drawn.is_empty() && drawn.bytes().all(|byte| byte == b'^')
    });
    let column = carets.next().and_then(|line| line.find('^'));
    let place = column
        .and_then(|column| column.checked_sub(3))
        .filter(|_| !pattern.contains('\n'))
        .map_or_else(String::new, |n| format!(", at character {n}"));
    format!("the expression {pattern} cannot be used: {reason}{place}")
}

#[cfg(test)]
mod tests {
    use super::Matcher;

    fn lines(matcher: &Matcher, block: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        matcher.lines(block, |start, end| {
            found.push(String::from_utf8_lossy(&block[start..end]).into_owned());
        });
        found
    }

    #[test]
    fn a_block_gives_the_lines_that_match_one_by_one() {
        let block = b"one two\ntwo\n\nthree two two\r\nfour";
        for pattern in [
            "two", "t.o", "^t", "o$", "", "^$", "\\s", "e\\s", "two\\r?$", "(?i)TWO", "x", "four",
            "r$",
        ] {
            for case in [true, false] {
                let matcher = Matcher::regex(pattern, case).unwrap();
                let naive: Vec<String> = block
                    .split(|byte| *byte == b'\n')
                    .filter(|line| matcher.is_match(line))
                    .map(|line| String::from_utf8_lossy(line).into_owned())
                    .collect();
                assert_eq!(lines(&matcher, block), naive, "{pattern}");
            }
        }
        assert_eq!(
            lines(&Matcher::text("two", true).unwrap(), b"two\ntwo\n").len(),
            2
        );
        assert_eq!(
            lines(&Matcher::regex("^", true).unwrap(), b"a\nb\n").len(),
            2
        );
    }

    #[test]
    fn what_is_wrong_with_an_expression_is_said() {
        let error = Matcher::regex("a(", true).map(|_| ()).unwrap_err();
        assert!(
            error.contains("a(") && error.contains("unclosed group"),
            "{error}"
        );
        for (pattern, place) in [
            ("a(", "at character 2"),
            ("ab[c", "at character 3"),
            ("\u{e4}\u{e4}*{2", "at character 4"),
            ("x**\\p{zz}", "at character 4"),
            ("^(", "at character 2"),
        ] {
            let error = Matcher::regex(pattern, true).map(|_| ()).unwrap_err();
            assert!(error.ends_with(place), "{error}");
        }
        assert!(Matcher::regex("(a{1000}){1000}{1000}", true).is_err());
    }
}
