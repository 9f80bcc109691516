//! Linker names of C++ and Rust, made readable: the path of a function without its parameters.

use std::fmt::{self, Write};

/// Longer names are not worth reading, and a short mangled name can unfold to gigabytes.
const LONGEST_NAME: usize = 16 * 1024;

/// `core::fmt::Write::write_str` for `_ZN4core3fmt5Write9write_str17h0123456789abcdefE`; `None` for a name that is not mangled.
pub fn qualified(linkage_name: &str) -> Option<String> {
    if linkage_name.len() > LONGEST_NAME {
        return None;
    }
    let name = linkage_name.strip_prefix('.').unwrap_or(linkage_name);
    if name.starts_with("_R") || has_rust_hash(name) {
        return rust(name);
    }
    if name.starts_with("_Z") {
        return cpp(name).or_else(|| rust(name));
    }
    None
}

/// What a symbol is called where an address is shown: `vtable for Probe`, `Sensor::read(int)`; a plain name stays.
pub fn symbol(name: &str) -> String {
    let full = if name.starts_with("_Z") && name.len() <= LONGEST_NAME && !has_rust_hash(name) {
        cpp_with(name, cpp_demangle::DemangleOptions::new())
    } else {
        None
    };
    match full {
        Some(full) => special(&full).unwrap_or(full),
        None => qualified(name).unwrap_or_else(|| name.to_owned()),
    }
}

/// `vtable for X` for `{vtable(X)}`: what debuggers and binutils write.
fn special(name: &str) -> Option<String> {
    let inner = name.strip_prefix('{')?.strip_suffix(")}")?;
    let (what, of) = inner.split_once('(')?;
    let what = if what == "vtt" { "VTT" } else { what };
    Some(format!("{what} for {of}"))
}

/// Rust's legacy names end in `17h` and 16 hex digits.
fn has_rust_hash(name: &str) -> bool {
    let Some(at) = name.rfind("17h") else {
        return false;
    };
    let Some(hash) = name.get(at.saturating_add(3)..) else {
        return false;
    };
    let (digits, rest) = hash.split_at_checked(16).unwrap_or((hash, ""));
    name.starts_with("_ZN")
        && digits.len() == 16
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && rest.starts_with('E')
}

fn rust(name: &str) -> Option<String> {
    let demangled = rustc_demangle::try_demangle(name).ok()?;
    let mut out = Bounded::default();
    write!(out, "{demangled:#}").ok()?;
    Some(out.text)
}

fn cpp(name: &str) -> Option<String> {
    let options = cpp_demangle::DemangleOptions::new();
    cpp_with(name, options.no_params().no_return_type())
}

fn cpp_with(name: &str, options: cpp_demangle::DemangleOptions) -> Option<String> {
    // Parts that the compiler split off: `_Z3foov.cold`, `_Z3foov.constprop.0`.
    let (stem, suffix) = match name.find('.') {
        Some(at) => name.split_at_checked(at)?,
        None => (name, ""),
    };
    let symbol = cpp_demangle::Symbol::new(stem).ok()?;
    let mut out = Bounded::default();
    symbol.structured_demangle(&mut out, &options).ok()?;
    out.text.push_str(suffix);
    Some(out.text)
}

#[derive(Default)]
struct Bounded {
    text: String,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.len().saturating_add(text.len()) > LONGEST_NAME {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::qualified;

    #[test]
    fn mangled_names_become_paths_and_plain_ones_stay_unknown() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(qualified(name).as_deref(), expected, "{name}");
        };
        check(
            "_ZN4core3fmt5Write9write_str17h0123456789abcdefE",
            Some("core::fmt::Write::write_str"),
        );
        check("_RNvC6_123foo3bar", Some("123foo::bar"));
        check("_ZN6sensor4Loop4tickEi", Some("sensor::Loop::tick"));
        check("_Z4pokePVmi.constprop.0", Some("poke.constprop.0"));
        check(
            "_ZN6sensor4readIhEET_v",
            Some("sensor::read<unsigned char>"),
        );
        check("main", None);
        check("_Znonsense", None);
        check("", None);
    }

    #[test]
    fn a_name_that_unfolds_without_end_is_given_up() {
        let bomb = format!("_Z1aI{}E", "S_S_".repeat(3000));
        assert_eq!(qualified(&bomb), None);
    }
}
