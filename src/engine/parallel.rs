//! The same work on many things, by all processors, the results in the order of the things.

use crate::model::progress::{Cancelled, Progress};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// More threads than this only wait for memory.
const MOST_THREADS: usize = 16;
/// A cancel is passed on at least this often.
const TICK: Duration = Duration::from_millis(20);

/// Tells a worker whether to go on. What it says of its own progress is not shown: the whole counts.
struct Worker<'a> {
    is_cancelled: &'a AtomicBool,
}

impl Progress for Worker<'_> {
    fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
        if self.is_cancelled.load(Ordering::Relaxed) {
            return Err(Cancelled);
        }
        Ok(())
    }
}

/// Calls `work` for each of `things`. A panic in it is passed on.
pub(super) fn in_order<T: Sync, R: Send>(
    things: &[T],
    progress: &dyn Progress,
    work: impl Fn(&T, &dyn Progress) -> Result<R, Cancelled> + Sync,
) -> Result<Vec<R>, Cancelled> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = n_threads.min(things.len()).min(MOST_THREADS);
    let total = things.len() as u64;
    if n_threads < 2 {
        let mut results = Vec::with_capacity(things.len());
        for (done, thing) in things.iter().enumerate() {
            progress.tick(done as u64, total)?;
            results.push(work(thing, progress)?);
        }
        return Ok(results);
    }
    let next = AtomicUsize::new(0);
    let is_cancelled = AtomicBool::new(false);
    let worker = |send: &dyn Fn(usize, Result<R, Cancelled>) -> bool| {
        let progress = Worker {
            is_cancelled: &is_cancelled,
        };
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(number) else {
                return;
            };
            if !send(number, work(thing, &progress)) {
                return;
            }
        }
    };
    let mut results: Vec<Option<R>> = std::iter::repeat_with(|| None).take(things.len()).collect();
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel::<(usize, Result<R, Cancelled>)>();
        for number in 0..n_threads {
            let (own, worker) = (sender.clone(), &worker);
            let name = format!("worker {number}");
            let started = std::thread::Builder::new()
                .name(name)
                .spawn_scoped(scope, move || {
                    worker(&|number, result| own.send((number, result)).is_ok());
                });
            if started.is_err() && number == 0 {
                // Not even one: then this thread does it all. The channel takes any number of results.
                worker(&|number, result| sender.send((number, result)).is_ok());
            }
        }
        drop(sender);
        let mut done = 0;
        let told = loop {
            match receiver.recv_timeout(TICK) {
                Ok((number, Ok(result))) => {
                    done += 1;
                    if let Some(place) = results.get_mut(number) {
                        *place = Some(result);
                    }
                }
                Ok((_number, Err(cancelled))) => break Err(cancelled),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Ok(()),
            }
            if let Err(cancelled) = progress.tick(done, total) {
                break Err(cancelled);
            }
        };
        if told.is_err() {
            is_cancelled.store(true, Ordering::Relaxed);
            next.store(things.len(), Ordering::Relaxed);
        }
        told
    })?;
    // Every thing has its result, or a worker panicked, which the scope passed on.
    Ok(results.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::in_order;
    use crate::model::progress::{Cancelled, Progress, Unattended};

    #[test]
    fn results_stand_in_the_order_of_the_things() {
        let things: Vec<u64> = (0..500).collect();
        let doubled = in_order(&things, &Unattended, |n, _progress| Ok(n * 2)).unwrap();
        assert_eq!(doubled, (0..500).map(|n| n * 2).collect::<Vec<u64>>());
        let none = in_order(&[], &Unattended, |n: &u64, _progress| Ok(*n));
        assert!(none.unwrap().is_empty());
    }

    #[test]
    fn a_cancel_reaches_every_worker() {
        struct Impatient;
        impl Progress for Impatient {
            fn tick(&self, done: u64, _total: u64) -> Result<(), Cancelled> {
                if done > 3 { Err(Cancelled) } else { Ok(()) }
            }
        }
        let things: Vec<u64> = (0..10_000).collect();
        let result = in_order(&things, &Impatient, |n, progress| {
            progress.tick(0, 1)?;
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok(*n)
        });
        assert!(result.is_err());
    }
}
