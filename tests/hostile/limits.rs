//! What one input may cost: no panic, a time, an amount of memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// No single input may take longer: 2 s, and more without optimisation, as in the short runs.
pub(crate) fn longest(is_optimised: bool) -> Duration {
    Duration::from_secs(if is_optimised { 2 } else { 10 })
}

/// No single input may need more memory than this above what was there before.
pub(crate) const MOST_BYTES: usize = 512 << 20;

/// Counts what each thread allocates, so that a limit can be checked while others run.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // A thread that is going down has no counters any more.
    _ = ALLOCATED.try_with(|allocated| {
        let now = allocated.get().wrapping_add(change);
        allocated.set(now);
        PEAK.with(|peak| peak.set(peak.get().max(now)));
    });
}

#[expect(unsafe_code, reason = "an allocator that counts has to be one")]
// SAFETY: every call is passed on to the system allocator unchanged; only counters are added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: `ptr` came from `alloc` above with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Both exist while the bytes are copied.
        count(new_size.cast_signed());
        // SAFETY: the caller's promise about `ptr` and `layout` is passed on.
        let moved = unsafe { System.realloc(ptr, layout, new_size) };
        count(-layout.size().cast_signed());
        moved
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What something cost.
#[derive(Default)]
pub(crate) struct Cost {
    took: Duration,
    peak_bytes: usize,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} s, ", self.took.as_secs_f64())?;
        write!(f, "{:.1} MB", self.peak_bytes as f64 / f64::from(1 << 20))
    }
}

/// The processor time that this thread has used: a busy machine makes no input slow.
///
/// Linux counts it in nanoseconds (`proc(5)`, schedstat, first number); elsewhere the clock on the wall has to do.
fn thread_time(started: Instant) -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_ascii_whitespace().next();
    match nanos.and_then(|number| number.parse().ok()) {
        Some(nanos) => Duration::from_nanos(nanos),
        None => started.elapsed(),
    }
}

/// Runs it once and says what it cost; the panic, if it panicked.
fn measure(run: &dyn Fn()) -> Result<Cost, String> {
    let before = ALLOCATED.with(Cell::get);
    PEAK.with(|peak| peak.set(before));
    let started = Instant::now();
    let used_before = thread_time(started);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let took = thread_time(started).saturating_sub(used_before);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("panicked").to_owned()
    })?;
    let peak = PEAK.with(Cell::get).saturating_sub(before);
    Ok(Cost {
        took,
        peak_bytes: usize::try_from(peak).unwrap_or(0),
    })
}

/// The slowest and the largest of all inputs.
static WORST: Mutex<Option<(Duration, String)>> = Mutex::new(None);
static LARGEST: Mutex<Option<(usize, String)>> = Mutex::new(None);

fn keep_worst<T: PartialOrd>(worst: &Mutex<Option<(T, String)>>, value: T, what: &str) {
    let mut worst = worst.lock().unwrap();
    if worst.as_ref().is_none_or(|(known, _)| value > *known) {
        *worst = Some((value, what.to_owned()));
    }
}

/// The slowest and the largest so far, in words.
pub(crate) fn worst() -> String {
    format!(
        "slowest {:?}, largest {:?}",
        WORST.lock().unwrap(),
        LARGEST.lock().unwrap()
    )
}

/// Runs one input under the limits: what it cost and what is wrong with it, if anything.
pub(crate) fn check(what: &str, longest: Duration, run: &dyn Fn()) -> (Cost, Option<String>) {
    let mut cost = match measure(run) {
        Ok(cost) => cost,
        Err(panic) => return (Cost::default(), Some(format!("{what}: {panic}"))),
    };
    for _again in 0..2 {
        // Another program may have had the caches.
        if cost.took > longest
            && let Ok(again) = measure(run)
        {
            cost.took = cost.took.min(again.took);
        }
    }
    keep_worst(&WORST, cost.took, what);
    keep_worst(&LARGEST, cost.peak_bytes, what);
    let is_wrong = cost.took > longest || cost.peak_bytes > MOST_BYTES;
    let wrong = is_wrong.then(|| format!("{what}: {cost}"));
    (cost, wrong)
}
