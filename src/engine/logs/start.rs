//! When a log was begun, as the manifest of its bundle says it.

use crate::engine::examine::is_manifest;
use crate::formats::log::shapes::facts;
use crate::formats::manifest;
use crate::store::error::StoreError;
use crate::store::ids::CaptureId;
use crate::store::reader::Reader;

/// When the first record of a file was made, nanoseconds since 1970, and how far off that may be; `None` when nothing says so.
pub(in crate::engine) fn started(
    reader: &Reader,
    capture: CaptureId,
    path: &str,
) -> Result<Option<(i64, u64)>, StoreError> {
    let files = reader.files(capture)?;
    let Some(file) = files.iter().rev().find(|file| is_manifest(&file.path)) else {
        return Ok(None);
    };
    let bytes = reader.file_bytes(capture, &file.path)?;
    let (manifest, _warnings) = manifest::parse(&bytes);
    let said = manifest
        .file(path)
        .and_then(|file| file.started_at.as_deref());
    Ok(said.and_then(time_of))
}

/// A time as RFC 3339 writes it, with the worth of its last digit.
fn time_of(text: &str) -> Option<(i64, u64)> {
    let line = format!("{} ", text.trim());
    let facts = facts(line.as_bytes());
    let time = facts.time_ns.filter(|_| !facts.is_date_incomplete)?;
    let (_, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let n_digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let worth = 10_u64.checked_pow(9_u32.saturating_sub(u32::try_from(n_digits).ok()?))?;
    Some((time, worth))
}

#[cfg(test)]
mod tests {
    use super::time_of;

    #[test]
    fn a_time_is_as_exact_as_it_is_written() {
        let noon = 1_706_702_400_000_000_000;
        assert_eq!(time_of("2024-01-31T12:00:00Z"), Some((noon, 1_000_000_000)));
        assert_eq!(
            time_of("2024-01-31T13:00:00.250+01:00"),
            Some((noon + 250_000_000, 1_000_000))
        );
        assert_eq!(time_of("12:00:00"), None);
        assert_eq!(time_of("yesterday"), None);
    }
}
