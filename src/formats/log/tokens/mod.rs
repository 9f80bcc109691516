//! Tokenized text (Pigweed, `pw_tokenizer`): `$` and base64 stand in a line for a format string and its arguments; the
//! strings are in the ELF or in a database file.
//!
//! The message (`pw_tokenizer`, "Encoding"): a token of four bytes, least significant first, then the arguments: integers as
//! zigzag varints, floats of four bytes, strings with a length byte (bit 7: cut off). In text: `$` + base64; `$#hex8`,
//! `$10#decimal10`, `$8#octal11` name a token without arguments; `${domain}` may stand before. Decoded text is searched
//! again, so that strings may contain tokens.

mod arguments;
pub(super) mod base64;
mod database;

pub use database::TokenDatabase;

use arguments::fill;
use memchr::memchr;

/// Tokens in tokens in tokens are followed this far.
const MOST_ROUNDS: usize = 8;
/// A line is not made longer than this: a database may hold strings that grow without end.
const LONGEST_TEXT: usize = 64 << 10;

/// What became of the tokens of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detokenized {
    /// The text with its tokens replaced.
    pub text: String,
    /// The first token that was replaced.
    pub first_token: Option<u32>,
    /// Tokens that the database does not have (base64 ones only: other text may look like a token).
    pub n_unknown: usize,
}

/// True when there may be a token in a line: what costs nothing to ask of every line.
pub fn may_have_tokens(line: &[u8]) -> bool {
    memchr(b'$', line).is_some()
}

/// Replaces the tokens of a text.
pub fn detokenize(text: &str, database: &TokenDatabase) -> Detokenized {
    let mut found = Detokenized {
        text: text.to_owned(),
        ..Detokenized::default()
    };
    for _ in 0..MOST_ROUNDS {
        found.n_unknown = 0;
        match round(
            &found.text,
            database,
            &mut found.first_token,
            &mut found.n_unknown,
        ) {
            Some(text) if text.len() <= LONGEST_TEXT => found.text = text,
            _ => break,
        }
    }
    found
}

/// Replaces once; `None` when nothing changed.
fn round(
    text: &str,
    database: &TokenDatabase,
    first: &mut Option<u32>,
    n_unknown: &mut usize,
) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_changed = false;
    while let Some(at) = rest.find('$') {
        let (before, here) = rest.split_at_checked(at)?;
        out.push_str(before);
        let token = Token::at_start(here);
        let (own, behind) = here.split_at_checked(token.as_ref().map_or(1, |token| token.len))?;
        let replaced = token.and_then(|token| token.replaced(database, first, n_unknown));
        is_changed |= replaced.is_some();
        out.push_str(replaced.as_deref().unwrap_or(own));
        rest = behind;
    }
    out.push_str(rest);
    is_changed.then_some(out)
}

/// A token in a text.
struct Token<'a> {
    /// Bytes of the text, the `$` included.
    len: usize,
    domain: &'a str,
    digits: Digits<'a>,
}

/// How a token is written.
enum Digits<'a> {
    /// With its arguments.
    Base64(&'a str),
    /// By itself, in this base.
    Number(&'a str, u32),
}

impl<'a> Token<'a> {
    /// The token that `text` begins with, after its `$`.
    fn at_start(text: &'a str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut domain = "";
        if let Some(inside) = rest.strip_prefix('{')
            && let Some((name, behind)) = inside.split_once('}')
            && is_domain(name)
        {
            domain = name;
            rest = behind;
        }
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let with_base = rest.get(n_digits..).and_then(|rest| rest.strip_prefix('#'));
        let digits = match (with_base, rest.get(..n_digits)?) {
            (Some(behind), "" | "16") => {
                rest = behind;
                number(behind, 8, 16)?
            }
            (Some(behind), "10") => {
                rest = behind;
                number(behind, 10, 10)?
            }
            (Some(behind), "8") => {
                rest = behind;
                number(behind, 11, 8)?
            }
            (Some(behind), "64") => {
                rest = behind;
                Digits::Base64(base64::prefix(behind))
            }
            _ => Digits::Base64(base64::prefix(rest)),
        };
        let n_own = match &digits {
            Digits::Base64(text) | Digits::Number(text, _) => text.len(),
        };
        if n_own == 0 {
            return None;
        }
        let len = text.len().saturating_sub(rest.len()).saturating_add(n_own);
        Some(Self {
            len,
            domain,
            digits,
        })
    }

    /// The text behind the token; `None` when the database does not say.
    fn replaced(
        &self,
        database: &TokenDatabase,
        first: &mut Option<u32>,
        n_unknown: &mut usize,
    ) -> Option<String> {
        let (token, text) = match self.digits {
            Digits::Number(digits, base) => {
                let token = u32::from_str_radix(digits, base).ok()?;
                (token, database.only(self.domain, token)?.to_owned())
            }
            Digits::Base64(text) => {
                let bytes = base64::decode(text)?;
                let mut token = [0; 4];
                for (byte, slot) in bytes.iter().zip(&mut token) {
                    *slot = *byte;
                }
                let token = u32::from_le_bytes(token);
                let arguments = bytes.get(4..).unwrap_or(&[]);
                let Some(text) = best(database, token, arguments) else {
                    *n_unknown = n_unknown.saturating_add(1);
                    return None;
                };
                (token, text)
            }
        };
        first.get_or_insert(token);
        Some(text)
    }
}

fn is_domain(name: &str) -> bool {
    let is_part = |byte: u8| {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':' || byte.is_ascii_whitespace()
    };
    name.bytes().all(is_part)
}

fn number(text: &str, n_digits: usize, base: u32) -> Option<Digits<'_>> {
    let digits = text.get(..n_digits)?;
    digits
        .chars()
        .all(|digit| digit.is_digit(base))
        .then_some(Digits::Number(digits, base))
}

/// Of several strings with one token (removed ones, collisions) the one that the arguments fit best.
fn best(database: &TokenDatabase, token: u32, arguments: &[u8]) -> Option<String> {
    let filled = database.entries(token).map(|entry| {
        let filled = fill(&entry.text, arguments);
        let standing = (
            filled.n_failed == 0 && filled.n_left == 0,
            filled.n_left == 0,
            std::cmp::Reverse(filled.n_failed),
            filled.n_arguments,
            // Still in use, or removed most lately.
            entry.removed.unwrap_or(u32::MAX),
        );
        (standing, filled.text)
    });
    // Of equals the first.
    let best = filled.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::{TokenDatabase, detokenize};

    fn database() -> TokenDatabase {
        let csv = "00000001,          ,\"\",\"a %s b %d %u %c %5.2f %p %lld %% %x\"\n\
                   00000002,          ,\"\",\"nested $#00000003 and %s\"\n\
                   00000003,          ,\"\",\"three\"\n\
                   00000004,2020-01-01,\"\",\"old %s\"\n\
                   00000004,          ,\"\",\"new %d\"\n\
                   00000005,          ,\"dom\",\"in a domain\"\n\
                   00000006,          ,\"\",\"again $BgAAAA==\"\n";
        TokenDatabase::parse(csv.as_bytes()).unwrap()
    }

    fn text(text: &str) -> String {
        detokenize(text, &database()).text
    }

    #[test]
    fn what_is_no_token_stays_as_it_is() {
        for same in [
            "costs $5", "$", "$$$", "$#0000", "$AAAA", "${x", "a$", "$10#99", "üñ$ï",
        ] {
            assert_eq!(text(same), same);
        }
        let unknown = detokenize("x $/////w== y", &database());
        assert_eq!(
            (unknown.text.as_str(), unknown.n_unknown),
            ("x $/////w== y", 1)
        );
    }

    #[test]
    fn tokens_by_number_and_in_domains_are_found() {
        assert_eq!(text("$#00000003!"), "three!");
        assert_eq!(text("$10#0000000003"), "three");
        assert_eq!(text("${dom}#00000005"), "in a domain");
        assert_eq!(
            text("${ dom }16#00000005 $#00000005"),
            "in a domain $#00000005"
        );
    }

    #[test]
    fn of_several_strings_the_one_that_fits_is_taken_and_loops_end() {
        // token 4 with a varint, and with a string
        assert_eq!(text("$BAAAAAY="), "new 3");
        assert_eq!(text("$BAAAAAJoaQ=="), "old hi");
        assert!(text("$BgAAAA==").starts_with("again again again"));
    }
}
