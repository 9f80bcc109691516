//! Single compressed files: gzip (RFC 1952, members one behind the other) and Zstandard (RFC 8878).

use super::{Container, Unpacking};
use crate::formats::lines::as_u64;
use crate::model::progress::Cancelled;
use std::io::Read;

/// Magic number and the one method there is.
pub(super) const GZIP: &[u8] = b"\x1f\x8b\x08";
pub(super) const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Endings that a compressed file loses when it is unpacked, and what they become.
const ENDINGS: [(&str, &str); 7] = [
    (".gz", ""),
    (".gzip", ""),
    (".tgz", ".tar"),
    (".tzst", ".tar"),
    (".z", ""),
    (".zst", ""),
    (".zstd", ""),
];

impl Unpacking<'_> {
    /// A compressed file that is the input itself.
    pub(super) fn compressed_input(&mut self, name: &str, bytes: &[u8]) -> Result<(), Cancelled> {
        let Some(container) = Container::of(bytes) else {
            return Ok(());
        };
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let Some(inside) = self.decompress(container, bytes, name)? else {
            return Ok(());
        };
        match Container::of(&inside) {
            Some(Container::Tar) => self.tar(&inside, "", 1),
            _ => self.unpacked(unpacked_name(name), inside, 1),
        }
    }

    /// A compressed file within an archive, under its path there.
    pub(super) fn compressed(
        &mut self,
        container: Container,
        bytes: &[u8],
        path: &str,
        depth: usize,
    ) -> Result<(), Cancelled> {
        let Some(inside) = self.decompress(container, bytes, path)? else {
            return Ok(());
        };
        match Container::of(&inside) {
            Some(Container::Tar) => self.tar(&inside, &format!("{path}/"), depth),
            _ => self.unpacked(unpacked_name(path), inside, depth),
        }
    }

    fn decompress(
        &mut self,
        container: Container,
        bytes: &[u8],
        path: &str,
    ) -> Result<Option<Vec<u8>>, Cancelled> {
        let packed = as_u64(bytes.len());
        let before = self.n_bytes;
        let inside = if container == Container::Zstd {
            match zstd::stream::read::Decoder::with_buffer(bytes) {
                Ok(mut reader) => self.inflate_to(path, &mut reader, packed)?,
                Err(error) => {
                    self.refuse(path, &format!("it cannot be read: {error}"));
                    None
                }
            }
        } else {
            let mut reader = flate2::bufread::MultiGzDecoder::new(bytes);
            self.inflate_to(path, &mut reader as &mut dyn Read, packed)?
        };
        // The files of an archive are counted when they come out of it.
        if inside.as_deref().and_then(Container::of).is_some() {
            self.n_bytes = before;
        }
        Ok(inside)
    }
}

/// `console.log` of `console.log.gz`, `bundle.tar` of `bundle.tgz`.
fn unpacked_name(path: &str) -> String {
    let lower = path.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending));
    let (stem, ending) = match ending {
        Some((ending, becomes)) => (
            path.get(..path.len().saturating_sub(ending.len())),
            *becomes,
        ),
        None => (Some(path), ""),
    };
    match stem.filter(|stem| !stem.is_empty() && !stem.ends_with('/')) {
        Some(stem) => format!("{stem}{ending}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::unpacked_name;

    #[test]
    fn a_compressed_file_loses_its_ending() {
        for (name, unpacked) in [
            ("a/console.log.gz", "a/console.log"),
            ("bundle.TGZ", "bundle.tar"),
            ("x.core.zst", "x.core"),
            ("noending", "noending"),
            (".gz", ".gz"),
            ("a/.gz", "a/.gz"),
        ] {
            assert_eq!(unpacked_name(name), unpacked);
        }
    }
}
