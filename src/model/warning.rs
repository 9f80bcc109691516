//! What was wrong with an input, without being fatal.

use serde::{Deserialize, Serialize};

/// Something a reader of the answer should know: what was missing, broken or assumed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code, `FS-` + area + number, such as `FS-CORE-003`.
    pub code: String,
    /// One sentence: what, what it means, what to do.
    pub message: String,
    /// Byte offset in the input file, when there is one.
    pub offset: Option<u64>,
}

impl Warning {
    /// A warning about the whole input.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            offset: None,
        }
    }

    /// A warning about the byte at `offset`.
    pub fn at(code: &str, offset: u64, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            offset: Some(offset),
        }
    }
}
