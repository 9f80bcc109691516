//! The symbolizer screen: a pasted text with names for its addresses.

use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::engine::symbolize::{Segment, Symbolizer};
use crate::model::build_id::BuildId;

/// The longest text of one question.
const LONGEST_TEXT: usize = 4 << 20;

/// Asks for names.
#[derive(Clone, Debug)]
pub struct SymbolizeTextQuery {
    /// The pasted text.
    pub text: String,
    /// Build to use, as hex; `None` uses the build that a line of the text names, else every build at hand that
    /// is the only one.
    pub build_id: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolizedText {
    /// The text, in order.
    pub segments: Vec<Segment>,
    /// Which build was used, and why.
    pub build: String,
    /// How many addresses got a name.
    pub n_named: usize,
}

impl SymbolizedText {
    /// The text with the names behind the addresses.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Text(text) => out.push_str(text),
                Segment::Address { text, symbol } => {
                    out.push_str(text);
                    out.push_str(" (");
                    out.push_str(&crate::engine::symbolize::names(symbol));
                    out.push(')');
                }
            }
        }
        out
    }
}

impl Query for SymbolizeTextQuery {
    type Output = SymbolizedText;

    fn run(&self, context: &QueryContext) -> Result<SymbolizedText, QueryError> {
        if self.text.len() > LONGEST_TEXT {
            return Err(QueryError::Unanswerable(format!(
                "The text has {} bytes; paste at most {LONGEST_TEXT}, or use fieldscope symbolize.",
                self.text.len()
            )));
        }
        let chosen = self.build_id.as_deref().and_then(BuildId::from_hex);
        let (matched, build) = context.build_for_text(chosen.as_ref(), &self.text)?;
        let segments = context.with_matched(&matched, |symbols| {
            Symbolizer::new(symbols, &[]).text(&self.text)
        });
        let n_named = segments
            .iter()
            .filter(|s| matches!(s, Segment::Address { .. }))
            .count();
        Ok(SymbolizedText {
            segments,
            build,
            n_named,
        })
    }
}
