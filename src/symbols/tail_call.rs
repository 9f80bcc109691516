//! Functions that left by a tail call between a call and the function that runs now.
//!
//! DWARF 5, sections 2.16 and 3.4.2: a function flagged `DW_AT_call_all_calls` or `DW_AT_call_all_tail_calls` describes
//! each of its tail calls (`DW_AT_call_tail_call`) as a call site; the GNU forms of DWARF 4 mean the same. The call
//! leads to one function, another one runs: what lies between are the ways through tail calls from the one to the other.
//! Only what all ways have in common is told, from both ends, and nothing at all where some way cannot be known (a jump
//! through a pointer, a function without debug information). gdb tells the same.

use super::call_site::{for_each_below, function_at, is_call_site, returns_to, target_of};
use super::debug_info::DebugInfo;
use super::die::{self, Die, DieRef};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most functions that the ways may lead through.
const MOST_FUNCTIONS: usize = 256;

/// The most tail calls that the ways may have to choose from.
const MOST_SITES: usize = 1024;

/// Entries of one ELF that are read for all questions together.
const MOST_ENTRIES: usize = 4_000_000;

/// Where a tail call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TailCall {
    /// The address after its jump (gcc, and clang with DWARF 4).
    Before(u64),
    /// The address of its jump (clang with DWARF 5).
    At(u64),
}

/// The tail calls by which the running function came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TailChain {
    /// The last one first.
    pub calls: Vec<TailCall>,
    /// False when there are several ways, so that some are missing in the middle.
    pub is_complete: bool,
}

/// What was read so far.
#[derive(Default)]
pub(super) struct TailCallsRead {
    n_entries: Cell<usize>,
    sites: RefCell<BTreeMap<u64, Option<Rc<[Site]>>>>,
}

/// A tail call and the function that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Site {
    call: TailCall,
    target: u64,
}

/// A tail call on a way, between two functions by their first address.
#[derive(Clone, Copy)]
struct Edge {
    from: u64,
    site: Site,
}

impl DebugInfo<'_> {
    /// The tail calls between the call that returns to `return_pc` and the function that runs at `lookup`; empty when
    /// the call leads to that function itself, or nothing is sure.
    ///
    /// `called` is where the instruction of the call leads, if it says: clang for ARM describes no calls but tail calls.
    pub fn tail_calls(&self, return_pc: u64, called: Option<u64>, lookup: u64) -> TailChain {
        self.between(return_pc, called, lookup).unwrap_or_default()
    }

    fn between(&self, return_pc: u64, by_code: Option<u64>, lookup: u64) -> Option<TailChain> {
        let caller = function_at(self, return_pc.checked_sub(1)?)?;
        let mut called = None;
        self.visit_below(caller, |at, die| {
            let is_it = is_call_site(die) && returns_to(self, at, die, return_pc);
            if is_it {
                called = target_of(self, at, die);
            }
            !is_it
        });
        let called = called.or(by_code)?;
        let running = die::entry_pc(self, function_at(self, lookup)?)?;
        if called == running {
            return None;
        }
        let edges = reachable(called, running, |function| self.tail_sites(function))?;
        chain(&edges, called, running)
    }

    /// The tail calls of the function that begins at `start`; `None` when they are not all known.
    fn tail_sites(&self, start: u64) -> Option<Rc<[Site]>> {
        let cache = self.tail_calls_read();
        if let Some(known) = cache.sites.borrow().get(&start) {
            return known.clone();
        }
        let sites = self.read_tail_sites(start).map(Rc::from);
        cache.sites.borrow_mut().insert(start, sites.clone());
        sites
    }

    fn read_tail_sites(&self, start: u64) -> Option<Vec<Site>> {
        let function = function_at(self, start)?;
        if die::entry_pc(self, function) != Some(start) || !tells_all_tail_calls(self, function) {
            return None;
        }
        let mut sites = Vec::new();
        let mut is_known = true;
        let is_read = self.visit_below(function, |at, die| {
            let is_tail = is_call_site(die)
                && (die::flag(die, gimli::DW_AT_call_tail_call)
                    || die::flag(die, gimli::DW_AT_GNU_tail_call));
            if is_tail {
                let address = |name| die::address(self, at.unit, die, name);
                let call = address(gimli::DW_AT_call_return_pc)
                    .or_else(|| address(gimli::DW_AT_low_pc))
                    .map(TailCall::Before)
                    .or_else(|| address(gimli::DW_AT_call_pc).map(TailCall::At));
                match (call, target_of(self, at, die)) {
                    (Some(call), Some(target)) => sites.push(Site { call, target }),
                    _ => is_known = false,
                }
            }
            is_known &= sites.len() <= MOST_SITES;
            is_known
        });
        (is_known && is_read).then_some(sites)
    }

    /// Calls `visit` for every entry below `function` until it returns false. False when too much was read already.
    fn visit_below(
        &self,
        function: DieRef,
        mut visit: impl FnMut(DieRef, &Die<'_>) -> bool,
    ) -> bool {
        let n_entries = &self.tail_calls_read().n_entries;
        for_each_below(self, function, |at, die| {
            n_entries.set(n_entries.get().saturating_add(1));
            n_entries.get() <= MOST_ENTRIES && visit(at, die)
        });
        n_entries.get() <= MOST_ENTRIES
    }
}

fn tells_all_tail_calls(info: &DebugInfo<'_>, function: DieRef) -> bool {
    const FLAGS: [gimli::DwAt; 4] = [
        gimli::DW_AT_call_all_calls,
        gimli::DW_AT_call_all_tail_calls,
        gimli::DW_AT_GNU_all_call_sites,
        gimli::DW_AT_GNU_all_tail_call_sites,
    ];
    die::entry(info, function).is_some_and(|die| FLAGS.iter().any(|name| die::flag(&die, *name)))
}

/// Every tail call that can follow a call of `start` until `end` runs; `None` when some function is not known.
fn reachable(
    start: u64,
    end: u64,
    sites_of: impl Fn(u64) -> Option<Rc<[Site]>>,
) -> Option<Vec<Edge>> {
    let mut edges = Vec::new();
    let mut seen = BTreeSet::from([start, end]);
    let mut todo = vec![start];
    while let Some(from) = todo.pop() {
        for site in sites_of(from)?.iter().copied() {
            edges.push(Edge { from, site });
            if seen.insert(site.target) {
                todo.push(site.target);
            }
        }
        if seen.len() > MOST_FUNCTIONS || edges.len() > MOST_SITES {
            return None;
        }
    }
    Some(edges)
}

/// What all ways from `start` to `end` have in common; no way takes a tail call twice. `None` when they have nothing in
/// common, or there is none.
fn chain(edges: &[Edge], start: u64, end: u64) -> Option<TailChain> {
    let mut first = Vec::new();
    let mut at = start;
    while at != end {
        let leads = spread(edges, &first, end, |edge| (edge.site.target, edge.from));
        let next =
            |(_, edge): &(usize, &Edge)| edge.from == at && leads.contains(&edge.site.target);
        let Some((idx, edge)) = only(edges, &first, next) else {
            break;
        };
        first.push(idx);
        at = edge.site.target;
    }
    let call = |idx: &usize| edges.get(*idx).map(|edge| edge.site.call);
    if at == end {
        let calls = first.iter().rev().filter_map(call).collect();
        let is_complete = true;
        return Some(TailChain { calls, is_complete });
    }
    let mut last = Vec::new();
    let mut at = end;
    while at != start {
        let led = spread(edges, &last, start, |edge| (edge.from, edge.site.target));
        let next = |(_, edge): &(usize, &Edge)| edge.site.target == at && led.contains(&edge.from);
        let Some((idx, edge)) = only(edges, &last, next) else {
            break;
        };
        last.push(idx);
        at = edge.from;
    }
    let unshared = first.iter().rev().filter(|idx| !last.contains(idx));
    let calls: Vec<TailCall> = last.iter().chain(unshared).filter_map(call).collect();
    (!calls.is_empty()).then_some(TailChain {
        calls,
        is_complete: false,
    })
}

/// The functions that are connected with `origin` by calls that are not used up. `step` gives the near end of a call
/// and the far one, as seen from there.
fn spread(
    edges: &[Edge],
    used: &[usize],
    origin: u64,
    step: impl Fn(&Edge) -> (u64, u64),
) -> BTreeSet<u64> {
    let mut steps: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (idx, edge) in edges.iter().enumerate() {
        if !used.contains(&idx) {
            let (near, far) = step(edge);
            steps.entry(near).or_default().push(far);
        }
    }
    let mut seen = BTreeSet::from([origin]);
    let mut todo = vec![origin];
    while let Some(near) = todo.pop() {
        for far in steps.get(&near).into_iter().flatten() {
            if seen.insert(*far) {
                todo.push(*far);
            }
        }
    }
    seen
}

/// The one call of which `is_next` holds and that is not used up; `None` when there are several.
fn only<'e>(
    edges: &'e [Edge],
    used: &[usize],
    is_next: impl Fn(&(usize, &Edge)) -> bool,
) -> Option<(usize, &'e Edge)> {
    let mut found = edges
        .iter()
        .enumerate()
        .filter(|(idx, edge)| !used.contains(idx) && is_next(&(*idx, edge)));
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

#[cfg(test)]
mod tests {
    use super::{Site, TailCall, chain, reachable};
    use std::rc::Rc;

    /// The chain from function 1 to function 9. `calls`: `from>to` in one digit each, `from>?` for an unknown target;
    /// each call is named by its place in the list, from 0.
    fn between_1_and_9(calls: &str) -> Option<(Vec<u64>, bool)> {
        let number = |text: &str| text.parse::<u64>().ok();
        let calls: Vec<(u64, Option<u64>)> = calls
            .split_whitespace()
            .map(|call| call.split_once('>').unwrap())
            .map(|(from, to)| (number(from).unwrap(), number(to)))
            .collect();
        let sites_of = |function: u64| -> Option<Rc<[Site]>> {
            (0_u64..)
                .zip(&calls)
                .filter(|(_, (from, _))| *from == function)
                .map(|(name, (_, target))| {
                    let target = (*target)?;
                    let call = TailCall::Before(name);
                    Some(Site { call, target })
                })
                .collect()
        };
        let found = chain(&reachable(1, 9, sites_of)?, 1, 9)?;
        let names = found.calls.iter().map(|call| match call {
            TailCall::Before(name) | TailCall::At(name) => *name,
        });
        Some((names.collect(), found.is_complete))
    }

    #[test]
    fn only_what_all_ways_share_is_told() {
        for (calls, expected) in [
            ("1>9", Some((vec![0], true))),
            ("1>2 2>9", Some((vec![1, 0], true))),
            // A dead end is no way.
            ("1>2 2>9 2>3 1>4", Some((vec![1, 0], true))),
            // Nothing leads there.
            ("1>2 2>3", None),
            ("", None),
            // Two ways, and what they share at either end.
            ("1>2 1>3 2>9 3>9", None),
            ("1>9 1>9", None),
            ("1>2 2>3 2>4 3>5 4>5 5>9", Some((vec![5, 0], false))),
            ("1>2 2>3 2>4 3>9 4>9", Some((vec![0], false))),
            ("1>2 1>3 2>4 3>4 4>9", Some((vec![4], false))),
            // One way is longer than the other.
            ("1>2 1>3 2>3 3>9", Some((vec![3], false))),
            // A circle: how often it was run through is not known.
            ("1>2 2>1 1>9", Some((vec![2], false))),
            ("1>1 1>9", Some((vec![1], false))),
            ("1>2 2>3 3>2 3>9", Some((vec![3, 1, 0], true))),
            // What leaves by a pointer, or has no debug information, may lead anywhere.
            ("1>2 1>? 2>9", None),
            ("1>2 2>9 2>4 4>?", None),
            // But not what comes after the function that runs.
            ("1>9 9>?", Some((vec![0], true))),
        ] {
            assert_eq!(between_1_and_9(calls), expected, "{calls}");
        }
    }

    #[test]
    fn many_ways_are_not_tried_one_by_one() {
        // Forty functions, each with two calls of the next one: 2^40 ways.
        let sites_of = |function: u64| -> Option<Rc<[Site]>> {
            let target = if function == 40 { 9_999 } else { function + 1 };
            let call = |n| TailCall::Before(function * 2 + n);
            Some(
                [0, 1]
                    .map(|n| Site {
                        call: call(n),
                        target,
                    })
                    .into(),
            )
        };
        let edges = reachable(1, 9_999, sites_of).unwrap();
        assert_eq!(chain(&edges, 1, 9_999), None);
    }
}
