//! A type's name in C notation, as gdb's `whatis` prints it: `volatile uint32_t *`, `void (*)(int)`.

use super::die;
use super::types::{Bound, Type, TypeKind, TypeRef, Types};
use std::fmt::Write as _;

/// How deep a declarator may nest.
const DEEPEST: usize = 24;

/// No name is longer than about this: types of templates and broken files can be endless.
const LONGEST: usize = 1024;

/// The order in which gdb writes qualifiers.
const QUALIFIERS: [&str; 4] = ["const", "volatile", "restrict", "_Atomic"];

impl Types<'_, '_> {
    /// The name of a type; `void` for none.
    pub fn name(&self, ty: Option<TypeRef>) -> String {
        let mut name = self.declare(ty, String::new(), &[], 0);
        if name.len() > LONGEST {
            let end = (0..=LONGEST)
                .rev()
                .find(|i| name.is_char_boundary(*i))
                .unwrap_or(0);
            name.truncate(end);
            name.push('…');
        }
        name
    }

    /// Writes the type around what stands in the place of the name, from the inside outwards.
    fn declare(
        &self,
        ty: Option<TypeRef>,
        inner: String,
        qualifiers: &[&'static str],
        depth: usize,
    ) -> String {
        if depth > DEEPEST || inner.len() > LONGEST {
            return format!("...{inner}");
        }
        let Some(at) = ty else {
            return named("void", &inner, qualifiers);
        };
        let Some(found) = self.get(at) else {
            return named("<broken type>", &inner, qualifiers);
        };
        match &found.kind {
            // The name of a type in a type unit is there.
            TypeKind::Typedef(Some(target)) if found.name.is_none() && *target != at => {
                self.declare(Some(*target), inner, qualifiers, depth + 1)
            }
            TypeKind::Qualified(qualifier, target) => {
                let mut all = qualifiers.to_vec();
                if !all.contains(qualifier) {
                    all.push(qualifier);
                }
                self.declare(*target, inner, &all, depth + 1)
            }
            TypeKind::Pointer(target) => {
                // Languages other than C name their pointers: `*mut u8`.
                if let Some(name) = &found.name {
                    return named(name, &inner, qualifiers);
                }
                let star = starred("*", &inner, qualifiers);
                self.declare_through(*target, star, depth)
            }
            TypeKind::Reference { target, rvalue } => {
                let mark = if *rvalue { "&&" } else { "&" };
                self.declare_through(*target, starred(mark, &inner, qualifiers), depth)
            }
            TypeKind::Array { element, bounds } if self.is_rust(at) => {
                let element = self.declare(*element, String::new(), &[], depth + 1);
                let name = bounds
                    .iter()
                    .rev()
                    .fold(element, |inner, bound| match bound {
                        Bound::Count(n) => format!("[{inner}; {n}]"),
                        Bound::Unknown | Bound::Dynamic(_) => format!("[{inner}]"),
                    });
                named(&name, &inner, qualifiers)
            }
            TypeKind::MemberPointer { target, class } => {
                let class = self.name(*class);
                self.declare_through(
                    *target,
                    starred(&format!("{class}::*"), &inner, qualifiers),
                    depth,
                )
            }
            TypeKind::Array { element, bounds } => {
                let mut suffix = String::new();
                for bound in bounds {
                    match bound {
                        Bound::Count(n) => {
                            _ = write!(suffix, "[{n}]");
                        }
                        Bound::Unknown => suffix.push_str("[]"),
                        Bound::Dynamic(_) => suffix.push_str("[variable length]"),
                    }
                }
                if bounds.is_empty() {
                    suffix.push_str("[]");
                }
                // Qualifiers of an array are those of its elements.
                self.declare(*element, format!("{inner}{suffix}"), qualifiers, depth + 1)
            }
            TypeKind::Function { result, .. } => {
                let list = self.parameter_list(&found, depth);
                self.declare(*result, format!("{inner}({list})"), &[], depth + 1)
            }
            _ => named(&self.tag(at, &found), &inner, qualifiers),
        }
    }

    /// What a pointer points to: arrays and functions need parentheses around the star.
    fn declare_through(&self, target: Option<TypeRef>, star: String, depth: usize) -> String {
        let mut behind = target;
        for _step in 0..DEEPEST {
            let Some(found) = behind.and_then(|at| self.get(at)) else {
                break;
            };
            match &found.kind {
                TypeKind::Qualified(_, next) => behind = *next,
                TypeKind::Array { .. } | TypeKind::Function { .. } => {
                    return self.declare(target, format!("({star})"), &[], depth + 1);
                }
                _ => break,
            }
        }
        self.declare(target, star, &[], depth + 1)
    }

    fn parameter_list(&self, function: &Type, depth: usize) -> String {
        let TypeKind::Function {
            parameters,
            variadic,
            prototyped,
            method,
            ..
        } = &function.kind
        else {
            return String::new();
        };
        let mut list = Vec::new();
        let mut length = 0;
        for parameter in parameters {
            let mut text = self.declare(*parameter, String::new(), &[], depth + 1);
            if *method && list.is_empty() && text.ends_with('*') {
                text.push_str(" const");
            }
            length += text.len();
            list.push(text);
            if length > LONGEST {
                break;
            }
        }
        // Without parameters GCC writes a function of unknown parameters like this.
        if *variadic && !list.is_empty() {
            list.push("...".to_owned());
        }
        if list.is_empty() && *prototyped {
            list.push("void".to_owned());
        }
        list.join(", ")
    }

    fn tag(&self, at: TypeRef, found: &Type) -> String {
        let keyword = match &found.kind {
            TypeKind::Record { keyword, .. } | TypeKind::Declared(keyword) => keyword,
            TypeKind::Tagged { .. } => "struct",
            TypeKind::Enum { .. } => "enum",
            TypeKind::Base(_) => {
                let name = found.name.as_deref().unwrap_or("<unnamed type>");
                return short_name(name).to_owned();
            }
            _ => {
                return found
                    .name
                    .clone()
                    .unwrap_or_else(|| "<unnamed type>".to_owned());
            }
        };
        match &found.name {
            // In C++ and Rust a tag is a type name by itself.
            Some(name) if die::tags_are_names(self.info, at.unit) => canonical(name),
            Some(name) => format!("{keyword} {name}"),
            None => format!("{keyword} {{...}}"),
        }
    }
}

/// Arguments of a template as gdb writes them: `Ring<unsigned short, 4u>` for GCC's `Ring<short unsigned int, 4>` and
/// clang's `Ring<unsigned short, 4U>`.
fn canonical(name: &str) -> String {
    let Some((outer, arguments)) = name.split_once('<') else {
        return name.to_owned();
    };
    let mut text = format!("{outer}<");
    let mut word = String::new();
    for c in arguments.chars() {
        if c.is_ascii_alphanumeric() || c == '_' || c == ' ' {
            word.push(c);
        } else {
            push_argument(&mut text, &word);
            word.clear();
            text.push(c);
        }
    }
    push_argument(&mut text, &word);
    text
}

/// One run of words of a template's arguments: `long unsigned int`, `const short`, `5U`.
fn push_argument(text: &mut String, words: &str) {
    let bare = words.trim_start_matches(' ');
    text.extend(std::iter::repeat_n(' ', words.len() - bare.len()));
    let (bare, trailing) = match bare.strip_suffix(" const") {
        Some(rest) => (rest, " const"),
        None => match bare.strip_prefix("const ") {
            Some(rest) => (rest, " const"),
            None => (bare, ""),
        },
    };
    match bare.strip_suffix('U') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            text.push_str(digits);
            text.push('u');
        }
        _ => text.push_str(short_name(bare)),
    }
    text.push_str(trailing);
}

/// GCC writes `long unsigned int` where everybody writes `unsigned long`.
fn short_name(name: &str) -> &str {
    match name {
        "short int" => "short",
        "short unsigned int" => "unsigned short",
        "long int" => "long",
        "long unsigned int" => "unsigned long",
        "long long int" => "long long",
        "long long unsigned int" => "unsigned long long",
        other => other,
    }
}

fn named(name: &str, inner: &str, qualifiers: &[&'static str]) -> String {
    let mut text = String::new();
    for qualifier in QUALIFIERS {
        if qualifiers.contains(&qualifier) {
            text.push_str(qualifier);
            text.push(' ');
        }
    }
    text.push_str(name);
    if !inner.is_empty() {
        text.push(' ');
        text.push_str(inner);
    }
    text
}

fn starred(mark: &str, inner: &str, qualifiers: &[&'static str]) -> String {
    let mut text = mark.to_owned();
    for qualifier in QUALIFIERS {
        if qualifiers.contains(&qualifier) {
            text.push(' ');
            text.push_str(qualifier);
        }
    }
    if !qualifiers.is_empty() && inner.starts_with(['*', '&']) {
        text.push(' ');
    }
    text.push_str(inner);
    text
}
