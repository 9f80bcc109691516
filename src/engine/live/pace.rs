//! How fast a recording is told again: a clock of the session's own time, which somebody else sets while it runs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The fastest that is still a pace.
pub const SPEED_MAX: f64 = 1000.0;
/// The slowest.
pub const SPEED_MIN: f64 = 0.1;
/// While nothing is due, it is asked again at least so often.
const TICK: Duration = Duration::from_millis(20);

/// Where a replay is and how it goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Nanoseconds of the session that were told.
    pub at_ns: i64,
    /// So many times as fast as the session was; `None`: as fast as can be.
    pub speed: Option<f64>,
    /// It stands.
    pub is_paused: bool,
}

/// The clock of a replay. Whoever tells waits for it, whoever watches sets it.
#[derive(Debug)]
pub struct Pace {
    clock: Mutex<Clock>,
}

#[derive(Debug)]
struct Clock {
    /// A moment, and the time of the session that it was then.
    since: (Instant, i64),
    /// The time of what was told last.
    told_ns: i64,
    speed: Option<f64>,
    is_paused: bool,
    /// Up to this time it is told as fast as can be; then it stands.
    stop_ns: Option<i64>,
}

impl Clock {
    /// The time of the session now.
    fn now_ns(&self) -> i64 {
        let (since, ns) = self.since;
        match self.speed {
            _ if self.is_paused => ns,
            Some(speed) => {
                let past = since.elapsed().as_secs_f64() * speed * 1e9;
                ns.saturating_add(whole(past))
            }
            None => i64::MAX,
        }
    }

    /// Goes on from what was told last, at the pace that is set from now on.
    fn begin_here(&mut self) {
        let now_ns = self.now_ns();
        let at = if now_ns == i64::MAX {
            self.told_ns
        } else {
            now_ns
        };
        self.since = (Instant::now(), at);
    }
}

/// Nanoseconds as an integer; nothing here is negative or lasts for centuries.
fn whole(ns: f64) -> i64 {
    Duration::try_from_secs_f64(ns / 1e9)
        .ok()
        .and_then(|time| i64::try_from(time.as_nanos()).ok())
        .unwrap_or(i64::MAX)
}

impl Pace {
    /// Begins at the beginning.
    pub fn new(speed: Option<f64>) -> Self {
        Self {
            clock: Mutex::new(Clock {
                since: (Instant::now(), 0),
                told_ns: 0,
                speed: bounded(speed),
                is_paused: false,
                stop_ns: None,
            }),
        }
    }

    /// Goes on at another speed; `None`: as fast as can be.
    pub fn set_speed(&self, speed: Option<f64>) {
        let mut clock = self.lock();
        clock.begin_here();
        clock.speed = bounded(speed);
    }

    /// Stands, or goes on.
    pub fn set_paused(&self, is_paused: bool) {
        let mut clock = self.lock();
        clock.begin_here();
        clock.is_paused = is_paused;
        clock.stop_ns = None;
    }

    /// Goes on up to this time of the session, as fast as can be, and stands there.
    pub fn go_to(&self, ns: i64) {
        let mut clock = self.lock();
        clock.begin_here();
        clock.is_paused = false;
        clock.stop_ns = Some(ns);
    }

    /// Where it is.
    pub fn position(&self) -> Position {
        let clock = self.lock();
        let is_running = !clock.is_paused && clock.stop_ns.is_none() && clock.speed.is_some();
        Position {
            at_ns: if is_running {
                clock.now_ns().max(clock.told_ns)
            } else {
                clock.told_ns.max(clock.since.1)
            },
            speed: clock.speed,
            is_paused: clock.is_paused,
        }
    }

    /// How long it is until this time of the session comes; `None`: it is told now.
    pub(crate) fn due_in(&self, ns: i64) -> Option<Duration> {
        let mut clock = self.lock();
        match clock.stop_ns {
            Some(stop) if ns <= stop => {
                clock.told_ns = ns;
                return None;
            }
            Some(stop) => {
                clock.stop_ns = None;
                clock.since = (Instant::now(), stop.max(clock.told_ns));
                clock.is_paused = true;
            }
            None => {}
        }
        let left_ns = ns.saturating_sub(clock.now_ns());
        if left_ns <= 0 {
            clock.told_ns = ns;
            return None;
        }
        if clock.is_paused {
            return Some(TICK);
        }
        let left = Duration::from_nanos(left_ns.unsigned_abs());
        let left = left.as_secs_f64() / clock.speed.unwrap_or(1.0);
        Some(Duration::try_from_secs_f64(left).unwrap_or(TICK).min(TICK))
    }

    fn lock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bounded(speed: Option<f64>) -> Option<f64> {
    speed.map(|speed| speed.clamp(SPEED_MIN, SPEED_MAX))
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::{Duration, Instant};

    const SECOND: i64 = 1_000_000_000;

    /// Tells each second of a session of 100 s; answers the clock and what was told last.
    fn session(speed: Option<f64>) -> (Arc<Pace>, Arc<AtomicI64>) {
        let pace = Arc::new(Pace::new(speed));
        let told = Arc::new(AtomicI64::new(-1));
        let (of_thread, last) = (Arc::clone(&pace), Arc::clone(&told));
        std::thread::spawn(move || {
            for second in 0..100 {
                while let Some(wait) = of_thread.due_in(second * SECOND) {
                    std::thread::sleep(wait);
                }
                last.store(second, Ordering::Relaxed);
            }
        });
        (pace, told)
    }

    fn wait_for(what: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !what() {
            assert!(Instant::now() < end, "it did not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn it_stands_goes_on_and_stops_where_it_was_told_to() {
        let (pace, told) = session(Some(1.0));
        wait_for(|| told.load(Ordering::Relaxed) == 0);
        pace.set_paused(true);
        assert!(pace.position().is_paused);
        pace.go_to(40 * SECOND);
        wait_for(|| told.load(Ordering::Relaxed) == 40 && pace.position().is_paused);
        assert_eq!(pace.position().at_ns, 40 * SECOND);
        // Between two things that are told.
        pace.go_to(40 * SECOND + 7);
        wait_for(|| pace.position().is_paused);
        assert_eq!(pace.position().at_ns, 40 * SECOND + 7);
        assert_eq!(told.load(Ordering::Relaxed), 40);
        pace.set_speed(None);
        pace.set_paused(false);
        wait_for(|| told.load(Ordering::Relaxed) == 99);
    }

    #[test]
    fn another_speed_goes_on_from_where_it_is() {
        let (pace, told) = session(Some(100.0));
        wait_for(|| told.load(Ordering::Relaxed) >= 10);
        pace.set_speed(Some(0.1));
        let at = pace.position().at_ns;
        assert!((10 * SECOND..100 * SECOND).contains(&at), "{at}");
        std::thread::sleep(Duration::from_millis(50));
        assert!(pace.position().at_ns - at < SECOND);
        pace.set_speed(Some(1e9));
        assert_eq!(pace.position().speed, Some(1000.0));
        wait_for(|| told.load(Ordering::Relaxed) == 99);
    }
}
