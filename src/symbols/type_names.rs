//! Names to types and globals of one ELF: made in one pass over the outermost entries of every unit.

use super::debug_info::DebugInfo;
use super::die::{self, Die, DieRef};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How deep namespaces and classes are entered for the types inside.
const DEEPEST_NAMESPACE: usize = 8;

/// Where each named type and global variable is described; of several the first definition wins.
#[derive(Debug, Default)]
pub(super) struct TypeNames {
    tags: BTreeMap<String, Vec<(Kind, DieRef)>>,
    globals: BTreeMap<String, DieRef>,
    /// Declarations of static members to their definitions.
    definitions: BTreeMap<DieRef, DieRef>,
    /// The same by their names with scope, for declarations in type units.
    statics: BTreeMap<String, DieRef>,
    /// Declarations that were looked up by their names: an array asks for those of its elements again and again.
    looked_up: RefCell<BTreeMap<DieRef, Option<DieRef>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `struct` and `class`, which C++ lets declare each other.
    Struct,
    Union,
    Enum,
    /// Typedefs and base types.
    Plain,
}

impl TypeNames {
    /// Reads the names of every unit.
    pub(super) fn new(info: &DebugInfo<'_>) -> Self {
        let mut names = Self::default();
        for (unit, header) in info.units().indexed() {
            let root = DieRef {
                unit,
                entry: header.header.root_offset(),
            };
            names.add_children(info, root, "", 0);
        }
        names
    }

    /// A type by name, with or without its keyword.
    pub(super) fn find(&self, name: &str) -> Option<DieRef> {
        let mut name = name.trim();
        let mut wanted = None;
        for (keyword, kind) in [
            ("struct ", Kind::Struct),
            ("class ", Kind::Struct),
            ("union ", Kind::Union),
            ("enum ", Kind::Enum),
        ] {
            if let Some(tag) = name.strip_prefix(keyword) {
                name = tag.trim_start();
                wanted = Some(kind);
                break;
            }
        }
        let found = self
            .tags
            .get(name)
            .or_else(|| self.tags.get(long_name(name)))?;
        match wanted {
            Some(kind) => found.iter().find(|(k, _at)| *k == kind),
            // Without a keyword a typedef is what C would mean; a tag does as well.
            None => found
                .iter()
                .find(|(k, _at)| *k == Kind::Plain)
                .or_else(|| found.first()),
        }
        .map(|(_kind, at)| *at)
    }

    /// The definition that a declaration stands for.
    pub(super) fn definition(&self, keyword: &str, name: &str) -> Option<DieRef> {
        let wanted = match keyword {
            "union" => Kind::Union,
            "enum" => Kind::Enum,
            _ => Kind::Struct,
        };
        self.tags
            .get(name)?
            .iter()
            .find(|(kind, _at)| *kind == wanted)
            .map(|(_kind, at)| *at)
    }

    /// A global variable by name.
    pub(super) fn global(&self, name: &str) -> Option<DieRef> {
        self.globals.get(name).copied()
    }

    /// Where a static member that is declared at `at` is defined.
    pub(super) fn definition_of_static(&self, info: &DebugInfo<'_>, at: DieRef) -> Option<DieRef> {
        if let Some(known) = self.definitions.get(&at) {
            return Some(*known);
        }
        if let Some(known) = self.looked_up.borrow().get(&at) {
            return *known;
        }
        let found = self.static_by_name(info, at);
        self.looked_up.borrow_mut().insert(at, found);
        found
    }

    fn static_by_name(&self, info: &DebugInfo<'_>, at: DieRef) -> Option<DieRef> {
        let name = die::text(info, at.unit, &die::entry(info, at)?, gimli::DW_AT_name)?;
        let scope = super::types::scope_of(info, at);
        self.statics.get(&format!("{scope}{name}")).copied()
    }

    fn add_children(&mut self, info: &DebugInfo<'_>, parent: DieRef, outer: &str, depth: usize) {
        for (at, die) in die::children(info, parent) {
            self.add(info, at, &die, outer, depth);
        }
    }

    fn add(&mut self, info: &DebugInfo<'_>, at: DieRef, die: &Die<'_>, outer: &str, depth: usize) {
        let kind = match die.tag() {
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => Kind::Struct,
            gimli::DW_TAG_union_type => Kind::Union,
            gimli::DW_TAG_enumeration_type => Kind::Enum,
            gimli::DW_TAG_typedef | gimli::DW_TAG_base_type => Kind::Plain,
            gimli::DW_TAG_variable => return self.add_global(info, at, die),
            gimli::DW_TAG_namespace => return self.enter(info, at, die, outer, depth),
            _ => return,
        };
        if die::flag(die, gimli::DW_AT_declaration) {
            return;
        }
        let Some(name) = die::text(info, at.unit, die, gimli::DW_AT_name) else {
            return;
        };
        if !outer.is_empty() {
            self.insert(format!("{outer}{name}"), kind, at);
        }
        self.insert(name, kind, at);
        // Only C++ and its like put types into types; in C the children are members.
        if kind == Kind::Struct && die.has_children() && die::tags_are_names(info, at.unit) {
            self.enter(info, at, die, outer, depth);
        }
    }

    fn enter(
        &mut self,
        info: &DebugInfo<'_>,
        at: DieRef,
        die: &Die<'_>,
        outer: &str,
        depth: usize,
    ) {
        if depth >= DEEPEST_NAMESPACE {
            return;
        }
        let name = die::text(info, at.unit, die, gimli::DW_AT_name)
            .unwrap_or_else(|| "(anonymous namespace)".to_owned());
        self.add_children(info, at, &format!("{outer}{name}::"), depth + 1);
    }

    fn insert(&mut self, name: String, kind: Kind, at: DieRef) {
        let known = self.tags.entry(name).or_default();
        // One of each kind is enough; a header included a thousand times must not fill memory.
        if !known.iter().any(|(k, _at)| *k == kind) {
            known.push((kind, at));
        }
    }

    fn add_global(&mut self, info: &DebugInfo<'_>, at: DieRef, die: &Die<'_>) {
        let chain = die::origins(info, at);
        // Link-time optimisation puts an abstract instance between a definition and its declaration.
        for (declared, _die) in chain.iter().skip(1) {
            let known = self.definitions.get(declared).copied();
            let located =
                |at| die::entry(info, at).is_some_and(|d| d.has_attr(gimli::DW_AT_location));
            if known.is_none_or(|known| !located(known)) {
                self.definitions.insert(*declared, at);
            }
        }
        if let [_own, (declared, _), ..] = chain.as_slice()
            && die.has_attr(gimli::DW_AT_location)
        {
            let declared = chain.last().map_or(*declared, |(at, _die)| *at);
            let scope = super::types::scope_of(info, declared);
            let name = die::inherited(&chain, gimli::DW_AT_name);
            if let Some(name) = name.and_then(|(owner, v)| die::string(info, owner.unit, v))
                && !scope.is_empty()
            {
                self.statics.entry(format!("{scope}{name}")).or_insert(at);
            }
        }
        let name = die::inherited(&chain, gimli::DW_AT_name)
            .and_then(|(owner, value)| die::string(info, owner.unit, value));
        let Some(name) = name else {
            return;
        };
        // A definition tells more than a declaration: `extern int table[];`.
        if die.has_attr(gimli::DW_AT_location) {
            let keep = self
                .globals
                .get(&name)
                .and_then(|known| die::entry(info, *known))
                .is_some_and(|known| known.has_attr(gimli::DW_AT_location));
            if !keep {
                self.globals.insert(name, at);
            }
        } else {
            self.globals.entry(name).or_insert(at);
        }
    }
}

/// What GCC calls a type whose name is written the short way.
fn long_name(name: &str) -> &str {
    match name {
        "short" => "short int",
        "unsigned short" => "short unsigned int",
        "long" => "long int",
        "unsigned long" => "long unsigned int",
        "long long" => "long long int",
        "unsigned long long" => "long long unsigned int",
        "unsigned" => "unsigned int",
        other => other,
    }
}
