//! One device of the demo fleet: how it works, what it reports, when it crashes.

use super::metrics::{Batch, Heartbeat};
use super::truth::{CRASHES, DEAFNESS, DISCONNECTS, DRAIN};
use super::{BAD, BEGIN_S, DEAF, DemoFleet, HARDWARE, INTERVAL_S, VERSIONS};
use crate::model::series::FleetEvent;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, LogNormal, Normal, Poisson, Uniform};

const SECOND: i64 = 1_000_000_000;
/// A crash in so many hours, of a version without a fault.
const HOURS_TO_CRASH: f64 = 400.0;
/// One device in so many restarts before its hour is over, for some days: of that time it reports crashes and no heartbeat.
const ONE_IN_LOOPS: u32 = 211;
/// Rows that get lost on their way.
const LOST: f64 = 0.03;

pub(super) struct Device {
    fleet: DemoFleet,
    serial: String,
    random: ChaCha8Rng,
    hardware: usize,
    /// Hour at which it gets each version but the first.
    updates: [f64; 3],
    /// Hours in which nothing arrives from it.
    hole: std::ops::Range<i64>,
    /// Hours in which it crashes again and again.
    loops: std::ops::Range<i64>,
    rssi: f64,
    load: f64,
    drain: f64,
    battery: f64,
    temperature: f64,
    walk: f64,
    phase_s: i64,
}

impl Device {
    pub(super) fn new(fleet: DemoFleet, number: u32) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(fleet.seed);
        random.set_stream(u64::from(number));
        let n_hours = f64::from(fleet.n_days) * 24.0;
        let unit = |random: &mut ChaCha8Rng| uniform(random, 0.0, 1.0);
        let hardware = match unit(&mut random) {
            ..0.6 => 0,
            0.6..0.9 => 1,
            _ => DEAF,
        };
        // An update reaches the fleet in a wave.
        let mut updates = [0.0; 3];
        for (wave, at) in (1_u8..).zip(&mut updates) {
            let p = unit(&mut random).clamp(0.001, 0.999);
            let spread = n_hours / 24.0 * (p / (1.0 - p)).ln();
            *at = n_hours * f64::from(wave) / 4.0 + spread;
        }
        let hours = i64::from(fleet.n_days).saturating_mul(24);
        let hole = span(&mut random, 0.1, hours, 6.0, 48.0);
        let is_looping = number % ONE_IN_LOOPS == ONE_IN_LOOPS / 2;
        let loops = span(
            &mut random,
            f64::from(u8::from(is_looping)),
            hours,
            20.0,
            60.0,
        );
        Self {
            fleet,
            serial: format!("DM{:06}", number.saturating_add(1)),
            hardware,
            updates,
            hole,
            loops,
            rssi: normal(&mut random, -61.0, 8.0) + if hardware == DEAF { DEAFNESS } else { 0.0 },
            load: log_normal(&mut random, 0.0, 0.4),
            drain: log_normal(&mut random, -0.1, 0.2),
            battery: uniform(&mut random, 40.0, 100.0),
            temperature: normal(&mut random, 27.0, 4.0),
            walk: normal(&mut random, 0.0, 1.0),
            phase_s: whole(uniform(&mut random, 0.0, 3500.0)),
            random,
        }
    }

    /// Adds what it reports.
    pub(super) fn report(mut self, batch: &mut Batch, events: &mut Vec<FleetEvent>) {
        batch.begin(&self.serial.clone());
        let n_hours = i64::from(self.fleet.n_days).saturating_mul(24);
        let mut before = 0;
        for hour in 0..n_hours {
            let version = self.version_at(hour);
            let end_s = BEGIN_S + hour.saturating_mul(INTERVAL_S) + self.phase_s;
            if version != before {
                self.event(events, "update", end_s - INTERVAL_S / 2, version, None);
                before = version;
            }
            let heartbeat = self.heartbeat(hour, end_s, version);
            let is_lost = uniform(&mut self.random, 0.0, 1.0) < LOST;
            if self.loops.contains(&hour) {
                for n in 0..6 {
                    self.event(events, "crash", end_s - n * 600, version, Some(40));
                }
                continue;
            }
            if self.hole.contains(&hour) || is_lost {
                continue;
            }
            batch.push(&heartbeat);
            let rate = if version == BAD { CRASHES } else { 1.0 } / HOURS_TO_CRASH;
            if uniform(&mut self.random, 0.0, 1.0) < rate {
                let at = end_s - whole(uniform(&mut self.random, 0.0, 3599.0));
                // A few causes make most crashes; the bad version has one of its own.
                let own = version == BAD && uniform(&mut self.random, 0.0, 1.0) < 0.6;
                let common = log_normal(&mut self.random, 0.5, 1.0).min(30.0);
                let issue = if own { 31 } else { whole(common) };
                self.event(events, "crash", at, version, Some(issue));
            }
        }
    }

    fn version_at(&self, hour: i64) -> usize {
        let reached = self.updates.iter().map(|at| hour as f64 >= *at);
        let newest = (1_usize..).zip(reached).filter(|(_, is)| *is);
        newest.map(|(version, _)| version).max().unwrap_or(0)
    }

    fn heartbeat(&mut self, hour: i64, end_s: i64, version: usize) -> Heartbeat {
        let is_bad = version == BAD;
        self.walk = 0.93 * self.walk + normal(&mut self.random, 0.0, 0.37);
        let of_day = (hour.rem_euclid(24) as f64 / 24.0 * std::f64::consts::TAU).sin();
        let rssi = (self.rssi + 3.0 * self.walk).clamp(-98.0, -20.0);
        let disconnects = {
            let mean = 0.15 * if is_bad { DISCONNECTS } else { 1.0 };
            poisson(
                &mut self.random,
                mean * (1.0 + ((-70.0 - rssi) / 20.0).max(0.0)),
            )
        };
        let used =
            self.drain * log_normal(&mut self.random, 0.0, 0.2) * if is_bad { DRAIN } else { 1.0 };
        self.battery -= used;
        if self.battery < 8.0 {
            self.battery = 100.0;
        }
        let main_ms = 90_000.0 * self.load * log_normal(&mut self.random, 0.0, 0.15);
        let wifi_ms =
            40_000.0 * log_normal(&mut self.random, 0.0, 0.25) + 4000.0 * f64::from(disconnects);
        let apart_ms = f64::from(disconnects) * uniform(&mut self.random, 5_000.0, 90_000.0);
        let temperature = self.temperature + 4.0 * of_day + normal(&mut self.random, 0.0, 0.4);
        let phone = uniform(&mut self.random, 0.0, 1.0) < 0.25 + 0.2 * of_day.max(0.0);
        let interval_ms = 3_600_000.0;
        let timer = |ms: f64| Some(whole32(ms.clamp(0.0, interval_ms)));
        Heartbeat {
            time_ns: end_s.saturating_mul(SECOND),
            interval_ns: INTERVAL_S * SECOND,
            version: u32::try_from(version).unwrap_or(0),
            hardware: u32::try_from(self.hardware).unwrap_or(0),
            integers: [
                Some(whole32(rssi)),
                phone.then(|| whole32(normal(&mut self.random, -72.0, 9.0).clamp(-99.0, -30.0))),
                Some(whole32(self.battery)),
                Some(whole32(46_000.0 - 900.0 * self.walk - 40.0 * f64::from(disconnects)) / 8 * 8),
                timer(main_ms),
                timer(wifi_ms),
                timer(interval_ms - main_ms - wifi_ms),
                timer(interval_ms - apart_ms),
                Some(disconnects),
                Some(poisson(&mut self.random, 0.02)),
                Some(poisson(&mut self.random, 14.0 * self.load)),
                Some(poisson(
                    &mut self.random,
                    0.05 + 0.3 * f64::from(disconnects),
                )),
                Some(poisson(&mut self.random, 4.0 + 2.0 * self.load).min(64)),
            ],
            floats: [
                Some(rounded(used, 100.0)),
                Some(rounded(3.3 + 0.009 * self.battery, 1000.0)),
                Some(rounded(temperature, 10.0)),
            ],
        }
    }

    fn event(
        &self,
        events: &mut Vec<FleetEvent>,
        kind: &str,
        at_s: i64,
        version: usize,
        issue: Option<i64>,
    ) {
        events.push(FleetEvent {
            serial: self.serial.clone(),
            time_ns: at_s.saturating_mul(SECOND),
            kind: kind.to_owned(),
            version: VERSIONS.get(version).map(|name| (*name).to_owned()),
            hardware: HARDWARE.get(self.hardware).map(|name| (*name).to_owned()),
            issue: issue.map(|issue| format!("DEMO-{issue}")),
        });
    }
}

/// Some hours that hold, with this probability; none otherwise.
fn span(
    random: &mut ChaCha8Rng,
    probability: f64,
    n_hours: i64,
    least: f64,
    most: f64,
) -> std::ops::Range<i64> {
    let is_there = uniform(random, 0.0, 1.0) < probability;
    let from = whole(uniform(random, 0.0, n_hours.max(1) as f64));
    let len = whole(uniform(random, least, most));
    if is_there {
        from..from.saturating_add(len)
    } else {
        0..0
    }
}

fn uniform(random: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    Uniform::new(low, high).map_or(low, |distribution| distribution.sample(random))
}

fn normal(random: &mut ChaCha8Rng, mean: f64, deviation: f64) -> f64 {
    Normal::new(mean, deviation).map_or(mean, |distribution| distribution.sample(random))
}

fn log_normal(random: &mut ChaCha8Rng, mean: f64, deviation: f64) -> f64 {
    LogNormal::new(mean, deviation).map_or(1.0, |distribution| distribution.sample(random))
}

fn poisson(random: &mut ChaCha8Rng, mean: f64) -> i32 {
    let n: f64 = Poisson::new(mean).map_or(0.0, |distribution| distribution.sample(random));
    whole32(n)
}

/// Rounds to a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float of the device has the precision of one"
)]
fn rounded(value: f64, per_one: f64) -> f32 {
    ((value * per_one).round() / per_one) as f32
}

/// The nearest whole number; a number that is none is 0.
#[expect(clippy::cast_possible_truncation, reason = "it is kept in range")]
fn whole(value: f64) -> i64 {
    value.round().clamp(-1e15, 1e15) as i64
}

fn whole32(value: f64) -> i32 {
    i32::try_from(whole(value)).unwrap_or(i32::MAX)
}
