//! An answer that may still be on its way: the old value stays on screen until the new one is there.

/// What a query has to show right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loadable<T> {
    /// Being computed; `previous` is the last answer to the same question, if there was one.
    Pending {
        /// The last answer.
        previous: Option<T>,
    },
    /// The answer for the present state of the workspace.
    Ready(T),
    /// It could not be computed.
    Failed {
        /// What happened and what to do, as one selectable text.
        error: String,
        /// The last answer.
        previous: Option<T>,
    },
}

impl<T> Loadable<T> {
    /// The answer, be it present or previous.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Pending { previous } | Self::Failed { previous, .. } => previous.as_ref(),
        }
    }

    /// True while something is being computed.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Pending { .. })
    }

    /// The error text, if it failed.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { error, .. } => Some(error),
            Self::Ready(_) | Self::Pending { .. } => None,
        }
    }
}
