//! Which baud rate a UART has, by what comes at each: at the right one a log is text, at every other one it is noise.

/// Rates that are tried, the most frequent first. 74880 is that of the boot loader of ESP8266.
pub(super) const RATES: [u32; 13] = [
    115_200, 921_600, 9_600, 57_600, 38_400, 19_200, 230_400, 460_800, 1_000_000, 2_000_000,
    1_500_000, 3_000_000, 74_880,
];
/// Fewer bytes say nothing.
pub(super) const TELLING_BYTES: usize = 24;
/// The share of text from which on a rate is the right one.
pub(super) const IS_TEXT: f64 = 0.9;

/// The share of bytes that are text: printable, line ends, tabs, escapes, and what is more than one byte in UTF-8.
pub(super) fn share_of_text(bytes: &[u8]) -> f64 {
    if bytes.is_empty() {
        return 0.0;
    }
    let text = bytes.utf8_chunks().map(|chunk| {
        let is_text = |c: &char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\x1b');
        chunk
            .valid()
            .chars()
            .filter(is_text)
            .map(char::len_utf8)
            .sum::<usize>()
    });
    text.sum::<usize>() as f64 / bytes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::{IS_TEXT, RATES, TELLING_BYTES, share_of_text};

    /// The line of a transmitter over time: when it changes, in seconds, and to what. 8N1, least significant bit first.
    fn line(text: &str, rate: u32) -> Vec<(f64, bool)> {
        let bit = 1.0 / f64::from(rate);
        let (mut at, mut line) = (bit, vec![(0.0, true)]);
        for (n, byte) in text.bytes().enumerate() {
            let bits = std::iter::once(false)
                .chain((0..8).map(|n| byte >> n & 1 == 1))
                .chain([true]);
            for level in bits {
                line.push((at, level));
                at += bit;
            }
            // A pause now and then, of no whole number of bits.
            at += if n % 7 == 0 { 3.3 * bit } else { 0.0 };
        }
        line
    }

    /// What a receiver at another rate makes of it: from each falling edge on it looks into the middle of its own bits.
    fn received(line: &[(f64, bool)], rate: u32) -> Vec<u8> {
        let bit = 1.0 / f64::from(rate);
        let level = |at: f64| {
            let after = line.partition_point(|(time, _)| *time <= at);
            line[after.saturating_sub(1)].1
        };
        let (mut bytes, mut free) = (Vec::new(), 0.0);
        for pair in line.windows(2) {
            let ((_, before), (at, now)) = (pair[0], pair[1]);
            if !before || now || at < free {
                continue;
            }
            let sampled = (0..8).map(|n| u8::from(level(at + (1.5 + f64::from(n)) * bit)) << n);
            bytes.push(sampled.sum());
            free = at + 9.5 * bit;
        }
        bytes
    }

    #[test]
    fn only_the_right_rate_gives_text() {
        let text = "[00:00:12.345,000] <inf> sensor: sample 4711 of channel 3, battery 3942 mV, 21.5 \u{b0}C\r\n".repeat(8);
        for sent in RATES {
            let line = line(&text, sent);
            assert_eq!(received(&line, sent), text.as_bytes());
            for rate in RATES {
                let bytes = received(&line, rate);
                let share = share_of_text(&bytes);
                let is_text = bytes.len() >= TELLING_BYTES && share >= IS_TEXT;
                assert_eq!(
                    is_text,
                    rate == sent,
                    "{sent} at {rate}: {share} of {} bytes",
                    bytes.len()
                );
            }
        }
    }

    #[test]
    fn nothing_and_noise_are_no_text() {
        assert!(share_of_text(&[]) < IS_TEXT);
        assert!(share_of_text(&[0xff; 100]) < IS_TEXT);
        assert!(share_of_text(&[0; 100]) < IS_TEXT);
    }
}
