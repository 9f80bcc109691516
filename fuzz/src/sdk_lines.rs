//! `FS:` lines whose checksums are made right again, so that what stands in them is read.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CRC_BYTES: usize = 4;

/// The same bytes with the chunk behind each `FS:` ending in its checksum.
pub fn with_right_checksums(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(at) = rest.windows(3).position(|window| window == b"FS:") {
        let (before, behind) = rest.split_at(at + 3);
        out.extend(before);
        let digits = behind
            .iter()
            .map_while(|byte| DIGITS.iter().position(|digit| digit == byte));
        let digits: Vec<usize> = digits.collect();
        out.extend(encoded(&digits));
        rest = &behind[digits.len()..];
    }
    out.extend(rest);
    out
}

/// Digits of a chunk with its checksum right, as many as were given.
fn encoded(digits: &[usize]) -> Vec<u8> {
    let bit = |n: usize| digits[n / 6] >> (5 - n % 6) & 1;
    let n_bytes = digits.len() * 6 / 8;
    let mut bytes: Vec<u8> = (0..n_bytes)
        .map(|byte| (0..8).fold(0, |value, n| value << 1 | u8::from(bit(byte * 8 + n) == 1)))
        .collect();
    if let Some(body) = n_bytes.checked_sub(CRC_BYTES) {
        let sum = crc32(&bytes[..body]);
        bytes[body..].copy_from_slice(&sum.to_le_bytes());
    }
    let bit = |n: usize| {
        bytes
            .get(n / 8)
            .map_or(0, |byte| usize::from(byte >> (7 - n % 8) & 1))
    };
    (0..digits.len())
        .map(|digit| DIGITS[(0..6).fold(0, |value, n| value << 1 | bit(digit * 6 + n))])
        .collect()
}

/// CRC-32/ISO-HDLC.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _bit| {
            sum >> 1 ^ if sum & 1 == 0 { 0 } else { 0xEDB8_8320 }
        })
    })
}
