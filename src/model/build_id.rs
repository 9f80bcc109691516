//! Build ids: what ties a dump to the ELF it ran.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The identity of one build: the bytes of a GNU build id, or a hash of the sections of an ELF without one.
///
/// Printed and serialized as lower-case hex. A device may report only the first bytes: see [`BuildId::matches`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildId(Vec<u8>);

/// The shortest build id (in bytes) that is taken as a prefix of a longer one.
pub const SHORTEST_PREFIX_BYTES: usize = 4;

impl BuildId {
    /// Wraps raw bytes; `None` when there are too few to identify anything.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= SHORTEST_PREFIX_BYTES).then(|| Self(bytes.to_vec()))
    }

    /// An id made from a digest: what an ELF without a build id is keyed by.
    pub fn from_digest(digest: [u8; 20]) -> Self {
        Self(digest.to_vec())
    }

    /// Parses hex digits in either case, with or without separators; `None` when it is not a build id.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let bytes: Vec<u8> = text
            .as_bytes()
            .chunks_exact(2)
            .filter_map(|pair| {
                std::str::from_utf8(pair)
                    .ok()
                    .and_then(|s| u8::from_str_radix(s, 16).ok())
            })
            .collect();
        Self::from_bytes(&bytes)
    }

    /// The bytes, at least [`SHORTEST_PREFIX_BYTES`] of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first eight hex digits, for chips and lists.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }

    /// True when one id is a prefix of the other (devices often store a short one).
    pub fn matches(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildId({self})")
    }
}

impl Serialize for BuildId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BuildId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not a build id"))
    }
}

#[cfg(test)]
mod tests {
    use super::BuildId;

    #[test]
    fn a_short_id_matches_by_prefix_and_a_different_one_does_not() {
        let full = BuildId::from_hex("56e24a716eeb9f842b28f2dcd2335ff722554247").unwrap();
        assert!(full.matches(&BuildId::from_hex("56E24A71").unwrap()));
        assert!(!full.matches(&BuildId::from_hex("56e24a72").unwrap()));
        assert!(
            BuildId::from_hex("56e2").is_none(),
            "too short to mean anything"
        );
        assert!(BuildId::from_hex("56e24a7z").is_none());
    }
}
