//! A frame, taken apart (`components/log/src/log_format_binary.c` of ESP-IDF). Numbers are stored most significant byte first.
//!
//! | bytes | what |
//! |---|---|
//! | u8 | who wrote it: 1 the boot loader, 2 the application |
//! | u16 | from the top: 2 bits of version (0), 1 bit: the time has 8 bytes, 3 bits of level, 10 bits of length of the whole frame |
//! | text | format string |
//! | text | tag |
//! | u32 or u64 | time |
//! | | arguments: u32, u64 (also of `float` and `double`), texts |
//! | u8 | CRC-8 (polynomial 7, from 0), which makes the sum of the whole frame 0 |
//!
//! A text that the ELF has is its address. Another one is an i16, 1 minus its length, and its bytes, two at least. So one of a single
//! byte looks like an address, and an empty one as well: see [`super::strings`].

/// The length has 10 bits.
pub(super) const LONGEST_FRAME: usize = 0x3FF;
/// Header, two addresses, the time, the checksum.
const SHORTEST_FRAME: usize = 16;

/// Who wrote a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    BootLoader,
    Application,
}

/// A text of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored<'b> {
    /// At this address of the ELF.
    At(u32),
    /// Here.
    Copied(&'b [u8]),
}

impl Stored<'_> {
    /// False of an address that no ELF has strings at: it is below the one, or where flash is mapped on any of the chips. A checksum
    /// of one byte alone is soon right.
    fn may_be(self) -> bool {
        match self {
            Self::At(address) => matches!(address, ..0x0100_0000 | 0x3C00_0000..0x5000_0000),
            Self::Copied(_) => true,
        }
    }
}

/// A frame whose checksum is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame<'b> {
    pub(super) program: Program,
    /// 1 error, 2 warning, 3 information, 4 debug, 5 verbose.
    pub(super) level: u8,
    /// Milliseconds.
    pub(super) time: u64,
    pub(super) format: Stored<'b>,
    pub(super) tag: Stored<'b>,
    pub(super) arguments: &'b [u8],
}

/// Why bytes are no whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// More bytes are needed.
    Short,
    /// It is none.
    None,
}

/// Takes parts from the beginning of bytes.
pub(super) struct Cursor<'b> {
    pub(super) rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    pub(super) fn word(&mut self) -> Option<u32> {
        let (own, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_be_bytes(*own))
    }

    pub(super) fn long_word(&mut self) -> Option<u64> {
        let (own, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_be_bytes(*own))
    }

    pub(super) fn text(&mut self) -> Option<Stored<'b>> {
        let [high, low, ..] = *self.rest else {
            return None;
        };
        let head = u16::from_be_bytes([high, low]);
        // No memory of these processors is that high.
        if head < 0xFC00 {
            return self.word().map(Stored::At);
        }
        let len = usize::from(head.wrapping_neg()).saturating_add(1);
        let (own, rest) = self.rest.get(2..)?.split_at_checked(len)?;
        self.rest = rest;
        Some(Stored::Copied(own))
    }
}

impl<'b> Frame<'b> {
    /// The frame at the beginning of `bytes`, and its length.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<(Self, usize), Fault> {
        let program = match bytes.first().ok_or(Fault::Short)? {
            1 => Program::BootLoader,
            2 => Program::Application,
            _ => return Err(Fault::None),
        };
        let [high, low] = *bytes.get(1..3).ok_or(Fault::Short)? else {
            return Err(Fault::None);
        };
        let level = high >> 2 & 7;
        let len = usize::from(u16::from_be_bytes([high & 3, low]));
        if high >> 6 != 0 || !(1..=5).contains(&level) || len < SHORTEST_FRAME {
            return Err(Fault::None);
        }
        let own = bytes.get(..len).ok_or(Fault::Short)?;
        if checksum(own) != 0 {
            return Err(Fault::None);
        }
        let inside = own.get(3..len.saturating_sub(1)).ok_or(Fault::None)?;
        let mut cursor = Cursor { rest: inside };
        let format = cursor.text().ok_or(Fault::None)?;
        let tag = cursor.text().ok_or(Fault::None)?;
        let time = if high & 0x20 == 0 {
            cursor.word().map(u64::from)
        } else {
            cursor.long_word()
        };
        if !format.may_be() || !tag.may_be() {
            return Err(Fault::None);
        }
        let frame = Self {
            program,
            level,
            time: time.ok_or(Fault::None)?,
            format,
            tag,
            arguments: cursor.rest,
        };
        Ok((frame, len))
    }
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum, _bit| {
            let carry = if sum & 0x80 == 0 { 0 } else { 7 };
            sum << 1 ^ carry
        })
    })
}
