//! Exit codes that scripts rely on (contracts.md, section 3).

use crate::engine::job::JobError;
use crate::model::progress::Cancelled;
use std::fmt;
use std::process::ExitCode;

/// How a command ended when it did not simply succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Asked to judge, and the judgement is bad.
    Judged,
    /// The input or the call is wrong.
    Wrong,
    /// A symbol file that is needed is missing; the partial result was printed.
    SymbolsMissing,
    /// Cancelled.
    Cancelled,
    /// A caught bug of ours.
    Bug,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Judged => 1,
            Exit::Wrong => 2,
            Exit::SymbolsMissing => 3,
            Exit::Cancelled => 4,
            Exit::Bug => 70,
        })
    }
}

/// A failed command: one line on standard error, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// What, where, what to do: printed as one line.
    pub message: String,
}

impl Failure {
    /// The input or the call is wrong.
    pub fn wrong(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Wrong, message: message.to_string() }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::wrong(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::wrong(error)
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Cancelled => Cancelled.into(),
            JobError::Failed(message) => Self::wrong(message),
        }
    }
}

impl From<Cancelled> for Failure {
    fn from(_: Cancelled) -> Self {
        Self { exit: Exit::Cancelled, message: "cancelled".to_owned() }
    }
}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;
