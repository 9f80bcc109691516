//! Folding in the list: whether runs of one message are one row, and which of them are shown row by row all the same.

use super::{Found, Logs};
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::view::LogRow;
use crate::model::log::RowKind;
use crate::ui::words;

/// Runs that are unfolded at a time; the first ones fold again.
const MOST_UNFOLDED: usize = 200;

impl Logs {
    /// What rows are asked for: they fold once their messages are counted.
    pub(super) fn shown_stack(&self) -> FilterStack {
        FilterStack {
            folds: self.stack.folds && self.messages.are_known,
            ..self.stack.clone()
        }
    }

    /// Unfolds the row, or folds what begins there.
    pub(super) fn toggle_fold(&mut self, at: u64, row: &LogRow) {
        let unfolded = &mut self.stack.unfolded;
        if row.n_unfolded > 0 {
            // The run may have begun elsewhere when it was unfolded.
            let inside = (0_usize..).zip(unfolded.iter());
            let first = inside
                .filter(|(_, other)| **other >= row.position)
                .min_by_key(|(_, other)| **other);
            if let Some((index, _)) = first {
                unfolded.remove(index);
            }
        } else if row.n_folded > 0 {
            unfolded.push(row.position);
            if unfolded.len() > MOST_UNFOLDED {
                unfolded.remove(0);
            }
        } else {
            return;
        }
        self.found = Found::Unsaid;
        self.follows_end = false;
        self.choose_row(at, false, None);
    }

    /// Unfolds or folds the selected row.
    pub(super) fn toggle_selected(&mut self) {
        let selected = self.selected.as_ref();
        if let Some((at, row)) = selected.and_then(|it| Some((it.at, it.row.clone()?))) {
            self.toggle_fold(at, &row);
        }
    }

    /// What became of folding, when no filter says how many rows there are.
    pub(super) fn fold_words(&self) -> Option<String> {
        let is_alone = self.stack.folds && self.stack.chips.is_empty();
        is_alone.then(|| {
            if self.is_merged() {
                return "repeated messages of merged logs are not folded".to_owned();
            }
            if self.messages.are_known {
                let rows = words::count(self.n_visible, "row", "rows");
                format!("folded to {rows}")
            } else {
                "Counting messages…".to_owned()
            }
        })
    }

    /// `4,812 lines shown`, and in how many rows.
    pub(super) fn shown_words(&self) -> String {
        let n_let_through = self.counts.n_let_through;
        let lines = words::count(n_let_through, "line", "lines");
        if n_let_through > self.n_visible {
            let rows = words::count(self.n_visible, "row", "rows");
            return format!("{lines} shown in {rows}");
        }
        format!("{lines} shown")
    }
}

/// Words of the link that unfolds a row or folds it.
pub(super) fn link_words(row: &LogRow) -> Option<String> {
    let is_data = row.record.kind == RowKind::Data;
    match (row.n_folded, row.n_unfolded) {
        (0, 0) => None,
        (0, n) => Some(format!("fold {}", words::count(n, "line", "lines"))),
        (_, _) if is_data => Some("unfold".to_owned()),
        (n, _) => Some(format!(
            "same message × {}",
            words::number(n.saturating_add(1))
        )),
    }
}
