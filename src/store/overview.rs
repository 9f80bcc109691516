//! The workspace in numbers.

use crate::store::{error::StoreError, reader::Reader, rows::unsigned};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Captures.
    pub n_captures: u64,
    /// Boots in them.
    pub n_boots: u64,
    /// Different crashes (a dump that is in two captures counts once).
    pub n_crashes: u64,
    /// Those of them that wait for symbols.
    pub n_crashes_without_symbols: u64,
    /// Devices, each unknown one counted.
    pub n_devices: u64,
    /// Builds that something mentions.
    pub n_builds: u64,
    /// Known places of symbol files.
    pub n_symbol_files: u64,
    /// Captures that can be restored.
    pub n_removed: u64,
    /// Bytes of all kept files, each content once.
    pub raw_bytes: u64,
    /// What they take, compressed.
    pub stored_bytes: u64,
    /// The whole file.
    pub file_bytes: u64,
    /// Grows with every change.
    pub revision: u64,
}

impl Reader {
    /// The workspace in numbers.
    pub fn overview(&self) -> Result<Overview, StoreError> {
        self.ask(|connection| {
            Ok(connection.query_row(
                "SELECT \
                 (SELECT count(*) FROM captures WHERE removed_at IS NULL) AS n_captures, \
                 (SELECT count(*) FROM boots b JOIN captures c ON c.id = b.capture \
                  WHERE c.removed_at IS NULL) AS n_boots, \
                 (SELECT count(DISTINCT coalesce('dump ' || x.dump_key, 'crash ' || x.id)) \
                  FROM crashes x JOIN captures c ON c.id = x.capture \
                  WHERE c.removed_at IS NULL) AS n_crashes, \
                 (SELECT count(DISTINCT coalesce('dump ' || x.dump_key, 'crash ' || x.id)) \
                  FROM crashes x JOIN captures c ON c.id = x.capture \
                  WHERE c.removed_at IS NULL AND x.symbolized = 0) AS n_waiting, \
                 (SELECT count(DISTINCT p.device) FROM capture_devices p \
                  JOIN captures c ON c.id = p.capture WHERE c.removed_at IS NULL) \
                  AS n_devices, \
                 (SELECT count(*) FROM builds) AS n_builds, \
                 (SELECT count(*) FROM symbol_files) AS n_symbol_files, \
                 (SELECT count(*) FROM captures WHERE removed_at IS NOT NULL) AS n_removed, \
                 (SELECT coalesce(sum(size), 0) FROM blobs) AS raw_bytes, \
                 (SELECT coalesce(sum(length(bytes)), 0) FROM blob_parts) AS stored_bytes, \
                 (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) \
                  AS file_bytes, \
                 (SELECT revision FROM workspace) AS revision",
                [],
                |row| {
                    Ok(Overview {
                        n_captures: unsigned(row, "n_captures")?,
                        n_boots: unsigned(row, "n_boots")?,
                        n_crashes: unsigned(row, "n_crashes")?,
                        n_crashes_without_symbols: unsigned(row, "n_waiting")?,
                        n_devices: unsigned(row, "n_devices")?,
                        n_builds: unsigned(row, "n_builds")?,
                        n_symbol_files: unsigned(row, "n_symbol_files")?,
                        n_removed: unsigned(row, "n_removed")?,
                        raw_bytes: unsigned(row, "raw_bytes")?,
                        stored_bytes: unsigned(row, "stored_bytes")?,
                        file_bytes: unsigned(row, "file_bytes")?,
                        revision: unsigned(row, "revision")?,
                    })
                },
            )?)
        })
    }
}
