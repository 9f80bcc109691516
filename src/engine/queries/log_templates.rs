//! The messages that a log is made of, how often each occurs, and which of them another log (a good run) does not have.

use crate::engine::context::QueryContext;
use crate::engine::logs::session::MessageIndex;
use crate::engine::logs::templates::{Groups, templates, templates_only_in};
use crate::engine::logs::view::{LogKey, LogTemplate};
use crate::engine::query::{Query, QueryError};

/// Asks for the messages of a log.
#[derive(Clone, Debug)]
pub struct LogTemplatesQuery {
    /// The log.
    pub key: LogKey,
    /// The log that it is compared with.
    pub good: Option<LogKey>,
    /// In which order.
    pub order: TemplateOrder,
}

/// The order of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemplateOrder {
    /// The most frequent first.
    #[default]
    Frequent,
    /// The rarest first.
    Rare,
    /// By their first rows.
    Log,
}

/// The messages of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogMessages {
    /// All of them.
    pub all: Vec<LogTemplate>,
    /// What came of the comparison, if there was one.
    pub compared: Option<Compared>,
    /// Rows that may be messages, and could not be decoded.
    pub n_undecoded: u64,
}

/// What two logs do not have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Messages that the other log does not have.
    pub only_here: Vec<LogTemplate>,
    /// Messages of the other log that this one does not have; rows are the other log's.
    pub only_there: Vec<LogTemplate>,
}

impl Query for LogTemplatesQuery {
    type Output = LogMessages;

    fn run(&self, context: &QueryContext) -> Result<LogMessages, QueryError> {
        let own = context.log(&self.key)?.messages(context.progress())?;
        let good = match &self.good {
            Some(good) => Some(context.log(good)?.messages(context.progress())?),
            None => None,
        };
        Ok(messages(&own, good.as_deref(), self.order))
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        let of = |key: &LogKey| context.opened_logs().revision(key);
        of(&self.key).saturating_add(self.good.as_ref().map_or(0, of))
    }
}

impl TemplateOrder {
    /// Sorts messages that stand in the order of their first rows.
    fn sort(self, list: &mut [LogTemplate]) {
        match self {
            Self::Frequent => list.sort_by_key(|template| std::cmp::Reverse(template.n_rows)),
            Self::Rare => list.sort_by_key(|template| template.n_rows),
            Self::Log => {}
        }
    }
}

/// The messages of an open log, and what another one does not have of them.
pub fn messages(
    own: &MessageIndex,
    good: Option<&MessageIndex>,
    order: TemplateOrder,
) -> LogMessages {
    let mut all = own.assigned().templates.clone();
    order.sort(&mut all);
    LogMessages {
        all,
        compared: good.map(|good| compared(own.groups(), good.groups(), order)),
        n_undecoded: own.groups().n_undecoded(),
    }
}

/// The messages of the groups of a log.
pub fn sorted(groups: &Groups, order: TemplateOrder) -> Vec<LogTemplate> {
    let mut list = templates(groups);
    order.sort(&mut list);
    list
}

/// The messages that a good run does not have.
pub fn only_here(groups: &Groups, good: &Groups, order: TemplateOrder) -> Vec<LogTemplate> {
    let mut list = templates_only_in(groups, good);
    order.sort(&mut list);
    list
}

fn compared(groups: &Groups, good: &Groups, order: TemplateOrder) -> Compared {
    Compared {
        only_here: only_here(groups, good, order),
        only_there: only_here(good, groups, order),
    }
}
