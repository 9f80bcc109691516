//! How often something happens, with the interval in which that rate lies: events of devices are counted, and the same devices
//! in the same hours would have given another count.

use statrs::distribution::{Beta, ContinuousCDF as _, Gamma};

/// A rate or a ratio, and the two ends of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What lies outside of an interval, on each side.
const TAIL: f64 = 0.025;

/// The rate of `n` events in some hours, with the exact interval of a Poisson count (Garwood, Biometrika 28, 1936); `None`
/// without hours.
pub fn poisson_rate(n: u64, hours: f64) -> Option<Interval> {
    if hours <= 0.0 || !hours.is_finite() {
        return None;
    }
    let n_events = n as f64;
    let quantile = |shape: f64, p: f64| {
        let gamma = Gamma::new(shape, 1.0).ok()?;
        Some(gamma.inverse_cdf(p))
    };
    let low = if n == 0 {
        0.0
    } else {
        quantile(n_events, TAIL)?
    };
    let high = quantile(n_events + 1.0, 1.0 - TAIL)?;
    Some(Interval {
        value: n_events / hours,
        low: low / hours,
        high: high / hours,
    })
}

/// How many times as often something happens as elsewhere, with the exact conditional interval: of all events the share of one
/// side is binomial (Clopper and Pearson, Biometrika 26, 1934). `None` where the other side had no event or either no hours.
pub fn rate_ratio((n, hours): (u64, f64), (n_other, hours_other): (u64, f64)) -> Option<Interval> {
    let are_hours = hours > 0.0 && hours_other > 0.0 && (hours + hours_other).is_finite();
    if !are_hours || n_other == 0 {
        return None;
    }
    let (a, b) = (n as f64, n_other as f64);
    let odds = |share: f64| share / (1.0 - share) * hours_other / hours;
    let low = if n == 0 {
        0.0
    } else {
        odds(Beta::new(a, b + 1.0).ok()?.inverse_cdf(TAIL))
    };
    let high = odds(Beta::new(a + 1.0, b).ok()?.inverse_cdf(1.0 - TAIL));
    Some(Interval {
        value: a / hours / (b / hours_other),
        low,
        high,
    })
}

/// The share of `n` among `of`, with its exact interval (Clopper and Pearson, Biometrika 26, 1934); `None` of none at all.
pub fn binomial_share(n: u64, of: u64) -> Option<Interval> {
    if of == 0 || n > of {
        return None;
    }
    let (hits, misses) = (n as f64, (of - n) as f64);
    let low = if n == 0 {
        0.0
    } else {
        Beta::new(hits, misses + 1.0).ok()?.inverse_cdf(TAIL)
    };
    let high = if n == of {
        1.0
    } else {
        Beta::new(hits + 1.0, misses).ok()?.inverse_cdf(1.0 - TAIL)
    };
    Some(Interval {
        value: hits / of as f64,
        low,
        high,
    })
}

#[cfg(test)]
mod tests {
    use super::{binomial_share, poisson_rate, rate_ratio};

    /// `scipy.stats.binomtest(k, n).proportion_ci(0.95, "exact")`
    #[test]
    fn shares_have_the_exact_interval() {
        for (n, of, low, high) in [
            (0, 30, 0.0, 0.11570330822202743),
            (7, 30, 0.09933786495802023, 0.42283652297821944),
            (30, 30, 0.8842966917779725, 1.0),
            (380, 400, 0.9238330272448575, 0.9691947588567192),
        ] {
            let share = binomial_share(n, of).unwrap();
            assert!((share.low - low).abs() < 1e-9, "{share:?}");
            assert!((share.high - high).abs() < 1e-9, "{share:?}");
        }
        assert_eq!(binomial_share(0, 0), None);
        assert_eq!(binomial_share(2, 1), None);
    }

    fn is_near(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= 1e-6 * expected.abs().max(1e-3)
    }

    /// `scipy.stats.chi2.ppf(0.025, 2 * n) / 2` and `chi2.ppf(0.975, 2 * n + 2) / 2` (SciPy 1.17.1).
    #[test]
    fn the_interval_of_a_count_is_that_of_scipy() {
        for (n, low, high) in [
            (0, 0.0, 3.688_879_454_1),
            (1, 0.025_317_808_0, 5.571_643_390_9),
            (5, 1.623_486_390_1, 11.668_332_079_3),
            (10, 4.795_388_696_1, 18.390_356_042_0),
            (100, 81.363_991_250_9, 121.626_793_792_4),
        ] {
            let found = poisson_rate(n, 1.0).unwrap();
            assert!(
                is_near(found.low, low) && is_near(found.high, high),
                "{n}: {found:?}"
            );
            let thousand = poisson_rate(n, 1000.0).unwrap();
            assert!(is_near(thousand.high * 1000.0, high));
        }
        assert_eq!(poisson_rate(3, 0.0), None);
        assert_eq!(poisson_rate(3, f64::NAN), None);
    }

    /// 19 crashes against 8 in 10,000 hours each: the odds of both ends of
    /// `scipy.stats.binomtest(19, 27).proportion_ci(method="exact")` (SciPy 1.17.1).
    #[test]
    fn nineteen_against_eight_is_not_proven() {
        let found = rate_ratio((19, 10_000.0), (8, 10_000.0)).unwrap();
        assert!(is_near(found.value, 2.375));
        assert!(is_near(found.low, 0.992_771_554_5), "{found:?}");
        assert!(is_near(found.high, 6.271_323_038_0), "{found:?}");
        assert_eq!(rate_ratio((19, 10.0), (0, 10.0)), None);
        assert_eq!(rate_ratio((0, 10.0), (5, 10.0)).unwrap().low, 0.0);
    }
}
