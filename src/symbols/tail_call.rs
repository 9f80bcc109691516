//! Functions that left the stack by a tail call: between a call and the function that it seems to have led to.
//!
//! The caller's call site (DWARF 5, section 3.4) names the function that was called. When that is not the one that is
//! running, the running one was reached by tail calls, whose sites are marked (`DW_AT_call_tail_call`). If there is one
//! way only, its functions are certain; of several ways, what they have in common at either end is. A call that goes to
//! nobody knows where makes all of it uncertain. gdb decides by the same rules.

use super::call_site::{find_call_site, for_each_below, function_at, is_call_site, target_of};
use super::debug_info::DebugInfo;
use super::die::{self, Die};
use std::collections::{BTreeMap, BTreeSet};

/// Steps of a search through tail calls.
const MOST_STEPS: usize = 2_000;
/// Tail calls in a row.
const LONGEST_CHAIN: usize = 64;

/// Where a function left by a tail call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailFrame {
    /// The address behind the jump, as that of a call would be; of compilers that note only the jump (clang), the jump.
    pub pc: u64,
    /// An address of the jump itself: what to look up.
    pub lookup: u64,
}

/// A tail call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Site {
    frame: TailFrame,
    /// Start of the function that it jumps to.
    target: u64,
}

/// The frames, innermost first, that tail calls took off the stack between the call that returns to `return_pc` and the
/// frame at `callee`; empty when the call went there directly, or when it is not certain. `instructed` is where the call
/// instruction itself leads, if it says.
pub fn frames_between(
    info: &DebugInfo<'_>,
    return_pc: u64,
    instructed: Option<u64>,
    callee: u64,
) -> Vec<TailFrame> {
    search(info, return_pc, instructed, callee).unwrap_or_default()
}

fn search(
    info: &DebugInfo<'_>,
    return_pc: u64,
    instructed: Option<u64>,
    callee: u64,
) -> Option<Vec<TailFrame>> {
    let wanted = die::entry_pc(info, function_at(info, callee)?)?;
    if instructed == Some(wanted) {
        return None;
    }
    let noted = || {
        let caller = function_at(info, return_pc.checked_sub(1)?)?;
        let (at, site) = find_call_site(info, caller, return_pc)?;
        target_of(info, at, &site)
    };
    // Not every compiler notes every call.
    let called = noted().or(instructed)?;
    if called == wanted {
        return None;
    }
    let mut known: BTreeMap<u64, Vec<Site>> = BTreeMap::new();
    let mut common: Option<Common> = None;
    let mut visited = BTreeSet::new();
    let mut chain: Vec<Site> = Vec::new();
    // One list of untried tail calls for each function of the chain.
    let mut untried = vec![tail_calls(info, called, &mut known)?];
    for _step in 0..MOST_STEPS {
        let Some(last) = untried.last_mut() else {
            return common.map(|common| common.frames());
        };
        let Some(site) = last.pop() else {
            untried.pop();
            if let Some(left) = chain.pop() {
                visited.remove(&left.frame.pc);
            }
            continue;
        };
        if chain.len() >= LONGEST_CHAIN || !visited.insert(site.frame.pc) {
            continue;
        }
        chain.push(site);
        if site.target == wanted {
            match &mut common {
                None => common = Some(Common::of(&chain)),
                Some(common) => {
                    if !common.intersect(&chain) {
                        return None;
                    }
                }
            }
            // Whoever is there already does not get there once more.
            chain.pop();
            visited.remove(&site.frame.pc);
            continue;
        }
        untried.push(tail_calls(info, site.target, &mut known)?);
    }
    None
}

/// The tail calls of the function that begins at `entry`; `None` when one of them leads nobody knows where, or nothing
/// is known of the function.
fn tail_calls(
    info: &DebugInfo<'_>,
    entry: u64,
    known: &mut BTreeMap<u64, Vec<Site>>,
) -> Option<Vec<Site>> {
    if let Some(sites) = known.get(&entry) {
        return Some(sites.clone());
    }
    let function = function_at(info, entry)?;
    if die::entry_pc(info, function) != Some(entry) {
        return None;
    }
    let mut sites = Vec::new();
    let mut is_certain = true;
    for_each_below(info, function, |at, entry| {
        let is_tail = is_call_site(entry)
            && (die::flag(entry, gimli::DW_AT_call_tail_call)
                || die::flag(entry, gimli::DW_AT_GNU_tail_call));
        if is_tail {
            match (place_of(info, at.unit, entry), target_of(info, at, entry)) {
                (Some(frame), Some(target)) => sites.push(Site { frame, target }),
                _ => is_certain = false,
            }
        }
        is_certain
    });
    if !is_certain {
        return None;
    }
    known.insert(entry, sites.clone());
    Some(sites)
}

fn place_of(info: &DebugInfo<'_>, unit: usize, site: &Die<'_>) -> Option<TailFrame> {
    let behind = die::address(info, unit, site, gimli::DW_AT_call_return_pc)
        .or_else(|| die::address(info, unit, site, gimli::DW_AT_low_pc));
    if let Some(pc) = behind {
        let lookup = pc.checked_sub(1)?;
        return Some(TailFrame { pc, lookup });
    }
    let pc = die::address(info, unit, site, gimli::DW_AT_call_pc)?;
    Some(TailFrame { pc, lookup: pc })
}

/// What all chains found so far have in common.
struct Common {
    chain: Vec<Site>,
    /// So many at the caller's end.
    n_callers: usize,
    /// So many at the callee's end.
    n_callees: usize,
}

impl Common {
    fn of(chain: &[Site]) -> Self {
        Self {
            chain: chain.to_vec(),
            n_callers: chain.len(),
            n_callees: chain.len(),
        }
    }

    /// Keeps what `other` has too; false when nothing is left.
    fn intersect(&mut self, other: &[Site]) -> bool {
        let same = |pair: &(&Site, &Site)| pair.0 == pair.1;
        let front = self.chain.iter().zip(other).take_while(same).count();
        let back = self.chain.iter().rev().zip(other.iter().rev());
        let back = back.take_while(same).count();
        self.n_callers = self.n_callers.min(front);
        self.n_callees = self.n_callees.min(back);
        self.n_callers > 0 || self.n_callees > 0
    }

    /// Frames, innermost first.
    fn frames(&self) -> Vec<TailFrame> {
        let callees = self.chain.iter().rev().take(self.n_callees);
        let mut frames: Vec<TailFrame> = callees.map(|site| site.frame).collect();
        // With one way only, both ends are the whole of it.
        if self.n_callees != self.chain.len() {
            let callers = self.chain.iter().take(self.n_callers).rev();
            frames.extend(callers.map(|site| site.frame));
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::{Common, Site, TailFrame};

    fn chain(pcs: &[u64]) -> Vec<Site> {
        let site = |&pc: &u64| Site {
            frame: TailFrame { pc, lookup: pc - 1 },
            target: pc * 10,
        };
        pcs.iter().map(site).collect()
    }

    fn pcs(common: &Common) -> Vec<u64> {
        common.frames().iter().map(|frame| frame.pc).collect()
    }

    #[test]
    fn one_way_is_certain_and_several_have_their_ends_in_common() {
        let mut common = Common::of(&chain(&[1, 2, 3]));
        assert_eq!(pcs(&common), [3, 2, 1]);
        assert!(common.intersect(&chain(&[1, 4, 5, 3])));
        assert_eq!(pcs(&common), [3, 1]);
        assert!(common.intersect(&chain(&[1, 6])));
        assert_eq!(pcs(&common), [1]);
        assert!(!common.intersect(&chain(&[7])));
    }
}
