//! Reverse zero-compressing COBS, the framing of defmt (`rzcobs` 0.1, its README): a frame ends with a 0 that is not part
//! of it, is read from its last byte backwards, and comes out in reverse.
//!
//! | code | meaning, in reading order |
//! |---|---|
//! | 0x01..=0x7f | seven bytes; bit 6 first: 0 takes the next byte, 1 is a zero |
//! | 0x80..=0xfe | one zero, then (code & 0x7f) + 7 bytes as they are |
//! | 0xff | 134 bytes as they are |

/// Decodes a frame without its 0 into `out`, which is cleared first. False when it is no whole frame.
pub(super) fn decode(frame: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut rest = frame;
    while let Some((&code, before)) = rest.split_last() {
        rest = before;
        match code {
            0 => return false,
            0x01..=0x7f => {
                for bit in (0..7).rev() {
                    if code & (1 << bit) != 0 {
                        out.push(0);
                        continue;
                    }
                    let Some((&byte, before)) = rest.split_last() else {
                        return false;
                    };
                    out.push(byte);
                    rest = before;
                }
            }
            0x80..=0xff => {
                let n = if code == 0xff {
                    134
                } else {
                    out.push(0);
                    usize::from(code & 0x7f).saturating_add(7)
                };
                let Some((before, literal)) = rest
                    .len()
                    .checked_sub(n)
                    .and_then(|at| rest.split_at_checked(at))
                else {
                    return false;
                };
                out.extend(literal.iter().rev());
                rest = before;
            }
        }
    }
    out.reverse();
    true
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn decoded(frame: &[u8]) -> Option<Vec<u8>> {
        let mut out = vec![1, 2, 3];
        decode(frame, &mut out).then_some(out)
    }

    #[test]
    fn the_codes_are_read_backwards() {
        // From the first frame of tests/fixtures/defmt: id 8, time 1250, "1.2.3".
        let frame = [
            0x08, 0xe2, 0x04, 0x05, 0x32, 0x31, 0x2e, 0x32, 0x2e, 0x07, 0x33, 0x7e,
        ];
        let bytes = decoded(&frame).unwrap();
        assert_eq!(&bytes[..6], [8, 0, 0xe2, 4, 0, 0]);
        assert!(bytes.ends_with(b"1.2.3\0\0\0\0\0\0") || bytes.windows(5).any(|w| w == b"1.2.3"));
        let mut long: Vec<u8> = (1..=134).collect();
        long.push(0xff);
        assert_eq!(decoded(&long).unwrap(), (1..=134).collect::<Vec<u8>>());
        assert_eq!(
            decoded(&[1, 2, 3, 4, 5, 6, 7, 0x80]).unwrap(),
            [1, 2, 3, 4, 5, 6, 7, 0]
        );
    }

    #[test]
    fn a_broken_frame_is_refused() {
        assert_eq!(decoded(&[0xff]), None);
        assert_eq!(decoded(&[1, 0x80]), None);
        assert_eq!(decoded(&[0x01]), None);
        assert_eq!(decoded(&[5, 0]), None);
        assert_eq!(decoded(&[]), Some(Vec::new()));
    }
}
