//! The filters as they were before each change: undo and redo.

use crate::engine::logs::filter::FilterStack;

/// Changes that can be taken back.
const MOST: usize = 200;

/// What the stack was.
#[derive(Default)]
pub(super) struct History {
    now: FilterStack,
    undone: Vec<FilterStack>,
    before: Vec<FilterStack>,
}

impl History {
    /// Notes that the stack is another one now.
    pub(super) fn note(&mut self, stack: &FilterStack) {
        if *stack == self.now {
            return;
        }
        self.before
            .push(std::mem::replace(&mut self.now, stack.clone()));
        if self.before.len() > MOST {
            self.before.remove(0);
        }
        self.undone.clear();
    }

    /// The stack before the last change.
    pub(super) fn undo(&mut self) -> Option<FilterStack> {
        let before = self.before.pop()?;
        self.undone
            .push(std::mem::replace(&mut self.now, before.clone()));
        Some(before)
    }

    /// The stack before the last undo.
    pub(super) fn redo(&mut self) -> Option<FilterStack> {
        let undone = self.undone.pop()?;
        self.before
            .push(std::mem::replace(&mut self.now, undone.clone()));
        Some(undone)
    }
}
