//! SHA-256: the name of bytes by their content.

use crate::model::progress::{Cancelled, Progress};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use sha2::Digest as _;
use std::fmt;

/// A SHA-256, printed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The hash of many `bytes`; ticks in bytes.
    pub fn of_many(bytes: &[u8], progress: &dyn Progress) -> Result<Self, Cancelled> {
        const AT_ONCE: usize = 16 << 20;
        let mut hasher = Hasher::default();
        let mut done: u64 = 0;
        for part in bytes.chunks(AT_ONCE) {
            progress.tick(done, bytes.len() as u64)?;
            hasher.add(part);
            done = done.saturating_add(part.len() as u64);
        }
        Ok(hasher.finish())
    }

    /// The hash of a set of files: equal sets have equal hashes, whatever order they came in.
    ///
    /// Hashed are the files sorted by path, each as length of the path (8 bytes, little endian), path, hash.
    pub fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let mut sorted: Vec<(&str, Self)> = files.into_iter().collect();
        sorted.sort();
        let mut hasher = sha2::Sha256::new();
        for (path, hash) in sorted {
            hasher.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(hash.0);
        }
        Self(hasher.finalize().into())
    }
}

/// Makes the hash of bytes that come in parts.
#[derive(Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Adds the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all that were added.
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl ToSql for Sha256 {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_slice()))
    }
}

impl FromSql for Sha256 {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        <[u8; 32]>::try_from(bytes)
            .map(Self)
            .map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::Sha256;

    #[test]
    fn the_hash_of_abc_is_the_one_of_fips_180_4() {
        assert_eq!(
            Sha256::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_set_of_files_hashes_by_content_and_not_by_order() {
        let (a, b) = (Sha256::of(b"a"), Sha256::of(b"b"));
        let set = Sha256::of_files([("x", a), ("y", b)]);
        assert_eq!(set, Sha256::of_files([("y", b), ("x", a)]));
        assert_ne!(set, Sha256::of_files([("x", b), ("y", a)]));
    }
}
