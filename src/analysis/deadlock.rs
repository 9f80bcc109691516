//! Threads that can never go on: rings of threads that wait for each other, and waits for somebody who is gone.

use crate::model::addr::TargetAddr;
use crate::model::report::{Thread, ThreadState};
use crate::model::rtos_objects::{Deadlock, DeadlockStep, RtosObject, ThreadRef};
use std::collections::{BTreeMap, BTreeSet};

/// A thread, what it waits for and who has that.
struct Edge<'a> {
    thread: &'a ThreadRef,
    object: &'a RtosObject,
    wants: &'a str,
    holder: &'a ThreadRef,
}

/// Every ring, each once, starting with its lowest thread.
pub fn find(objects: &[RtosObject]) -> Vec<Deadlock> {
    let edges = edges(objects);
    let mut done: BTreeSet<TargetAddr> = BTreeSet::new();
    let mut rings = Vec::new();
    for start in edges.keys() {
        let mut path: Vec<TargetAddr> = Vec::new();
        let mut at = *start;
        // Every step is a thread that was not on the path: the path ends.
        while let Some(edge) = edges.get(&at) {
            if done.contains(&at) {
                break;
            }
            if let Some(first) = path.iter().position(|seen| *seen == at) {
                let ring = path.get(first..).unwrap_or_default();
                rings.push(ring_of(ring, &edges));
                break;
            }
            path.push(at);
            at = edge.holder.id;
        }
        done.extend(path);
    }
    rings
}

/// `net waits for mutex bus, which cmd holds; cmd waits for mutex log, which net holds: neither can go on.`
pub fn sentence(deadlock: &Deadlock) -> String {
    let n = deadlock.ring.len();
    if let [only] = deadlock.ring.as_slice() {
        return format!(
            "{} waits for {}, which it holds itself: it can {} go on.",
            only.thread,
            only.waits_for,
            never(deadlock)
        );
    }
    let mut clauses = Vec::new();
    for (index, step) in deadlock.ring.iter().enumerate() {
        let next = (index + 1).checked_rem(n).unwrap_or(0);
        if let Some(holder) = deadlock.ring.get(next) {
            clauses.push(format!(
                "{} waits for {}, which {} holds",
                step.thread, step.waits_for, holder.thread
            ));
        }
    }
    let end = match (n, never(deadlock)) {
        (2, "never") => "neither can go on".to_owned(),
        (_, "never") => "none of them can go on".to_owned(),
        _ => "none of them can go on before the first wait times out".to_owned(),
    };
    format!("{}: {end}.", clauses.join("; "))
}

/// Waits for something whose holder will not give it back: it was deleted, or is suspended.
pub fn hopeless_waits(objects: &[RtosObject], threads: &[Thread]) -> Vec<String> {
    let mut found = Vec::new();
    for object in objects {
        let (Some(holder), false) = (&object.holder, object.waiters.is_empty()) else {
            continue;
        };
        let state = threads
            .iter()
            .find(|thread| thread.id == Some(holder.id))
            .map(|thread| thread.state);
        let why = match state {
            Some(ThreadState::Deleted) => "was deleted",
            Some(ThreadState::Suspended) => "is suspended",
            None if object.detail.ends_with("was deleted") => "was deleted",
            _ => continue,
        };
        let names: Vec<String> = object
            .waiters
            .iter()
            .map(|waiter| waiter.thread.to_string())
            .collect();
        let verb = if names.len() == 1 { "waits" } else { "wait" };
        found.push(format!(
            "{} {verb} for {}, which {holder} holds, and {holder} {why}.",
            names.join(" and "),
            title(object)
        ));
    }
    found
}

/// `mutex bus`, `queue at 0x20001230`.
pub fn title(object: &RtosObject) -> String {
    match &object.name {
        Some(name) => format!("{} {name}", object.kind.label()),
        None => format!("{} at {}", object.kind.label(), object.address),
    }
}

fn edges(objects: &[RtosObject]) -> BTreeMap<TargetAddr, Edge<'_>> {
    let mut edges = BTreeMap::new();
    for object in objects {
        let Some(holder) = &object.holder else {
            continue;
        };
        for waiter in &object.waiters {
            edges.entry(waiter.thread.id).or_insert(Edge {
                thread: &waiter.thread,
                object,
                wants: &waiter.wants,
                holder,
            });
        }
    }
    edges
}

fn ring_of(ring: &[TargetAddr], edges: &BTreeMap<TargetAddr, Edge<'_>>) -> Deadlock {
    let lowest = ring
        .iter()
        .enumerate()
        .min_by_key(|(_, id)| **id)
        .map_or(0, |(index, _)| index);
    let ring = ring
        .iter()
        .cycle()
        .skip(lowest)
        .take(ring.len())
        .filter_map(|id| edges.get(id))
        .map(|edge| {
            let until = edge.wants.split_once(" until ").map(|(_, until)| until);
            DeadlockStep {
                thread: edge.thread.clone(),
                waits_for: match until {
                    Some(until) => format!("{} until {until}", title(edge.object)),
                    None => title(edge.object),
                },
                object: edge.object.address,
            }
        })
        .collect();
    Deadlock { ring }
}

/// A wait with a time limit ends the ring.
fn never(deadlock: &Deadlock) -> &'static str {
    let is_limited = deadlock
        .ring
        .iter()
        .any(|step| step.waits_for.contains(" until "));
    if is_limited { "not yet" } else { "never" }
}

#[cfg(test)]
mod tests {
    use super::{find, sentence};
    use crate::model::addr::TargetAddr;
    use crate::model::rtos_objects::{ObjectKind, RtosObject, ThreadRef, Waiter};

    fn thread(id: u64) -> ThreadRef {
        ThreadRef {
            id: TargetAddr(id),
            name: Some(format!("t{id}")),
        }
    }

    /// Mutexes by their holder and their waiters.
    fn mutexes(held: &[(u64, &[u64])]) -> Vec<RtosObject> {
        held.iter()
            .zip(0u64..)
            .map(|((holder, waiters), n)| RtosObject {
                kind: ObjectKind::Mutex,
                name: Some(format!("m{n}")),
                address: TargetAddr(0x2000_0000 + 0x50 * n),
                detail: "taken".to_owned(),
                holder: Some(thread(*holder)),
                waiters: waiters
                    .iter()
                    .map(|id| Waiter {
                        thread: thread(*id),
                        wants: "to take".to_owned(),
                    })
                    .collect(),
            })
            .collect()
    }

    #[test]
    fn rings_of_every_length_are_found_once_and_said_in_words() {
        let cases: [(&[(u64, &[u64])], &[&str]); 6] = [
            (&[(1, &[2]), (3, &[])], &[]),
            (
                &[(1, &[1])],
                &["t1 waits for mutex m0, which it holds itself: it can never go on."],
            ),
            (
                &[(2, &[1]), (1, &[2])],
                &[
                    "t1 waits for mutex m0, which t2 holds; t2 waits for mutex m1, which t1 holds: neither can go on.",
                ],
            ),
            (
                &[(3, &[2]), (1, &[3]), (2, &[1])],
                &[
                    "t1 waits for mutex m2, which t2 holds; t2 waits for mutex m0, which t3 holds; t3 waits for mutex m1, which t1 holds: none of them can go on.",
                ],
            ),
            // t9 and t8 wait for somebody in the ring, but are not in it.
            (
                &[(2, &[1, 9]), (1, &[2]), (9, &[8])],
                &[
                    "t1 waits for mutex m0, which t2 holds; t2 waits for mutex m1, which t1 holds: neither can go on.",
                ],
            ),
            (
                &[(2, &[1]), (1, &[2]), (4, &[3]), (3, &[4])],
                &[
                    "t1 waits for mutex m0, which t2 holds; t2 waits for mutex m1, which t1 holds: neither can go on.",
                    "t3 waits for mutex m2, which t4 holds; t4 waits for mutex m3, which t3 holds: neither can go on.",
                ],
            ),
        ];
        for (held, expected) in cases {
            let said: Vec<String> = find(&mutexes(held)).iter().map(sentence).collect();
            assert_eq!(said, expected, "{held:?}");
        }
    }
}
