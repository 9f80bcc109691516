//! How much a symbol file can tell.

use crate::model::target_state::SymbolQuality;

/// What kind of answers a symbol file gives, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Functions, lines, inlined functions, types and variables.
    Full,
    /// Functions and lines; the rest of some units is in `.dwo` files that are not at hand.
    DwoMissing,
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
        let all = [
            Self::Full,
            Self::DwoMissing,
            Self::LinesOnly,
            Self::NamesOnly,
            Self::None,
        ];
        all.into_iter().find(|quality| quality.label() == label)
    }

    /// The words on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Full => "full debug information",
            Self::DwoMissing => ".dwo files missing",
            Self::LinesOnly => "functions and lines",
            Self::NamesOnly => "function names only",
            Self::None => "no symbols",
        }
    }

    /// What is lost and how to get it; empty when nothing is.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Full => "",
            Self::DwoMissing => {
                "No variables, types and inlined functions where the .dwo files are missing: it was built with -gsplit-dwarf. Pack them with dwp (of DWARF 5 with llvm-dwp) where it was built and put the .dwp beside the ELF, or copy the .dwo files there."
            }
            Self::LinesOnly => {
                "No variables and no types: it was built with line tables only (-g1). Build the same source with -g; what is in flash need not change."
            }
            Self::NamesOnly => {
                "No lines, no inlined functions, no variables: it was built without -g, or stripped. Add the ELF from before strip or its .debug file, or build the same source with -g; what is in flash need not change."
            }
            Self::None => {
                "No names, no lines, no variables: everything was stripped. Add the ELF from before strip or its .debug file."
            }
        }
    }

    /// What the report carries of a symbol file.
    pub fn of_file(self, name: &str) -> SymbolQuality {
        let advice = self.advice();
        SymbolQuality {
            file: name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned(),
            quality: self.label().to_owned(),
            advice: (!advice.is_empty()).then(|| advice.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Quality;

    #[test]
    fn every_quality_but_the_best_says_what_is_lost_and_how_to_get_it() {
        for quality in [
            Quality::Full,
            Quality::DwoMissing,
            Quality::LinesOnly,
            Quality::NamesOnly,
            Quality::None,
        ] {
            let found = quality.of_file("build/app.elf");
            assert_eq!(found.file, "app.elf");
            assert_eq!(Quality::from_label(&found.quality), Some(quality));
            assert_eq!(found.advice.is_none(), quality == Quality::Full);
        }
    }
}
