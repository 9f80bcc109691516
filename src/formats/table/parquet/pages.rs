//! The pages of one column in one row group. The `parquet` crate decodes what is in them; their headers and their sizes are
//! read here, so that nothing is unpacked beyond what a page may have, and no page is larger than its column.
//!
//! Layout: apache/parquet-format, src/main/thrift/parquet.thrift (`PageHeader`).

use super::thrift::{Compact, FALSE, STRUCT, TRUE};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

/// Writers make pages of about 1 MB; `DuckDB` goes up to 100 MB.
const LARGEST_PAGE_BYTES: usize = 256 << 20;

const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
const DATA_PAGE_V2: i64 = 3;

/// What unpacking zstd needs, made once for the columns of a row group: making it takes longer than many a page.
#[derive(Default)]
pub(super) struct Unpacker(Mutex<Option<zstd::bulk::Decompressor<'static>>>);

impl Unpacker {
    fn unpack_zstd(&self, packed: &[u8], to: &mut Vec<u8>) -> std::io::Result<usize> {
        // Nothing of an earlier page is left in it, so one that a panic left behind serves as well.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let zstd = match &mut *kept {
            Some(zstd) => zstd,
            none => none.insert(zstd::bulk::Decompressor::new()?),
        };
        zstd.decompress_to_buffer(packed, to)
    }
}

/// The pages of a column, one after the other.
pub(super) struct ColumnPages {
    /// The bytes of the column, all of them pages.
    bytes: Bytes,
    at: usize,
    compression: Compression,
    /// Values of data pages that are still to come.
    n_left: u64,
    has_dictionary: bool,
    unpacker: Arc<Unpacker>,
}

/// What the header of a page says. A field that it has not is -1.
#[derive(Clone, Copy, Debug)]
struct Header {
    kind: i64,
    unpacked: i64,
    packed: i64,
    crc: Option<i64>,
    n_values: i64,
    encoding: i64,
    definition_encoding: i64,
    n_nulls: i64,
    n_rows: i64,
    definition_bytes: i64,
    repetition_bytes: i64,
    is_packed: bool,
}

impl ColumnPages {
    /// Pages in `bytes`, until they have held `n_values` values.
    pub(super) fn new(
        bytes: Bytes,
        compression: Compression,
        n_values: u64,
        unpacker: Arc<Unpacker>,
    ) -> Self {
        Self {
            bytes,
            at: 0,
            compression,
            n_left: n_values,
            has_dictionary: false,
            unpacker,
        }
    }

    fn read(&mut self) -> Result<Option<Page>> {
        if self.n_left == 0 {
            return Ok(None);
        }
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or_else(|| wrong("its pages end before its values do".to_owned()))?;
        let (header, len) = Header::parse(rest)
            .ok_or_else(|| wrong(format!("no page begins at byte {} of it", self.at)))?;
        let start = self.at + len;
        let packed = usize::try_from(header.packed)
            .ok()
            .and_then(|len| Some(start..start.checked_add(len)?))
            .filter(|range| range.end <= self.bytes.len())
            .ok_or_else(|| {
                wrong(format!(
                    "the page at byte {} of it is longer than it",
                    self.at
                ))
            })?;
        self.at = packed.end;
        let packed = self.bytes.slice(packed);
        check_crc(&header, &packed)?;
        match header.kind {
            DICTIONARY_PAGE => self.dictionary(header, &packed).map(Some),
            DATA_PAGE => self.data(header, &packed).map(Some),
            DATA_PAGE_V2 => self.data_v2(header, &packed).map(Some),
            // Index pages may be passed over.
            _ => self.read(),
        }
    }

    fn dictionary(&mut self, header: Header, packed: &Bytes) -> Result<Page> {
        if self.has_dictionary {
            return Err(wrong("it has two dictionaries".to_owned()));
        }
        self.has_dictionary = true;
        let buf = self.unpack(packed, header.unpacked)?;
        let num_values = small(header.n_values)?;
        // Every value in it has a byte at least.
        if num_values as usize > buf.len() {
            return Err(wrong(format!(
                "its dictionary claims {num_values} values in {} bytes",
                buf.len()
            )));
        }
        Ok(Page::DictionaryPage {
            buf,
            num_values,
            encoding: encoding(header.encoding)?,
            is_sorted: false,
        })
    }

    fn data(&mut self, header: Header, packed: &Bytes) -> Result<Page> {
        let num_values = self.count(header.n_values)?;
        Ok(Page::DataPage {
            buf: self.unpack(packed, header.unpacked)?,
            num_values,
            encoding: self.data_encoding(header.encoding)?,
            def_level_encoding: encoding(header.definition_encoding)?,
            // Columns with repeated values are not read: nothing is encoded.
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })
    }

    fn data_v2(&mut self, header: Header, packed: &Bytes) -> Result<Page> {
        let num_values = self.count(header.n_values)?;
        let (num_nulls, num_rows) = (small(header.n_nulls)?, small(header.n_rows)?);
        let (definition, repetition) = (
            small(header.definition_bytes)?,
            small(header.repetition_bytes)?,
        );
        // Levels stand before the values and are not packed.
        let levels = definition as usize + repetition as usize;
        if levels > packed.len() || num_nulls > num_values || num_rows > num_values {
            return Err(wrong("the header of a page contradicts itself".to_owned()));
        }
        let buf = if header.is_packed {
            let values = self.unpack(
                &packed.slice(levels..),
                header.unpacked - i64::from(definition) - i64::from(repetition),
            )?;
            let mut buf = packed.slice(..levels).to_vec();
            buf.extend_from_slice(&values);
            buf.into()
        } else {
            packed.clone()
        };
        Ok(Page::DataPageV2 {
            buf,
            num_values,
            encoding: self.data_encoding(header.encoding)?,
            num_nulls,
            num_rows,
            def_levels_byte_len: definition,
            rep_levels_byte_len: repetition,
            is_compressed: header.is_packed,
            statistics: None,
        })
    }

    /// The number of values of a data page, held against what the column has.
    fn count(&mut self, n: i64) -> Result<u32> {
        let n = small(n)?;
        self.n_left = self.n_left.checked_sub(u64::from(n)).ok_or_else(|| {
            wrong(format!(
                "a page claims {n} values, more than are left of the column"
            ))
        })?;
        Ok(n)
    }

    fn data_encoding(&self, raw: i64) -> Result<Encoding> {
        let encoding = encoding(raw)?;
        let needs_dictionary = matches!(
            encoding,
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY
        );
        if needs_dictionary && !self.has_dictionary {
            return Err(wrong("its dictionary is missing".to_owned()));
        }
        Ok(encoding)
    }

    /// The bytes of a page, `len` of them.
    fn unpack(&self, packed: &Bytes, len: i64) -> Result<Bytes> {
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len <= LARGEST_PAGE_BYTES)
            .ok_or_else(|| {
                wrong(format!(
                    "a page claims {len} bytes; up to {LARGEST_PAGE_BYTES} are read"
                ))
            })?;
        let mut unpacked = Vec::new();
        match self.compression {
            Compression::UNCOMPRESSED => return Ok(packed.clone()),
            // A page of nulls has no values to unpack.
            _ if len == 0 => {}
            Compression::SNAPPY => {
                let claimed =
                    snap::raw::decompress_len(packed).map_err(|error| wrong(error.to_string()))?;
                if claimed == len {
                    unpacked.resize(len, 0);
                    let n = snap::raw::Decoder::new().decompress(packed, &mut unpacked);
                    unpacked.truncate(n.map_err(|error| wrong(error.to_string()))?);
                }
            }
            Compression::ZSTD(_) => {
                unpacked.reserve_exact(len);
                let n = self.unpacker.unpack_zstd(packed, &mut unpacked);
                n.map_err(|error| wrong(error.to_string()))?;
            }
            Compression::GZIP(_) => {
                let gzip = flate2::read::MultiGzDecoder::new(packed.as_ref());
                let n = gzip.take(len as u64 + 1).read_to_end(&mut unpacked);
                n.map_err(|error| wrong(error.to_string()))?;
            }
            other => {
                return Err(wrong(format!(
                    "it is compressed with {other}, which is not read: write it with zstd, snappy or gzip"
                )));
            }
        }
        if unpacked.len() != len {
            return Err(wrong(format!(
                "a page of {len} bytes unpacks to {}",
                unpacked.len()
            )));
        }
        Ok(unpacked.into())
    }
}

impl Header {
    /// The header, and its length.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut header = Self {
            kind: -1,
            unpacked: -1,
            packed: -1,
            crc: None,
            n_values: -1,
            encoding: -1,
            definition_encoding: -1,
            n_nulls: -1,
            n_rows: -1,
            definition_bytes: -1,
            repetition_bytes: -1,
            is_packed: true,
        };
        let mut reader = Compact::new(bytes);
        reader.structure(|reader, id, kind| {
            match id {
                1 => header.kind = reader.integer()?,
                2 => header.unpacked = reader.integer()?,
                3 => header.packed = reader.integer()?,
                4 => header.crc = Some(reader.integer()?),
                5 | 7 | 8 if kind == STRUCT => header.of_kind(reader, id)?,
                _ => return Some(false),
            }
            Some(true)
        })?;
        Some((header, reader.position()))
    }

    /// `DataPageHeader` (5), `DictionaryPageHeader` (7) or `DataPageHeaderV2` (8).
    fn of_kind(&mut self, reader: &mut Compact<'_>, of: i64) -> Option<()> {
        reader.structure(|reader, id, kind| {
            match (of, id) {
                (_, 1) => self.n_values = reader.integer()?,
                (5 | 7, 2) | (8, 4) => self.encoding = reader.integer()?,
                (5, 3) => self.definition_encoding = reader.integer()?,
                (8, 2) => self.n_nulls = reader.integer()?,
                (8, 3) => self.n_rows = reader.integer()?,
                (8, 5) => self.definition_bytes = reader.integer()?,
                (8, 6) => self.repetition_bytes = reader.integer()?,
                (8, 7) if kind == TRUE || kind == FALSE => self.is_packed = kind == TRUE,
                _ => return Some(false),
            }
            Some(true)
        })
    }
}

impl Iterator for ColumnPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl PageReader for ColumnPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.read()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(wrong("pages are not looked at in advance".to_owned()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.read().map(|_page| ())
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        // Columns with repeated values are not read, so that every page begins with a row.
        Ok(true)
    }
}

fn check_crc(header: &Header, packed: &[u8]) -> Result<()> {
    let Some(expected) = header.crc else {
        return Ok(());
    };
    let mut crc = flate2::Crc::new();
    crc.update(packed);
    // Signed in the file.
    if i64::from(crc.sum().cast_signed()) == expected {
        Ok(())
    } else {
        Err(wrong("the checksum of a page is wrong".to_owned()))
    }
}

fn small(n: i64) -> Result<u32> {
    u32::try_from(n).map_err(|_negative| wrong("the header of a page is incomplete".to_owned()))
}

fn encoding(raw: i64) -> Result<Encoding> {
    Ok(match raw {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        // Old writers name it for levels that a column does not have.
        4 => legacy_levels(),
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        other => return Err(wrong(format!("encoding {other} is not read"))),
    })
}

#[expect(deprecated, reason = "old files have it")]
fn legacy_levels() -> Encoding {
    Encoding::BIT_PACKED
}

fn wrong(message: String) -> ParquetError {
    ParquetError::General(message)
}
