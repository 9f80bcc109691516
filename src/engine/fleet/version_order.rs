//! The order of versions by their names: 1.9 before 1.10, a candidate before its release.

/// Begins what comes before the release that it is named after.
const BEFORE_RELEASE: &[&str] = &["alpha", "beta", "dev", "pre", "rc", "snapshot"];

/// A part of a name: digits, or what lies between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// How many digits without leading zeros, and they: larger numbers than any integer type holds have their order too.
    Number(usize, String),
    Text(String),
}

/// Names in the order of their keys are in the order of their versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct VersionKey {
    base: Vec<Part>,
    is_release: bool,
    rest: Vec<Part>,
    /// Names that differ in nothing else keep an order.
    name: String,
}

impl VersionKey {
    pub(in crate::engine) fn of(name: &str) -> Self {
        let (base, rest) = match name.split_once(['-', '+', '~']) {
            Some((base, rest)) if base.contains(|c: char| c.is_ascii_digit()) => (base, rest),
            _ => (name, ""),
        };
        let lower = rest.to_ascii_lowercase();
        let is_before = BEFORE_RELEASE.iter().any(|word| lower.starts_with(word));
        Self {
            base: parts(base),
            is_release: !is_before,
            rest: parts(&lower),
            name: name.to_owned(),
        }
    }
}

fn parts(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit);
        let (own, next) = rest
            .split_at_checked(end.unwrap_or(rest.len()))
            .unwrap_or((rest, ""));
        parts.push(if is_digit {
            let digits = own.trim_start_matches('0');
            Part::Number(digits.len(), digits.to_owned())
        } else {
            Part::Text(own.to_owned())
        });
        rest = next;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::VersionKey;

    #[test]
    fn versions_are_ordered_as_people_count() {
        let ordered = [
            "",
            "1.4.2-rc1",
            "1.4.2-rc2",
            "1.4.2-rc10",
            "1.4.2",
            "1.4.2-4-g12ab",
            "1.4.9",
            "1.4.10",
            "1.10.0",
            "2",
            "2026.11",
            "99999999999999999999999999999999999999998",
            "99999999999999999999999999999999999999999",
            "fw-9",
            "fw-10",
            "ü1",
        ];
        let mut names = ordered;
        names.reverse();
        names.sort_by_cached_key(|name| VersionKey::of(name));
        assert_eq!(names, ordered);
    }
}
