//! Global and static variables, also those of functions, and what pointers lead to.

use super::call_site;
use super::debug_info::DebugInfo;
use super::die::{self, Die, DieRef};
use super::elf_symbols::SymbolKind;
use super::location::{BUDGET, Evaluator, WithConstants};
use super::printer::Printer;
use super::symbol_set::SymbolSet;
use super::types::{self, TypeKind, TypeRef, Types};
use super::value::Value;
use super::variables::{self, ValueLimits};
use crate::model::addr::TargetAddr;
use crate::model::memory::{Memory, NotCaptured};
use crate::model::report::{Local, Unavailable};
use std::cell::Cell;
use std::collections::BTreeSet;

/// The most global variables of one ELF.
const MOST_GLOBALS: usize = 200_000;

/// A variable with a fixed address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalVariable {
    /// Name.
    pub name: String,
    /// Name with its namespaces and function: `loop::last`.
    pub qualified: String,
    /// Source file of its declaration.
    pub file: Option<String>,
    /// Line of its declaration.
    pub line: Option<u32>,
    /// Where it is.
    pub address: u64,
    /// Bytes; 0 when the debug information does not say.
    pub size: u64,
    /// Type in C notation.
    pub type_name: String,
    /// Its type; `None` is `void`.
    pub ty: Option<TypeRef>,
}

/// Every global and static variable that is in the image, by unit, in the order of declaration.
/// Variables that the linker dropped are left out.
pub fn globals(info: &DebugInfo<'_>) -> Vec<GlobalVariable> {
    let types = Types::new(info);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (unit, header) in info.units().indexed() {
        let root = DieRef {
            unit,
            entry: header.header.root_offset(),
        };
        let files = FileNames { info, unit };
        // Names of the scopes around the entry, by depth.
        let mut scopes: Vec<(isize, String)> = Vec::new();
        call_site::for_each_below(info, root, |at, die| {
            while scopes
                .last()
                .is_some_and(|(depth, _)| *depth >= die.depth())
            {
                scopes.pop();
            }
            if names_a_scope(die) {
                let chain = die::origins(info, at);
                if let Some(name) = name_of(info, &chain) {
                    scopes.push((die.depth(), name));
                }
            } else if die.tag() == gimli::DW_TAG_variable
                && let Some(address) = fixed_address(info, unit, die)
                && let Some(global) = global(&types, at, address, &scopes, &files)
                && is_alive(info, &global)
                && seen.insert((global.address, global.name.clone()))
            {
                found.push(global);
            }
            found.len() < MOST_GLOBALS
        });
    }
    found
}

/// The value of a global variable.
pub fn read_global(
    info: &DebugInfo<'_>,
    global: &GlobalVariable,
    memory: &dyn Memory,
    symbols: &SymbolSet<'_>,
    limits: &ValueLimits,
) -> Local {
    let types = Types::new(info);
    let memory = WithConstants { memory, symbols };
    let value = Value::in_memory(&memory, global.address, global.size);
    Printer::new(&types, memory, limits).local(&global.name, global.ty, &value)
}

/// The value of the global variable of that name, as [`globals`] lists it.
pub fn find_global(info: &DebugInfo<'_>, name: &str) -> Option<GlobalVariable> {
    globals(info)
        .into_iter()
        .find(|global| global.name == name || global.qualified == name)
}

/// What a pointer leads to. `type_name` is the type of the pointer ([`Local::type_name`]), `address`
/// what it holds ([`Local::target`]).
pub fn follow_pointer(
    info: &DebugInfo<'_>,
    type_name: &str,
    address: TargetAddr,
    memory: &dyn Memory,
    symbols: &SymbolSet<'_>,
    limits: &ValueLimits,
) -> Local {
    let types = Types::new(info);
    let memory = WithConstants { memory, symbols };
    let printer = Printer::new(&types, memory, limits);
    let name = format!("*({type_name}) {address}");
    match pointed_to(&types, type_name) {
        Pointed::Type(ty) => {
            let size = types.size(ty).unwrap_or(0);
            let value = Value::in_memory(&memory, address.0, size);
            printer.local(&name, Some(ty), &value)
        }
        Pointed::Pointer(type_name) => pointer_at(&printer, name, type_name, address, memory),
        Pointed::Unknown => Local {
            name,
            type_name: None,
            value: None,
            argument: false,
            unavailable: Some(Unavailable::OptimizedOut),
            children: Vec::new(),
            target: None,
        },
    }
}

enum Pointed {
    Type(TypeRef),
    /// A pointer again: its type's name.
    Pointer(String),
    Unknown,
}

fn pointed_to(types: &Types<'_, '_>, type_name: &str) -> Pointed {
    const QUALIFIERS: [&str; 4] = ["const", "volatile", "restrict", "_Atomic"];
    let strip_end = |text: &str| {
        let mut text = text.trim().to_owned();
        while let Some(rest) = QUALIFIERS
            .iter()
            .find_map(|q| text.strip_suffix(q).map(|rest| rest.trim_end().to_owned()))
        {
            text = rest;
        }
        text
    };
    let name = strip_end(type_name);
    let Some(target) = name.strip_suffix(['*', '&']) else {
        // A typedef of a pointer.
        let plain = without_qualifiers(&name, &QUALIFIERS);
        let pointer = types.named(&plain).and_then(|at| types.real(Some(at)));
        return match pointer.map(|(_at, found)| found.kind.clone()) {
            Some(TypeKind::Pointer(Some(target))) => Pointed::Type(target),
            _ => Pointed::Unknown,
        };
    };
    let target = target.trim_end();
    if strip_end(target).ends_with('*') {
        return Pointed::Pointer(target.to_owned());
    }
    match types.named(&without_qualifiers(&strip_end(target), &QUALIFIERS)) {
        Some(at) => Pointed::Type(at),
        None => Pointed::Unknown,
    }
}

fn without_qualifiers(name: &str, qualifiers: &[&str]) -> String {
    name.split_whitespace()
        .filter(|word| !qualifiers.contains(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A pointer whose type has no entry of its own.
fn pointer_at(
    printer: &Printer<'_, '_, '_, '_>,
    name: String,
    type_name: String,
    address: TargetAddr,
    memory: WithConstants<'_, '_>,
) -> Local {
    let file = printer.types.info.file();
    let value = Value::in_memory(&memory, address.0, u64::from(file.address_bytes()));
    let held = value
        .unsigned(file.is_big_endian())
        .map(|held| u64::try_from(held).unwrap_or(u64::MAX));
    let readable = |addr: u64| -> Result<u8, NotCaptured> { memory.read_u8(addr) };
    Local {
        name,
        type_name: Some(type_name),
        value: held.ok().map(|held| printer.symbolic(held)),
        argument: false,
        unavailable: held.err(),
        children: Vec::new(),
        target: held
            .ok()
            .filter(|held| readable(*held).is_ok())
            .map(TargetAddr),
    }
}

fn names_a_scope(die: &Die<'_>) -> bool {
    matches!(
        die.tag(),
        gimli::DW_TAG_subprogram
            | gimli::DW_TAG_inlined_subroutine
            | gimli::DW_TAG_namespace
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
    )
}

fn name_of(info: &DebugInfo<'_>, chain: &[(DieRef, Die<'_>)]) -> Option<String> {
    let (owner, name) = die::inherited(chain, gimli::DW_AT_name)?;
    die::string(info, owner.unit, name)
}

/// The address of a variable whose location is one fixed address.
fn fixed_address(info: &DebugInfo<'_>, unit: usize, die: &Die<'_>) -> Option<u64> {
    let gimli::AttributeValue::Exprloc(expression) = die.attr_value(gimli::DW_AT_location)? else {
        return None;
    };
    // DW_OP_addr, DW_OP_addrx, DW_OP_GNU_addr_index: anything else depends on a frame.
    match expression.0.slice().first()? {
        0x03 | 0xa1 | 0xfb => {}
        _ => return None,
    }
    let symbols = SymbolSet::default();
    let nothing = Nothing;
    let budget = Cell::new(BUDGET);
    let evaluator = Evaluator {
        info,
        unit,
        function: None,
        frame: None,
        memory: WithConstants {
            memory: &nothing,
            symbols: &symbols,
        },
        budget: &budget,
        depth: 0,
    };
    // Read again so that the expression's lifetime is that of the sections.
    let at = DieRef {
        unit,
        entry: die.offset(),
    };
    let value = die::entry(info, at)?.attr_value(gimli::DW_AT_location)?;
    let expression = evaluator.expression_at(value, None)?;
    match evaluator.scalar(expression).ok()? {
        gimli::Value::Generic(address) => Some(address),
        _ => None,
    }
}

fn global(
    known: &Types<'_, '_>,
    at: DieRef,
    address: u64,
    scopes: &[(isize, String)],
    files: &FileNames<'_, '_>,
) -> Option<GlobalVariable> {
    let info = known.info;
    let chain = die::origins(info, at);
    let name = name_of(info, &chain)?;
    let ty = variables::type_of(info, &chain);
    let mut qualified = String::new();
    for (_depth, scope) in scopes {
        qualified.push_str(scope);
        qualified.push_str("::");
    }
    // A definition outside of its namespace refers to the declaration inside.
    if let [_definition, .., (declaration, _die)] = chain.as_slice() {
        let scope = types::scope_of(info, *declaration);
        if !scope.is_empty() {
            qualified = scope;
        }
    }
    qualified.push_str(&name);
    let number = |attribute| {
        die::inherited(&chain, attribute).and_then(|(_owner, value)| match value {
            gimli::AttributeValue::FileIndex(index) => Some(index),
            other => other.udata_value(),
        })
    };
    Some(GlobalVariable {
        qualified,
        file: number(gimli::DW_AT_decl_file).and_then(|index| files.name(index)),
        line: number(gimli::DW_AT_decl_line).and_then(|line| u32::try_from(line).ok()),
        address,
        size: ty.and_then(|ty| known.size(ty)).unwrap_or(0),
        type_name: known.name(ty),
        ty,
        name,
    })
}

/// The linker leaves dropped variables at (or near) address 0, or at a tombstone. One that is in the
/// image has a symbol there, or at least a section and no other symbol in the way.
fn is_alive(info: &DebugInfo<'_>, global: &GlobalVariable) -> bool {
    let file = info.file();
    if !file.covers(global.address) {
        return false;
    }
    match file.symbol_at(global.address) {
        Some((symbol, 0)) if symbol.kind != SymbolKind::Other => {
            symbol.kind == SymbolKind::Object && symbol.address == global.address
        }
        Some((symbol, _offset)) if symbol.size > 0 => false,
        _ => global.address != 0,
    }
}

/// The names of the files that a unit declares things in.
struct FileNames<'i, 'a> {
    info: &'i DebugInfo<'a>,
    unit: usize,
}

impl FileNames<'_, '_> {
    fn name(&self, index: u64) -> Option<String> {
        let unit = self.info.units().get(self.unit)?;
        let header = unit.line_program.as_ref()?.header();
        let file = header.file(index)?;
        let text = |value| {
            let reader = self.info.dwarf().attr_string(unit, value).ok()?;
            Some(String::from_utf8_lossy(reader.slice()).into_owned())
        };
        let name = text(file.path_name())?;
        let directory = (file.directory_index() != 0)
            .then(|| file.directory(header).and_then(text))
            .flatten()
            .filter(|_| !name.starts_with('/'));
        Some(match directory {
            Some(directory) => format!("{directory}/{name}"),
            None => name,
        })
    }
}

/// Memory without a byte.
struct Nothing;

impl Memory for Nothing {
    fn read(&self, addr: u64, _buf: &mut [u8]) -> Result<(), NotCaptured> {
        Err(NotCaptured { addr })
    }

    fn ranges(&self) -> Vec<std::ops::Range<u64>> {
        Vec::new()
    }
}
