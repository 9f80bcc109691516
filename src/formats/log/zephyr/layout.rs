//! How a target lays its messages out, and where a message begins and ends.
//!
//! | bytes | what (`include/zephyr/logging/log_output_dict.h`) |
//! |---|---|
//! | u8 | 0: a message, 1: messages were dropped |
//! | u16 | of 1: how many |
//! | u32 | of 0, databases 1 and 2: bit fields of 3 domain, 3 level, 10 bytes of the package, 12 bytes of data, 4 unused |
//! | u8, u16, u16 | of 0, database 3: 4 domain and 4 level, bytes of the package, bytes of data |
//! | address | index of the source |
//! | u32 or u64 | time stamp |
//! | | package, then data |
//!
//! Numbers are of the target's byte order, and so are bit fields: a big-endian compiler takes them from the top. Known deviation:
//! Zephyr's own parser takes those of databases 1 and 2 from the bottom always.

use super::package::Package;

/// Bytes that a message has at most: package and data of 64 KiB, and their header.
pub(super) const LONGEST_MESSAGE: usize = 2 * (64 << 10) + 32;
/// Levels are none, error, warning, information, debug.
const HIGHEST_LEVEL: u64 = 4;

/// How a target lays its messages out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a build option of its own"
)]
pub(super) struct Layout {
    /// The header of database 3.
    pub(super) has_wide_header: bool,
    /// Addresses have 8 bytes, not 4.
    pub(super) is_64_bit: bool,
    /// Numbers are stored least significant byte first.
    pub(super) is_little_endian: bool,
    /// Time stamps have 8 bytes, not 4.
    pub(super) has_long_timestamp: bool,
    /// A package keeps the flags that it was made with.
    pub(super) has_package_flags: bool,
}

/// What the target sent.
#[derive(Clone, Debug)]
pub(super) enum Sent<'b> {
    /// A message.
    Message(Message<'b>),
    /// So many messages were dropped.
    Dropped(u64),
}

/// A message, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Message<'b> {
    pub(super) level: u64,
    pub(super) source: u64,
    pub(super) timestamp: u64,
    pub(super) package: Package<'b>,
    pub(super) data: &'b [u8],
}

/// Why bytes are no whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// More bytes are needed; the package, if it is there already, ends here.
    Short { package_end: Option<usize> },
    /// It is none.
    None,
}

const SHORT: Fault = Fault::Short { package_end: None };

/// Takes numbers from the beginning of bytes.
pub(super) struct Cursor<'b> {
    pub(super) rest: &'b [u8],
    pub(super) is_little_endian: bool,
}

impl<'b> Cursor<'b> {
    /// A number of so many bytes, 8 or less.
    pub(super) fn number(&mut self, n_bytes: usize) -> Option<u64> {
        let own = self.take(n_bytes)?;
        let append = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.is_little_endian {
            own.iter().rev().fold(0, append)
        } else {
            own.iter().fold(0, append)
        })
    }

    /// Bytes.
    pub(super) fn take(&mut self, n_bytes: usize) -> Option<&'b [u8]> {
        let (own, rest) = self.rest.split_at_checked(n_bytes)?;
        self.rest = rest;
        Some(own)
    }
}

impl Layout {
    /// Every layout that there is, without a dictionary to tell. The usual ones come first.
    pub(super) fn all() -> impl Iterator<Item = Self> + Clone {
        (0_u8..16).map(|bits| Self {
            is_little_endian: bits & 8 == 0,
            has_wide_header: bits & 4 == 0,
            is_64_bit: bits & 2 != 0,
            has_long_timestamp: bits & 1 != 0,
            has_package_flags: false,
        })
    }

    /// Bytes of an address.
    pub(super) fn address_bytes(self) -> usize {
        if self.is_64_bit { 8 } else { 4 }
    }

    /// Bytes of a package before the pointer to its format string.
    pub(super) fn package_header_bytes(self) -> usize {
        if self.has_package_flags {
            8
        } else {
            self.address_bytes()
        }
    }

    /// What stands at the beginning of `bytes`, and its length.
    pub(super) fn parse(self, bytes: &[u8]) -> Result<(Sent<'_>, usize), Fault> {
        let mut cursor = Cursor {
            rest: bytes,
            is_little_endian: self.is_little_endian,
        };
        match cursor.number(1).ok_or(SHORT)? {
            0 => {}
            1 => {
                let n = cursor.number(2).ok_or(SHORT)?;
                return if n == 0 {
                    Err(Fault::None)
                } else {
                    Ok((Sent::Dropped(n), 3))
                };
            }
            _ => return Err(Fault::None),
        }
        let (level, n_package, n_data) = self.head(&mut cursor)?;
        let least = self
            .package_header_bytes()
            .saturating_add(self.address_bytes());
        if level > HIGHEST_LEVEL || n_package < least {
            return Err(Fault::None);
        }
        let source = cursor.number(self.address_bytes()).ok_or(SHORT)?;
        let timestamp = cursor
            .number(if self.has_long_timestamp { 8 } else { 4 })
            .ok_or(SHORT)?;
        let package = Package::parse(cursor.rest, n_package, self)?;
        cursor.take(n_package).ok_or(SHORT)?;
        let package_end = bytes.len().saturating_sub(cursor.rest.len());
        let data = cursor.take(n_data).ok_or(Fault::Short {
            package_end: Some(package_end),
        })?;
        let message = Message {
            level,
            source,
            timestamp,
            package,
            data,
        };
        Ok((
            Sent::Message(message),
            package_end.saturating_add(data.len()),
        ))
    }

    /// Level, bytes of the package, bytes of data.
    fn head(self, cursor: &mut Cursor<'_>) -> Result<(u64, usize, usize), Fault> {
        let (level, package, data) = if self.has_wide_header {
            let both = cursor.number(1).ok_or(SHORT)?;
            let level = if self.is_little_endian {
                both >> 4
            } else {
                both & 0xF
            };
            let package = cursor.number(2).ok_or(SHORT)?;
            (level, package, cursor.number(2).ok_or(SHORT)?)
        } else {
            let fields = cursor.number(4).ok_or(SHORT)?;
            if self.is_little_endian {
                let unused = fields >> 28;
                if unused != 0 {
                    return Err(Fault::None);
                }
                (fields >> 3 & 7, fields >> 6 & 0x3FF, fields >> 16 & 0xFFF)
            } else {
                if fields & 0xF != 0 {
                    return Err(Fault::None);
                }
                (fields >> 26 & 7, fields >> 16 & 0x3FF, fields >> 4 & 0xFFF)
            }
        };
        let size = |n: u64| usize::try_from(n).or(Err(Fault::None));
        Ok((level, size(package)?, size(data)?))
    }
}
