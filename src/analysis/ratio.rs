//! A number of many devices as the ratio of two sums, with the interval in which it lies: charge used by all devices over their hours,
//! a mean over values of which each device has many.
//!
//! Values of one device are alike, so it is devices that are counted, not values: the variance is that between devices, by
//! linearisation (Cochran, Sampling Techniques, 1977, section 6.4), and the quantile that of Student's distribution.

use super::rate::Interval;
use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// What lies outside of an interval, on each side.
const TAIL: f64 = 0.025;

/// What one device adds to both sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// To the upper sum.
    pub of: f64,
    /// To the lower sum.
    pub over: f64,
}

/// The ratio of both sums over devices; `None` where the lower one is nothing. One device alone has no interval: its ends are
/// infinite.
pub fn ratio(devices: &[Share]) -> Option<Interval> {
    let sum = sums(devices)?;
    let value = sum.of / sum.over;
    let parts = devices.iter();
    let parts = parts.map(|device| (device.of - value * device.over) / sum.over);
    Some(around(value, parts))
}

/// How much the ratio of one side is above that of the other. Each device stands with what it adds to either side: one that is on both
/// sides makes the difference more certain.
pub fn difference(devices: &[(Share, Share)]) -> Option<Interval> {
    let (one, other): (Vec<Share>, Vec<Share>) = devices.iter().copied().unzip();
    let (sum, sum_other) = (sums(&one)?, sums(&other)?);
    let (value, value_other) = (sum.of / sum.over, sum_other.of / sum_other.over);
    let parts = devices.iter().map(|(one, other)| {
        (one.of - value * one.over) / sum.over
            - (other.of - value_other * other.over) / sum_other.over
    });
    Some(around(value - value_other, parts))
}

fn sums(devices: &[Share]) -> Option<Share> {
    let mut sum = Share::default();
    for device in devices {
        sum.of += device.of;
        sum.over += device.over;
    }
    (sum.over > 0.0 && sum.over.is_finite() && sum.of.is_finite()).then_some(sum)
}

/// The interval of a value of which each device says by how much it draws it to its side.
fn around(value: f64, parts: impl ExactSizeIterator<Item = f64>) -> Interval {
    let n = parts.len() as f64;
    let squares: f64 = parts.map(|part| part * part).sum();
    let half = StudentsT::new(0.0, 1.0, n - 1.0).map_or(f64::INFINITY, |student| {
        student.inverse_cdf(1.0 - TAIL) * (n / (n - 1.0) * squares).sqrt()
    });
    Interval {
        value,
        low: value - half,
        high: value + half,
    }
}

#[cfg(test)]
mod tests {
    use super::{Share, difference, ratio};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;
    use rand_distr::{Distribution as _, LogNormal, Normal};

    fn is_near(value: f64, expected: f64) -> bool {
        (value - expected).abs() < 1e-9 * expected.abs().max(1.0)
    }

    /// numpy and scipy, which share no code with this:
    ///
    /// ```text
    /// y = np.array([3., 5, 2, 8, 4, 4, 9, 1]); x = np.array([2., 4, 2, 5, 3, 4, 6, 1]); n = len(y)
    /// r = y.sum() / x.sum(); se = np.sqrt(n / (n - 1) * ((y - r * x) ** 2).sum()) / x.sum()
    /// r, *(r + np.array([-1, 1]) * stats.t.ppf(.975, n - 1) * se)
    /// ```
    #[test]
    fn the_interval_is_that_of_a_ratio_estimator() {
        let of = [3.0, 5.0, 2.0, 8.0, 4.0, 4.0, 9.0, 1.0];
        let over = [2.0, 4.0, 2.0, 5.0, 3.0, 4.0, 6.0, 1.0];
        let devices: Vec<Share> = of
            .into_iter()
            .zip(over)
            .map(|(of, over)| Share { of, over })
            .collect();
        let found = ratio(&devices).unwrap();
        assert!(is_near(found.value, 4.0 / 3.0), "{found:?}");
        assert!(
            is_near(found.low, 1.1171144038978542) && is_near(found.high, 1.5495522627688123),
            "{found:?}"
        );
        assert_eq!(ratio(&[]), None);
        let one = ratio(&devices[..1]).unwrap();
        assert!(one.low.is_infinite() && one.high.is_infinite());
    }

    /// Of samples whose truth is known the interval holds it nearly 95 times in 100, and a difference of devices that are on
    /// both sides is more certain than one of strangers.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let hours = LogNormal::new(3.0, 0.5).unwrap();
        let of_device = Normal::new(2.0, 0.6).unwrap();
        let noise = Normal::new(0.0, 0.3).unwrap();
        let (mut n_held, mut n_held_of_both, mut n_narrower) = (0, 0, 0);
        let n = 2000;
        for _ in 0..n {
            let devices: Vec<(Share, Share)> = (0..60)
                .map(|_| {
                    let rate = of_device.sample(&mut random);
                    let mut side = |more: f64| {
                        let over: f64 = hours.sample(&mut random);
                        let of = over * (rate + more + noise.sample(&mut random));
                        Share { of, over }
                    };
                    (side(0.5), side(0.0))
                })
                .collect();
            let holds = |found: crate::analysis::rate::Interval, truth: f64| {
                usize::from(found.low <= truth && truth <= found.high)
            };
            let one: Vec<Share> = devices.iter().map(|both| both.0).collect();
            n_held += holds(ratio(&one).unwrap(), 2.5);
            let both = difference(&devices).unwrap();
            n_held_of_both += holds(both, 0.5);
            let apart: Vec<(Share, Share)> = devices
                .iter()
                .flat_map(|(one, other)| [(*one, Share::default()), (Share::default(), *other)])
                .collect();
            let apart = difference(&apart).unwrap();
            assert!(is_near(apart.value, both.value));
            n_narrower += usize::from(both.high - both.low < apart.high - apart.low);
        }
        let share = |n_held: usize| n_held as f64 / f64::from(n);
        assert!((0.93..0.97).contains(&share(n_held)), "{}", share(n_held));
        assert!(
            (0.93..0.97).contains(&share(n_held_of_both)),
            "{}",
            share(n_held_of_both)
        );
        assert!(n_narrower > 1900, "{n_narrower}");
    }
}
