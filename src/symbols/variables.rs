//! Arguments and locals of a frame, with their values.
//!
//! Which variables there are follows the scopes of the debug information (DWARF 5, sections 3.3, 3.5
//! and 4.1), in the order in which gdb's `bt full` lists them: arguments, then the variables of the
//! innermost block that contains the address, then those of the blocks around it.

use super::call_site::{self, Slot};
use super::debug_info::{DebugInfo, Scope};
use super::die::{self, Die, DieRef};
use super::location::{BUDGET, Evaluator, WithConstants};
use super::printer::Printer;
use super::symbol_set::SymbolSet;
use super::types::{Bound, TypeKind, TypeRef, Types};
use super::value::Value;
use crate::model::memory::Memory;
use crate::model::registers::RegisterSet;
use crate::model::report::{Local, Unavailable};
use std::cell::Cell;

/// The most variables of one frame.
const MOST_VARIABLES: usize = 2000;

/// The deepest nesting of blocks.
const DEEPEST_BLOCK: usize = 64;

/// One frame of a stack, with all that its variables need.
#[derive(Clone, Copy)]
pub struct FrameContext<'a, 's> {
    /// The address to look up: the program counter, or the return address less one.
    pub lookup: u64,
    /// Registers in this frame.
    pub registers: &'a RegisterSet,
    /// Canonical frame address.
    pub cfa: Option<u64>,
    /// Captured memory.
    pub memory: &'a dyn Memory,
    /// The frame that called this one; of an inlined frame that of the function it is inlined into.
    pub caller: Option<&'a Self>,
    /// The ELFs.
    pub symbols: &'a SymbolSet<'s>,
}

/// How much of a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueLimits {
    /// Elements of an array and characters of a string in the one-line text.
    pub max_elements: usize,
    /// Nesting of structs and arrays in the one-line text.
    pub max_depth: usize,
    /// Children of one node of the tree.
    pub max_children: usize,
    /// Nesting of the tree.
    pub max_tree_depth: usize,
    /// Values that one variable may print, all levels together.
    pub max_nodes: u32,
}

impl Default for ValueLimits {
    fn default() -> Self {
        Self {
            max_elements: 200,
            max_depth: 20,
            max_children: 200,
            max_tree_depth: 6,
            max_nodes: 20_000,
        }
    }
}

/// Arguments and locals of the function (or inlined function) `scope` in one frame.
///
/// A register or memory that the capture does not hold makes a value unavailable, never 0. Where the
/// caller's call site tells what an argument was at entry and it is not that any more, a line named
/// `x@entry` follows it.
pub fn locals(
    info: &DebugInfo<'_>,
    scope: Scope,
    ctx: &FrameContext<'_, '_>,
    limits: &ValueLimits,
) -> Vec<Local> {
    let at = DieRef {
        unit: scope.unit,
        entry: scope.entry,
    };
    with_frame(info, at, ctx, limits, |frame| {
        let mut found = Vec::new();
        for argument in variables_of(info, at, gimli::DW_TAG_formal_parameter, 0) {
            found.extend(frame.argument(argument));
        }
        for block in blocks(info, at, ctx.lookup).into_iter().rev() {
            for variable in variables_of(info, block, gimli::DW_TAG_variable, 0) {
                found.extend(frame.variable(variable).map(|(local, _value)| local));
            }
            if found.len() >= MOST_VARIABLES {
                found.truncate(MOST_VARIABLES);
                break;
            }
        }
        found
    })
}

/// Calls `use_it` with the frame of the function (or inlined function) at `at`.
fn with_frame<'a, T>(
    info: &DebugInfo<'a>,
    at: DieRef,
    ctx: &FrameContext<'_, '_>,
    limits: &ValueLimits,
    use_it: impl FnOnce(&Frame<'_, 'a, '_, '_>) -> T,
) -> T {
    let budget = Cell::new(BUDGET);
    let types = Types::new(info);
    let memory = WithConstants {
        memory: ctx.memory,
        symbols: ctx.symbols,
    };
    let function = die::path(info, at)
        .into_iter()
        .rev()
        .find(|(_at, die)| die.tag() == gimli::DW_TAG_subprogram)
        .map(|(at, _die)| at);
    let frame = Frame {
        evaluator: Evaluator {
            info,
            unit: at.unit,
            function,
            frame: Some(ctx),
            memory,
            budget: &budget,
            depth: 0,
        },
        printer: Printer::new(&types, memory, limits),
    };
    use_it(&frame)
}

/// Type and value of the first argument of `scope` whose type is wanted.
pub(super) fn argument_value(
    info: &DebugInfo<'_>,
    scope: Scope,
    ctx: &FrameContext<'_, '_>,
    limits: &ValueLimits,
    wanted: &dyn Fn(Option<TypeRef>) -> bool,
) -> Option<(Option<TypeRef>, Value)> {
    let at = DieRef {
        unit: scope.unit,
        entry: scope.entry,
    };
    let found = variables_of(info, at, gimli::DW_TAG_formal_parameter, 0);
    found.into_iter().find_map(|argument| {
        let ty = type_of(info, &die::origins(info, argument));
        wanted(ty).then(|| {
            let value = with_frame(info, at, ctx, limits, |frame| {
                frame.value(&die::origins(info, argument), ty)
            });
            (ty, value)
        })
    })
}

/// The scope and the lexical blocks in it that contain `pc`, outermost first.
fn blocks(info: &DebugInfo<'_>, scope: DieRef, pc: u64) -> Vec<DieRef> {
    let mut found = vec![scope];
    let mut here = scope;
    while found.len() < DEEPEST_BLOCK {
        let inner = die::children(info, here).into_iter().find(|(at, die)| {
            is_block(die) && die::contains_pc(info, at.unit, die, pc) == Some(true)
        });
        let Some((at, _die)) = inner else {
            break;
        };
        found.push(at);
        here = at;
    }
    found
}

fn is_block(die: &Die<'_>) -> bool {
    matches!(
        die.tag(),
        gimli::DW_TAG_lexical_block | gimli::DW_TAG_try_block | gimli::DW_TAG_catch_block
    )
}

/// The variables that a block declares: its own, and those of its abstract origin that it left out
/// (the compiler kept nothing of them). In the order of declaration.
fn variables_of(
    info: &DebugInfo<'_>,
    block: DieRef,
    tag: gimli::DwTag,
    depth: usize,
) -> Vec<DieRef> {
    if depth > DEEPEST_BLOCK {
        return Vec::new();
    }
    let own = die::children(info, block);
    // Which entry of the origin each own entry stands for.
    let stands_for: Vec<(DieRef, DieRef)> = own
        .iter()
        .filter(|(_at, die)| die.tag() == tag || is_block(die))
        .filter_map(|(at, _die)| {
            let (last, _die) = die::origins(info, *at).pop()?;
            (last != *at).then_some((last, *at))
        })
        .collect();
    let mut found = Vec::new();
    // The declaration in a class or namespace, which may follow the abstract instance, has no variables.
    let origin = die::origins(info, block)
        .into_iter()
        .skip(1)
        .rfind(|(_at, die)| !die::flag(die, gimli::DW_AT_declaration))
        .map(|(at, _die)| at);
    if let Some(origin) = origin {
        for (at, die) in die::children(info, origin) {
            let concrete = stands_for
                .iter()
                .find(|(abstract_at, _)| *abstract_at == at);
            if die.tag() == tag {
                found.push(concrete.map_or(at, |(_abstract, concrete)| *concrete));
            } else if concrete.is_none() && is_block(&die) {
                found.extend(variables_of(info, at, tag, depth + 1));
            }
        }
    }
    for (at, die) in &own {
        if die.tag() == tag && !found.contains(at) {
            found.push(*at);
        } else if is_block(die) && die::contains_pc(info, at.unit, die, 0).is_none() {
            // A block without code of its own only groups declarations.
            found.extend(variables_of(info, *at, tag, depth + 1));
        }
        if found.len() > MOST_VARIABLES {
            break;
        }
    }
    found
}

/// One frame whose variables are read.
struct Frame<'e, 'a, 's, 'p> {
    evaluator: Evaluator<'e, 'a, 's>,
    printer: Printer<'p, 'e, 'a, 's>,
}

impl<'a> Frame<'_, 'a, '_, '_> {
    fn argument(&self, at: DieRef) -> Vec<Local> {
        let Some((mut local, value)) = self.variable(at) else {
            return Vec::new();
        };
        local.argument = true;
        let mut found = vec![local];
        found.extend(self.at_entry(at, &value));
        found
    }

    fn variable(&self, at: DieRef) -> Option<(Local, Value)> {
        let info = self.evaluator.info;
        let chain = die::origins(info, at);
        let (owner, name) = die::inherited(&chain, gimli::DW_AT_name)?;
        let name = die::string(info, owner.unit, name)?;
        let located = die::inherited(&chain, gimli::DW_AT_location).is_some()
            || die::inherited(&chain, gimli::DW_AT_const_value).is_some();
        // `extern int x;` inside a function names a variable of elsewhere.
        if !located
            && chain
                .iter()
                .any(|(_at, die)| die::flag(die, gimli::DW_AT_declaration))
        {
            return None;
        }
        let ty = type_of(info, &chain);
        self.fix_bounds(ty);
        let value = self.value(&chain, ty);
        Some((self.printer.local(&name, ty, &value), value))
    }

    fn value(&self, chain: &[(DieRef, Die<'a>)], ty: Option<TypeRef>) -> Value {
        let size = self.size(ty);
        let gone = Value::unavailable(size.max(1), Unavailable::OptimizedOut);
        if let Some((owner, value)) = die::inherited(chain, gimli::DW_AT_const_value) {
            return constant(self.evaluator.info, owner.unit, value, size).unwrap_or(gone);
        }
        let Some((owner, value)) = die::inherited(chain, gimli::DW_AT_location) else {
            return gone;
        };
        let mut evaluator = self.evaluator.deeper();
        evaluator.unit = owner.unit;
        let pc = evaluator.frame.map(|frame| frame.lookup);
        match evaluator.expression_at(value, pc) {
            Some(expression) => evaluator.object(expression, size),
            None => gone,
        }
    }

    /// `x@entry`: what the argument was when the function was entered, when that is known and is not
    /// what it is now.
    fn at_entry(&self, at: DieRef, now: &Value) -> Option<Local> {
        let info = self.evaluator.info;
        let chain = die::origins(info, at);
        let (owner, location) = die::inherited(&chain, gimli::DW_AT_location)?;
        let encoding = info.units().get(owner.unit)?.encoding();
        let entry_pc = die::entry_pc(info, self.evaluator.function?)?;
        let expression = self.evaluator.expression_at(location, Some(entry_pc))?;
        let slot = Slot::of_argument(expression, encoding)?;
        let ty = type_of(info, &chain);
        let size = self.size(ty);
        let then = call_site::value_at_entry(&self.evaluator, slot, size)?;
        let bytes = then.bytes().ok()?;
        if now.bytes() == Ok(bytes) {
            return None;
        }
        let (owner, name) = die::inherited(&chain, gimli::DW_AT_name)?;
        let name = die::string(info, owner.unit, name)?;
        let mut local = self.printer.local(&format!("{name}@entry"), ty, &then);
        local.argument = true;
        Some(local)
    }

    fn size(&self, ty: Option<TypeRef>) -> usize {
        let size = ty.and_then(|ty| self.printer.types.size(ty));
        usize::try_from(size.unwrap_or(0)).unwrap_or(usize::MAX)
    }

    /// Arrays of variable length: evaluates their bounds in this frame.
    fn fix_bounds(&self, ty: Option<TypeRef>) {
        const DEEPEST: usize = 8;
        let types = self.printer.types;
        let mut at = ty;
        for _level in 0..DEEPEST {
            let Some((array, found)) = types.real(at) else {
                return;
            };
            let TypeKind::Array { element, bounds } = &found.kind else {
                return;
            };
            if bounds.iter().any(|b| matches!(b, Bound::Dynamic(_))) {
                let fixed = bounds
                    .iter()
                    .map(|bound| match bound {
                        Bound::Dynamic(at) => self.count(*at).map_or(Bound::Unknown, Bound::Count),
                        other => *other,
                    })
                    .collect();
                types.set_bounds(array, fixed);
            }
            at = *element;
        }
    }

    fn count(&self, subrange: DieRef) -> Option<u64> {
        let die = die::entry(self.evaluator.info, subrange)?;
        if let Some(count) = die.attr_value(gimli::DW_AT_count) {
            return self.bound(subrange.unit, count);
        }
        let upper = self.bound(subrange.unit, die.attr_value(gimli::DW_AT_upper_bound)?)?;
        // -1 is the bound of an array without elements.
        let wrapped = upper.wrapping_add(1);
        Some(if wrapped > u64::from(u32::MAX) {
            0
        } else {
            wrapped
        })
    }

    /// A bound that is an expression, or a variable that holds it.
    fn bound(
        &self,
        unit: usize,
        value: gimli::AttributeValue<super::debug_info::Reader<'a>>,
    ) -> Option<u64> {
        let info = self.evaluator.info;
        if let Some(at) = die::follow(info, unit, &value) {
            let chain = die::origins(info, at);
            let ty = type_of(info, &chain);
            let number = self.value(&chain, ty).unsigned(self.evaluator.big_endian());
            return u64::try_from(number.ok()?).ok();
        }
        let frame = self.evaluator.frame?;
        let expression = self.evaluator.expression_at(value, Some(frame.lookup))?;
        match self.evaluator.deeper().scalar(expression).ok()? {
            gimli::Value::Generic(n) | gimli::Value::U64(n) => Some(n),
            gimli::Value::U32(n) => Some(u64::from(n)),
            gimli::Value::I32(n) => u64::try_from(n).ok(),
            gimli::Value::I64(n) => u64::try_from(n).ok(),
            _ => None,
        }
    }
}

/// The type of a variable, from whichever entry of its chain tells it.
pub(super) fn type_of(info: &DebugInfo<'_>, chain: &[(DieRef, Die<'_>)]) -> Option<TypeRef> {
    chain
        .iter()
        .find_map(|(at, die)| die::reference(info, at.unit, die, gimli::DW_AT_type))
}

/// `DW_AT_const_value`: a number, a block of bytes or a string.
pub(super) fn constant(
    info: &DebugInfo<'_>,
    unit: usize,
    value: gimli::AttributeValue<super::debug_info::Reader<'_>>,
    size: usize,
) -> Option<Value> {
    let bytes = match value {
        gimli::AttributeValue::Block(bytes) => bytes.slice().to_vec(),
        other => {
            let number = other
                .udata_value()
                .map(i128::from)
                .or_else(|| other.sdata_value().map(i128::from));
            if let Some(number) = number {
                let little = number.to_le_bytes();
                let mut bytes = little.get(..size.min(16))?.to_vec();
                if info.file().is_big_endian() {
                    bytes.reverse();
                }
                bytes
            } else {
                let mut bytes = die::string(info, unit, other)?.into_bytes();
                bytes.push(0);
                bytes
            }
        }
    };
    let mut value = Value::known(bytes);
    value.resize(size, Unavailable::OptimizedOut);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::super::debug_info::DebugInfo;
    use super::super::frame_oracle_tests::fixture;
    use super::super::globals::{find_global, read_global};
    use super::super::symbol_file::SymbolFile;
    use super::super::symbol_set::SymbolSet;
    use super::ValueLimits;
    use crate::model::memory::MemoryMap;
    use crate::model::report::Unavailable;

    #[test]
    fn a_partly_captured_struct_shows_the_members_that_are_there() {
        let file = SymbolFile::parse("types", fixture("types/types-dwarf5.elf")).unwrap();
        let set = SymbolSet {
            infos: vec![DebugInfo::new(&file)],
        };
        let info = &set.infos[0];
        let global = find_global(info, "g_outer").unwrap();
        let mut memory = MemoryMap::default();
        let limits = ValueLimits::default();
        let nothing = read_global(info, &global, &memory, &set, &limits);
        assert_eq!(nothing.value, None);
        assert_eq!(nothing.unavailable, Some(Unavailable::MemoryNotCaptured));
        assert!(nothing.children.is_empty());

        memory.insert(global.address, &[1, 0, 2, 0, 3, 0]);
        let some = read_global(info, &global, &memory, &set, &limits);
        let text = some.value.unwrap();
        assert!(
            text.starts_with("{at = {{x = 1, y = 2}, {x = 3, y = <memory was not captured>}}, "),
            "{text}"
        );
        assert_eq!(some.unavailable, None);
        let second = &some.children[0].children[1].children[1];
        assert_eq!(second.unavailable, Some(Unavailable::MemoryNotCaptured));
        let weight = &some.children[2];
        assert_eq!(weight.unavailable, Some(Unavailable::MemoryNotCaptured));
    }
}
