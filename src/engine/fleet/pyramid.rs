//! The line of a metric, ready for any zoom: its values, and the same in ever wider buckets. What a chart shows is a slice of
//! one level, so that zooming asks nobody.
//!
//! A bucket of a level is never wider than the level's width, unless it is one interval that is itself wider: a gap that could
//! be seen stays a gap. Each level has all values of the one below.

use super::view::Bucket;

/// Intervals that are added up for [`Pyramid::total`].
const BLOCK: usize = 64;
/// A level with so few buckets is the last one.
const FEW: usize = 256;
/// The width doubles from level to level; a line of an hour to one of 5,000 years has this many at most.
const MOST_LEVELS: u32 = 64;

/// A line in all its levels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pyramid {
    /// The values one by one, in the order of time.
    values: Vec<Bucket>,
    /// Sums of [`BLOCK`] of them each.
    blocks: Vec<Bucket>,
    /// Width, and buckets.
    levels: Vec<(i64, Vec<Bucket>)>,
}

impl Pyramid {
    /// Of values in the order of time, an interval each.
    pub fn of(values: Vec<Bucket>) -> Self {
        let blocks = values.chunks(BLOCK).map(joined).collect();
        let mut levels: Vec<(i64, Vec<Bucket>)> = Vec::new();
        let mut width = shortest(&values).saturating_mul(2);
        for _ in 0..MOST_LEVELS {
            let below = levels.last().map_or(&values, |(_, buckets)| buckets);
            if below.len() <= FEW || width <= 0 {
                break;
            }
            let level = merged(below, width);
            // One that is hardly shorter saves nothing: the one below serves in its place.
            if level.len().saturating_mul(8) < below.len().saturating_mul(7) {
                levels.push((width, level));
            }
            width = width.saturating_mul(2);
        }
        Self {
            values,
            blocks,
            levels,
        }
    }

    /// The values one by one.
    pub fn values(&self) -> &[Bucket] {
        &self.values
    }

    /// What a chart of so many pixels shows of a span: no bucket is wider than a pixel, unless it is one interval. One more
    /// on either side, where there is one: lines go on to the edge.
    pub fn in_sight(&self, (from, to): (i64, i64), n_pixels: u32) -> &[Bucket] {
        let pixel = to.saturating_sub(from).max(0) / i64::from(n_pixels.max(1));
        let fits = |(width, _): &&(i64, Vec<Bucket>)| *width <= pixel;
        let level = self.levels.iter().take_while(fits).last();
        let level = level.map_or(&self.values, |(_, buckets)| buckets);
        let first = level.partition_point(|bucket| bucket.to_ns < from);
        let last = level.partition_point(|bucket| bucket.from_ns <= to);
        let range = first.saturating_sub(1)..last.saturating_add(1).min(level.len());
        level.get(range).unwrap_or_default()
    }

    /// All values whose interval ends in a span, both ends with it; `None` where there is none.
    pub fn total(&self, (from, to): (i64, i64)) -> Option<Bucket> {
        let first = self.values.partition_point(|value| value.to_ns < from);
        let end = self.values.partition_point(|value| value.to_ns <= to);
        let (whole_first, whole_end) = (first.div_ceil(BLOCK), end / BLOCK);
        let mut total = Bucket::default();
        let mut add = |buckets: &[Bucket]| buckets.iter().for_each(|bucket| total.add(bucket));
        if whole_first >= whole_end {
            add(self.values.get(first..end).unwrap_or_default());
        } else {
            let at = |block: usize| block.saturating_mul(BLOCK);
            add(self.values.get(first..at(whole_first)).unwrap_or_default());
            add(self.blocks.get(whole_first..whole_end).unwrap_or_default());
            add(self.values.get(at(whole_end)..end).unwrap_or_default());
        }
        (total.n > 0).then_some(total)
    }

    /// The value whose interval holds a time.
    pub fn at(&self, ns: i64) -> Option<&Bucket> {
        let next = self.values.partition_point(|value| value.to_ns <= ns);
        self.values.get(next).filter(|value| value.from_ns <= ns)
    }

    /// Where the next interval begins behind a time, or the last one before it.
    pub fn next(&self, ns: i64, is_forward: bool) -> Option<i64> {
        let at = if is_forward {
            self.values.partition_point(|value| value.from_ns <= ns)
        } else {
            let before = self.values.partition_point(|value| value.from_ns < ns);
            before.checked_sub(1)?
        };
        self.values.get(at).map(|value| value.from_ns)
    }
}

/// An interval that most are as long as, or longer: the tenth of a hundred.
fn shortest(values: &[Bucket]) -> i64 {
    let lens = values.iter();
    let mut lens: Vec<i64> = lens
        .map(|value| value.to_ns.saturating_sub(value.from_ns).max(1))
        .collect();
    if lens.is_empty() {
        return 0;
    }
    let at = lens.len() / 10;
    *lens.select_nth_unstable(at).1
}

fn merged(below: &[Bucket], width: i64) -> Vec<Bucket> {
    let mut level: Vec<Bucket> = Vec::new();
    for bucket in below {
        match level.last_mut() {
            Some(last) if bucket.to_ns.saturating_sub(last.from_ns) <= width => last.add(bucket),
            _ => level.push(*bucket),
        }
    }
    level
}

fn joined(buckets: &[Bucket]) -> Bucket {
    let mut sum = Bucket::default();
    for bucket in buckets {
        sum.add(bucket);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Pyramid};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

    const MINUTE: i64 = 60_000_000_000;

    /// Intervals of a minute with holes of all lengths, and values whose extremes are rare.
    fn line(n: i64, seed: u64) -> Vec<Bucket> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut minute = 0;
        (0..n)
            .map(|_| {
                minute += 1;
                if random.next_u32() % 50 == 0 {
                    minute += i64::from(random.next_u32() % 500);
                }
                let value = f64::from(random.next_u32() % 1_000_000) / 8.0;
                Bucket::one((minute * MINUTE, (minute + 1) * MINUTE), value)
            })
            .collect()
    }

    #[test]
    fn at_any_zoom_a_slice_has_every_value_and_their_exact_extremes() {
        let values = line(40_000, 7);
        let pyramid = Pyramid::of(values.clone());
        let end = values.last().unwrap().to_ns;
        for zoom in 0..16 {
            for place in 0..7 {
                let width = end >> zoom;
                let from = (end - width) / 7 * place;
                let (sight, n_pixels) = ((from, from + width), 800);
                let slice = pyramid.in_sight(sight, n_pixels);
                let (first, last) = (slice[0].from_ns, slice.last().unwrap().to_ns);
                let own: Vec<&Bucket> = values
                    .iter()
                    .filter(|value| value.from_ns >= first && value.to_ns <= last)
                    .collect();
                assert!(
                    own.iter()
                        .all(|value| value.to_ns >= from || value.from_ns <= from)
                );
                assert_eq!(
                    slice.iter().map(|bucket| bucket.n).sum::<u64>(),
                    own.len() as u64
                );
                // Eighths add up without rounding.
                let sums = |buckets: &mut dyn Iterator<Item = f64>| buckets.sum::<f64>();
                assert_eq!(
                    sums(&mut slice.iter().map(|bucket| bucket.sum)),
                    sums(&mut own.iter().map(|value| value.sum))
                );
                for bucket in slice {
                    let inside = own.iter().filter(|value| {
                        value.from_ns >= bucket.from_ns && value.to_ns <= bucket.to_ns
                    });
                    let inside: Vec<f64> = inside.map(|value| value.sum).collect();
                    assert_eq!(bucket.n, inside.len() as u64);
                    assert_eq!(bucket.min, inside.iter().copied().fold(f64::MAX, f64::min));
                    assert_eq!(bucket.max, inside.iter().copied().fold(f64::MIN, f64::max));
                    let pixel = width / i64::from(n_pixels);
                    assert!(bucket.n == 1 || bucket.to_ns - bucket.from_ns <= pixel);
                }
                assert!(slice.len() <= 5 * 800 + 2, "{} buckets", slice.len());
                // What a person reads of the same span.
                let total = pyramid.total(sight);
                let ends: Vec<f64> = values
                    .iter()
                    .filter(|value| (sight.0..=sight.1).contains(&value.to_ns))
                    .map(|value| value.sum)
                    .collect();
                assert_eq!(total.map_or(0, |total| total.n), ends.len() as u64);
                assert_eq!(
                    total.map_or(0.0, |total| total.sum),
                    ends.iter().sum::<f64>()
                );
            }
        }
    }

    #[test]
    fn a_gap_that_could_be_seen_stays_one() {
        let mut values = line(20_000, 3);
        let gap = 3000 * MINUTE;
        for value in values.iter_mut().skip(10_000) {
            (value.from_ns, value.to_ns) = (value.from_ns + gap, value.to_ns + gap);
        }
        let (before, behind) = (values[9999].to_ns, values[10_000].from_ns);
        let end = values.last().unwrap().to_ns;
        let pyramid = Pyramid::of(values);
        // A pixel is less than the gap.
        let slice = pyramid.in_sight((0, end), 800);
        assert!(end / 800 < gap && slice.len() < 5000);
        assert!(
            slice
                .iter()
                .all(|bucket| bucket.to_ns <= before || bucket.from_ns >= behind)
        );
    }

    #[test]
    fn the_cursor_finds_the_interval_and_its_neighbours() {
        let values: Vec<Bucket> = [0, 1, 5]
            .map(|at| Bucket::one((at * MINUTE, (at + 1) * MINUTE), 1.0))
            .into();
        let pyramid = Pyramid::of(values);
        assert_eq!(pyramid.at(MINUTE / 2).unwrap().from_ns, 0);
        assert!(pyramid.at(3 * MINUTE).is_none());
        assert_eq!(pyramid.next(MINUTE, true), Some(5 * MINUTE));
        assert_eq!(pyramid.next(MINUTE, false), Some(0));
        assert_eq!(pyramid.next(5 * MINUTE, true), None);
        assert_eq!(pyramid.next(0, false), None);
        assert!(Pyramid::of(Vec::new()).total((0, 1)).is_none());
        assert!(Pyramid::of(Vec::new()).in_sight((0, 1), 10).is_empty());
    }
}
