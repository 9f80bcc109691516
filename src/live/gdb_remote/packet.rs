//! Packets of the GDB remote serial protocol (GDB manual, appendix E.1 "Overview"): `$data#checksum`, acknowledged with `+` or `-`,
//! `%` before notifications, `}` before an escaped byte, `*` before a count of repetitions.

/// A packet is no longer than this; a server that sends more is not understood.
const PACKET_BYTES_MAX: usize = 1 << 20;
/// Xor of a byte behind `}`.
const ESCAPE: u8 = 0x20;
/// A count of repetitions is a printable byte; this one is none.
const REPEATS_FROM: u8 = 29;

/// What a server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It has the last packet.
    Ack,
    /// It wants the last packet again.
    Nack,
    /// Data of a packet with a right checksum.
    Packet(Vec<u8>),
    /// A packet with a wrong checksum.
    Damaged,
}

/// A packet with this data.
pub(super) fn packet(data: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(data.len() + 4);
    for byte in data {
        match byte {
            b'#' | b'$' | b'}' | b'*' => body.extend([b'}', byte ^ ESCAPE]),
            _ => body.push(*byte),
        }
    }
    let mut bytes = vec![b'$'];
    bytes.extend_from_slice(&body);
    bytes.extend_from_slice(format!("#{:02x}", checksum(&body)).as_bytes());
    bytes
}

/// Takes bytes as they come and gives out what they say.
#[derive(Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next that is whole. Bytes between packets mean nothing and are left out; so are notifications.
    pub(super) fn next(&mut self) -> Option<Sent> {
        loop {
            let begins = |byte: &u8| matches!(byte, b'+' | b'-' | b'$' | b'%');
            let start = self.bytes.iter().position(begins);
            self.bytes.drain(..start.unwrap_or(self.bytes.len()));
            match self.bytes.first()? {
                b'+' => {
                    self.bytes.remove(0);
                    return Some(Sent::Ack);
                }
                b'-' => {
                    self.bytes.remove(0);
                    return Some(Sent::Nack);
                }
                kind => {
                    let is_packet = *kind == b'$';
                    let Some(end) = self.bytes.iter().position(|byte| *byte == b'#') else {
                        if self.bytes.len() > PACKET_BYTES_MAX {
                            self.bytes.clear();
                            return Some(Sent::Damaged);
                        }
                        return None;
                    };
                    let said = self.bytes.get(end + 1..end + 3)?;
                    let said = std::str::from_utf8(said).ok();
                    let said = said.and_then(|said| u8::from_str_radix(said, 16).ok());
                    let body: Vec<u8> = self.bytes.drain(..end + 3).take(end).skip(1).collect();
                    if !is_packet {
                        continue;
                    }
                    if said != Some(checksum(&body)) {
                        return Some(Sent::Damaged);
                    }
                    return Some(unpacked(&body).map_or(Sent::Damaged, Sent::Packet));
                }
            }
        }
    }
}

fn checksum(body: &[u8]) -> u8 {
    body.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

/// Without escapes and counts; `None` where a count repeats nothing, or too much.
fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    let mut data: Vec<u8> = Vec::with_capacity(body.len());
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'}' => data.push(bytes.next()? ^ ESCAPE),
            b'*' => {
                let n = bytes.next()?.checked_sub(REPEATS_FROM)?;
                let last = *data.last()?;
                data.resize(data.len() + usize::from(n), last);
                if data.len() > PACKET_BYTES_MAX {
                    return None;
                }
            }
            _ => data.push(*byte),
        }
    }
    Some(data)
}

/// Bytes as hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    let digits = bytes.iter();
    digits
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)])
        .collect()
}

/// Hex digits as bytes; `None` when they are none. A digit `x` stands for a value that the server does not have.
pub(super) fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Decoder, Sent, from_hex, hex, packet};

    fn all(bytes: &[u8]) -> Vec<Sent> {
        let mut decoder = Decoder::default();
        let mut sent = Vec::new();
        for byte in bytes {
            decoder.push(&[*byte]);
            sent.extend(std::iter::from_fn(|| decoder.next()));
        }
        sent
    }

    #[test]
    fn packets_have_a_checksum_and_escapes() {
        assert_eq!(packet(b"g"), b"$g#67");
        assert_eq!(packet(b"a#}"), b"$a}\x03}]#bb");
        let Sent::Packet(data) = &all(&packet(b"a#}$*"))[0] else {
            panic!();
        };
        assert_eq!(data, b"a#}$*");
    }

    #[test]
    fn what_a_server_sends_is_taken_apart() {
        // The example of GDB's manual: "0* " is 0000.
        assert_eq!(
            all(b"+noise$0* #7a-%Stop:T05#55$OK#9a$OK#00"),
            [
                Sent::Ack,
                Sent::Packet(b"0000".to_vec()),
                Sent::Nack,
                Sent::Packet(b"OK".to_vec()),
                Sent::Damaged,
            ]
        );
    }

    #[test]
    fn hostile_packets_end() {
        let mut bytes = vec![b'$'];
        bytes.resize((1 << 20) + 2, b'a');
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        assert_eq!(decoder.next(), Some(Sent::Damaged));
        assert_eq!(decoder.next(), None);
        assert_eq!(all(b"$* #4a"), [Sent::Damaged]);
        assert_eq!(all(b"$}#7d"), [Sent::Damaged]);
        let mut repeats = b"a".to_vec();
        for _ in 0..20_000 {
            repeats.extend_from_slice(b"*~");
        }
        let sum = repeats
            .iter()
            .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let mut bytes = vec![b'$'];
        bytes.extend_from_slice(&repeats);
        bytes.extend_from_slice(format!("#{sum:02x}").as_bytes());
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        assert_eq!(decoder.next(), Some(Sent::Damaged));
    }

    #[test]
    fn hex_digits_are_bytes() {
        assert_eq!(hex(&[0, 0xab]), "00ab");
        assert_eq!(from_hex(b"00aB"), Some(vec![0, 0xab]));
        assert_eq!(from_hex(b"xx"), None);
        assert_eq!(from_hex(b"0x"), None);
    }
}
