//! How much a symbol file can tell.

/// What kind of answers a symbol file gives, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Functions, lines, inlined functions, types and variables.
    Full,
    /// Functions and lines, no variables.
    LinesOnly,
    /// Names of functions only.
    NamesOnly,
    /// Nothing.
    None,
}

impl Quality {
    /// The quality that [`Quality::label`] names.
    pub fn from_label(label: &str) -> Option<Self> {
        [Self::Full, Self::LinesOnly, Self::NamesOnly, Self::None]
            .into_iter()
            .find(|quality| quality.label() == label)
    }

    /// The words on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Full => "full debug information",
            Self::LinesOnly => "functions and lines",
            Self::NamesOnly => "function names only",
            Self::None => "no symbols",
        }
    }

    /// What to do to get more, in one sentence; empty when there is nothing to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Full => "",
            Self::LinesOnly => "Build with -g (or -g2) instead of -g1 to see variables.",
            Self::NamesOnly => {
                "The debug information was stripped: add the ELF from before strip, or its .debug file, to see lines and variables."
            }
            Self::None => {
                "The symbols were stripped: add the ELF from before strip, or its .debug file."
            }
        }
    }
}
