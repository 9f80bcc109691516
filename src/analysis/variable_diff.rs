//! Which global variables differ between two memories of one build: two dumps, or a dump and the ELF's initial values.

use crate::model::addr::TargetAddr;
use crate::model::memory::Memory;
use crate::model::report::Unavailable;
use crate::symbols::difference::{Comparison, changeable};
use crate::symbols::globals::globals;
use crate::symbols::symbol_set::SymbolSet;
use crate::symbols::types::Types;
use crate::symbols::variables::ValueLimits;

/// The most rows of one answer; a search narrows it down.
pub const MOST_ROWS: usize = 1000;

/// One row: a variable, or the member of it that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferenceRow {
    /// `link.stats.retries`, `ring[3].head`.
    pub name: String,
    /// Its type in C notation.
    pub type_name: Option<String>,
    /// `main.c:12`: where the variable is declared.
    pub file: Option<String>,
    /// Where the member is.
    pub address: TargetAddr,
    /// The value in the first memory.
    pub before: Result<String, Unavailable>,
    /// The value in the second one.
    pub after: Result<String, Unavailable>,
}

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableDiff {
    /// In the order of the variables' names.
    pub rows: Vec<DifferenceRow>,
    /// Variables that both sides hold.
    pub n_compared: usize,
    /// Of them, how many differ.
    pub n_different: usize,
    /// Variables that one side does not hold.
    pub n_unavailable: usize,
    /// More differs than the rows say.
    pub truncated: bool,
    /// What to know of this answer, in sentences.
    pub notes: Vec<String>,
}

/// Compares every variable whose name holds `find` (in any letter case) and that the program can change.
pub fn compare(
    symbols: &SymbolSet<'_>,
    before: &dyn Memory,
    after: &dyn Memory,
    find: &str,
) -> VariableDiff {
    let needle = find.to_lowercase();
    let limits = ValueLimits::default();
    let mut answer = VariableDiff::default();
    let mut n_partial: usize = 0;
    for info in &symbols.infos {
        let types = Types::new(info);
        let comparison = Comparison::new(&types, symbols, before, after, &limits);
        let mut variables: Vec<_> = globals(info)
            .into_iter()
            .filter(|global| global.size > 0 && changeable(info, global))
            .filter(|global| global.qualified.to_lowercase().contains(&needle))
            .collect();
        variables.sort_by(|a, b| (&a.qualified, a.address).cmp(&(&b.qualified, b.address)));
        // The same static of a header is described once a unit.
        variables.dedup_by(|a, b| a.address == b.address && a.qualified == b.qualified);
        for variable in variables {
            let compared = comparison.variable(&variable);
            if compared.is_unavailable {
                answer.n_unavailable += 1;
                continue;
            }
            answer.n_compared += 1;
            n_partial = n_partial.saturating_add(usize::from(compared.is_partial));
            answer.truncated |= compared.is_cut;
            if compared.differences.is_empty() {
                continue;
            }
            answer.n_different += 1;
            let file = variable.file.as_ref().map(|file| match variable.line {
                Some(line) => format!("{file}:{line}"),
                None => file.clone(),
            });
            for difference in compared.differences {
                if answer.rows.len() >= MOST_ROWS {
                    answer.truncated = true;
                    break;
                }
                answer.rows.push(DifferenceRow {
                    name: difference.name,
                    type_name: difference.type_name,
                    file: file.clone(),
                    address: TargetAddr(difference.address),
                    before: difference.before,
                    after: difference.after,
                });
            }
        }
    }
    answer.notes = notes(&answer, n_partial);
    answer
}

fn notes(answer: &VariableDiff, n_partial: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if answer.n_unavailable > 0 {
        notes.push(format!(
            "{} variables could not be compared: their memory is not in the capture, or has no initial value.",
            answer.n_unavailable
        ));
    }
    if n_partial > 0 {
        notes.push(format!(
            "Of {n_partial} variables only a part is there on both sides; that part was compared."
        ));
    }
    if answer.truncated {
        notes.push("More differs than is listed; search for a name to see the rest.".to_owned());
    }
    notes
}
