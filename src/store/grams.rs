//! Which sequences of three bytes a text has, in few bits: what is not among them is not in the text.

/// Bits of a set. A megabyte of log has some thousand different sequences.
const N_BITS: u32 = 1 << 15;
/// Only sequences that begin at every second byte of the text are noted: half the work, and a text that is searched for has its
/// own at both.
const STEP: usize = 2;
/// Bytes of a sequence.
const LEN: usize = 3;

/// The sequences of a text; capitals do not count. A byte each while they are collected, a bit when they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grams(Vec<u8>);

impl Default for Grams {
    fn default() -> Self {
        Self(vec![0; N_BITS as usize])
    }
}

impl Grams {
    /// Notes the sequences of a text.
    pub(super) fn add(&mut self, text: &[u8]) {
        for gram in text.windows(LEN).step_by(STEP) {
            if let [a, b, c] = gram
                && let Some(seen) = self.0.get_mut(bit(*a, *b, *c) as usize)
            {
                *seen = 1;
            }
        }
    }

    /// False when a text is surely not there.
    pub(super) fn may_hold(&self, needle: &[u8]) -> bool {
        // Where it begins in the text is not known: at an even or an odd byte.
        (0..STEP).any(|first| {
            let mut starts = (first..needle.len()).step_by(STEP);
            starts.all(|at| match needle.get(at..at.saturating_add(LEN)) {
                Some([a, b, c]) => self.has(bit(*a, *b, *c)),
                _ => true,
            })
        })
    }

    /// As they are stored.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let bytes = self.0.chunks(8);
        bytes
            .map(|eight| {
                let bits = (0..).zip(eight);
                bits.fold(0, |byte, (n, seen)| byte | (seen << n))
            })
            .collect()
    }

    /// As they were stored; damaged ones hold everything.
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.len() != N_BITS as usize / 8 {
            return Self(vec![1; N_BITS as usize]);
        }
        let bits = bytes
            .iter()
            .flat_map(|byte| (0..8).map(move |n| (byte >> n) & 1));
        Self(bits.collect())
    }

    fn has(&self, bit: u32) -> bool {
        self.0.get(bit as usize).is_none_or(|seen| *seen != 0)
    }
}

#[inline]
fn bit(a: u8, b: u8, c: u8) -> u32 {
    let lower = |byte: u8| u32::from(byte.to_ascii_lowercase());
    let gram = lower(a) | (lower(b) << 8) | (lower(c) << 16);
    gram.wrapping_mul(0x9e37_79b1) >> (32 - N_BITS.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::Grams;
    use crate::store::testing;

    #[test]
    fn what_is_in_a_text_is_never_excluded() {
        let noise = testing::noise(3000);
        let text: Vec<u8> = noise.iter().map(|byte| byte % 40 + 60).collect();
        let mut n_excluded = 0;
        for len in [0, 1, 2, 3, 4, 5, 7, 20, 21, 400, 401] {
            for start in (0..1000).step_by(37) {
                let part = &text[start..start + len];
                let mut grams = Grams::default();
                grams.add(part);
                let grams = Grams::of_bytes(&grams.to_bytes());
                for needle_len in 0..=len.min(30) {
                    for at in 0..=(len - needle_len).min(60) {
                        let needle = &part[at..at + needle_len];
                        assert!(grams.may_hold(needle), "{needle:?} of {part:?}");
                        assert!(grams.may_hold(&needle.to_ascii_uppercase()));
                    }
                }
                n_excluded += usize::from(!grams.may_hold(&text[2000..2010]));
            }
        }
        assert!(n_excluded > 250, "{n_excluded}");
        assert!(Grams::of_bytes(b"damaged").may_hold(b"anything"));
    }
}
