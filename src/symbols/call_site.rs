//! What an argument held when its function was entered, as the caller's call site tells it.
//!
//! DWARF 5, sections 2.5.1.7 (`DW_OP_entry_value`) and 3.4 (call site entries); the GNU forms of
//! DWARF 4 (`DW_TAG_GNU_call_site`) mean the same. The answer holds only if the call site calls this
//! very function and the function cannot have called itself by a tail call in between: the same
//! conditions under which gdb trusts it.

use super::debug_info::{DebugInfo, Reader};
use super::die::{self, Die, DieRef};
use super::location::Evaluator;
use super::value::Value;
use super::variables::FrameContext;
use crate::model::report::Unavailable;
use gimli::{Expression, Operation};
use std::cell::Cell;
use std::collections::BTreeSet;

/// The most entries of one function that are searched.
const MOST_ENTRIES: usize = 200_000;

/// The most functions that are followed through tail calls.
const MOST_TAIL_CALLED: usize = 256;

/// The ARM stack pointer.
const STACK_POINTER: u16 = 13;

/// Where an argument is when its function is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// In a register.
    Register(u16),
    /// On the stack, so far from the stack pointer of the caller.
    Stack(i64),
}

impl Slot {
    /// The operand of `DW_OP_entry_value`.
    pub(super) fn of_entry_value(
        expression: Expression<Reader<'_>>,
        encoding: gimli::Encoding,
    ) -> Option<Self> {
        match only_operation(expression, encoding)? {
            Operation::Register { register } => Some(Self::Register(register.0)),
            // DW_OP_regval_type: the register, read as a floating-point number.
            Operation::RegisterOffset {
                register,
                offset: 0,
                base_type,
            } if base_type.0 != 0 => Some(Self::Register(register.0)),
            _ => None,
        }
    }

    /// The location of an argument at the entry of its function.
    pub(super) fn of_argument(
        expression: Expression<Reader<'_>>,
        encoding: gimli::Encoding,
    ) -> Option<Self> {
        match only_operation(expression, encoding)? {
            Operation::Register { register } => Some(Self::Register(register.0)),
            Operation::FrameOffset { offset } => Some(Self::Stack(offset)),
            _ => None,
        }
    }

    /// The location of a call-site parameter.
    fn of_parameter(expression: Expression<Reader<'_>>, encoding: gimli::Encoding) -> Option<Self> {
        match only_operation(expression, encoding)? {
            Operation::Register { register } => Some(Self::Register(register.0)),
            Operation::RegisterOffset {
                register, offset, ..
            } if register.0 == STACK_POINTER => Some(Self::Stack(offset)),
            _ => None,
        }
    }
}

/// The number that was in `slot` when the frame's function was entered.
pub(super) fn number_at_entry(
    callee: &Evaluator<'_, '_, '_>,
    slot: Slot,
) -> Result<gimli::Value, Unavailable> {
    with_parameter(callee, slot, |caller, expression| caller.scalar(expression))
}

/// The `size` bytes that were in `slot` when the frame's function was entered.
pub(super) fn value_at_entry(
    callee: &Evaluator<'_, '_, '_>,
    slot: Slot,
    size: usize,
) -> Option<Value> {
    with_parameter(callee, slot, |caller, expression| {
        Ok(caller.computed(expression, size))
    })
    .ok()
}

/// Finds the parameter at the caller's call site and has its value evaluated in the caller's frame.
fn with_parameter<'s, T>(
    callee: &Evaluator<'_, '_, 's>,
    slot: Slot,
    evaluate: impl FnOnce(&Evaluator<'_, 's, 's>, Expression<Reader<'s>>) -> Result<T, Unavailable>,
) -> Result<T, Unavailable> {
    let gone = Unavailable::OptimizedOut;
    let frame = callee.frame.ok_or(gone)?;
    let caller = calling_frame(frame).ok_or(gone)?;
    let info = frame.symbols.for_address(caller.lookup).ok_or(gone)?;
    let function = function_at(info, caller.lookup).ok_or(gone)?;
    let return_pc = caller
        .registers
        .pc()
        .unwrap_or_else(|| caller.lookup.wrapping_add(1));
    let (site, site_die) = find_call_site(info, function, return_pc).ok_or(gone)?;
    let evaluator = Evaluator {
        info,
        unit: function.unit,
        function: Some(function),
        frame: Some(caller),
        memory: callee.memory,
        budget: callee.budget,
        depth: callee.depth + 1,
    };
    let callee_pc = callee
        .function
        .and_then(|at| die::entry_pc(callee.info, at))
        .ok_or(gone)?;
    let target =
        target_of(info, site, &site_die).or_else(|| indirect_target(&evaluator, &site_die));
    if target != Some(callee_pc) || may_tail_call_itself(callee.info, callee_pc) {
        return Err(gone);
    }
    let expression = parameter_value(info, site, slot).ok_or(gone)?;
    evaluate(&evaluator, expression)
}

/// The physical caller: inlined frames share the registers of the function they are inlined into.
fn calling_frame<'f, 's>(frame: &'f FrameContext<'f, 's>) -> Option<&'f FrameContext<'f, 's>> {
    const MOST_INLINED: usize = 64;
    let mut caller = frame.caller?;
    for _level in 0..MOST_INLINED {
        if caller.lookup != frame.lookup || caller.cfa != frame.cfa {
            return Some(caller);
        }
        caller = caller.caller?;
    }
    None
}

/// The out-of-line function whose code contains `pc`.
pub(super) fn function_at(info: &DebugInfo<'_>, pc: u64) -> Option<DieRef> {
    let known = info.source_frames(pc).pop();
    if let Some(scope) = known.filter(|f| !f.inlined).and_then(|f| f.scope) {
        return Some(DieRef {
            unit: scope.unit,
            entry: scope.entry,
        });
    }
    info.units().indexed().find_map(|(unit, header)| {
        let root = DieRef {
            unit,
            entry: header.header.root_offset(),
        };
        let die = die::entry(info, root)?;
        if die::contains_pc(info, unit, &die, pc) == Some(false) {
            return None;
        }
        function_below(info, root, pc, 0)
    })
}

fn function_below(info: &DebugInfo<'_>, parent: DieRef, pc: u64, depth: usize) -> Option<DieRef> {
    const DEEPEST_NAMESPACE: usize = 8;
    die::children(info, parent)
        .into_iter()
        .find_map(|(at, die)| match die.tag() {
            gimli::DW_TAG_subprogram => {
                (die::contains_pc(info, at.unit, &die, pc) == Some(true)).then_some(at)
            }
            gimli::DW_TAG_namespace | gimli::DW_TAG_module if depth < DEEPEST_NAMESPACE => {
                function_below(info, at, pc, depth + 1)
            }
            _ => None,
        })
}

/// Is it one of a call?
pub(super) fn is_call_site(die: &Die<'_>) -> bool {
    matches!(
        die.tag(),
        gimli::DW_TAG_call_site | gimli::DW_TAG_GNU_call_site
    )
}

/// Does the call at `site` return to `return_pc`?
pub(super) fn returns_to(
    info: &DebugInfo<'_>,
    site: DieRef,
    die: &Die<'_>,
    return_pc: u64,
) -> bool {
    die::address(info, site.unit, die, gimli::DW_AT_call_return_pc)
        .or_else(|| die::address(info, site.unit, die, gimli::DW_AT_low_pc))
        == Some(return_pc)
}

fn find_call_site<'a>(
    info: &DebugInfo<'a>,
    function: DieRef,
    return_pc: u64,
) -> Option<(DieRef, Die<'a>)> {
    let mut found = None;
    for_each_below(info, function, |at, die| {
        if is_call_site(die) && returns_to(info, at, die, return_pc) {
            found = Some((at, die.clone()));
        }
        found.is_none()
    });
    found
}

/// Calls `visit` for every entry below `top` until it returns false.
pub(super) fn for_each_below<'a>(
    info: &DebugInfo<'a>,
    top: DieRef,
    mut visit: impl FnMut(DieRef, &Die<'a>) -> bool,
) {
    let Some(unit) = info.units().get(top.unit) else {
        return;
    };
    let Ok(mut cursor) = unit.entries_at_offset(top.entry) else {
        return;
    };
    let Ok(true) = cursor.next_entry() else {
        return;
    };
    let depth = cursor.depth();
    for _entry in 0..MOST_ENTRIES {
        match cursor.next_dfs() {
            Ok(Some(die)) if die.depth() > depth => {
                let at = DieRef {
                    unit: top.unit,
                    entry: die.offset(),
                };
                if !visit(at, die) {
                    return;
                }
            }
            _ => return,
        }
    }
}

/// The address of the function that a direct call goes to.
pub(super) fn target_of(info: &DebugInfo<'_>, site: DieRef, die: &Die<'_>) -> Option<u64> {
    let target = die::reference(info, site.unit, die, gimli::DW_AT_call_origin)
        .or_else(|| die::reference(info, site.unit, die, gimli::DW_AT_abstract_origin))?;
    let function = die::entry(info, target)?;
    if !die::flag(&function, gimli::DW_AT_declaration) {
        return die::entry_pc(info, target);
    }
    // Defined in another unit: the linker's name leads there.
    let chain = die::origins(info, target);
    let (owner, name) = die::inherited(&chain, gimli::DW_AT_linkage_name)
        .or_else(|| die::inherited(&chain, gimli::DW_AT_name))?;
    let name = die::string(info, owner.unit, name)?;
    Some(info.file().symbol(&name)?.address)
}

/// The address that an indirect call goes to, as the caller's registers have it. The Thumb bit stays,
/// so on ARM such a call is never taken for one of a known function; gdb does not trust it either.
fn indirect_target<'s>(caller: &Evaluator<'_, 's, 's>, die: &Die<'s>) -> Option<u64> {
    let value = die
        .attr_value(gimli::DW_AT_call_target)
        .or_else(|| die.attr_value(gimli::DW_AT_GNU_call_site_target))?;
    let expression = caller.expression_at(value, None)?;
    match caller.scalar(expression) {
        Ok(gimli::Value::Generic(address)) => Some(address),
        _ => None,
    }
}

/// Could the function have come back to its own start by tail calls? Then its arguments may have been
/// replaced since the call. What cannot be followed counts as yes.
fn may_tail_call_itself(info: &DebugInfo<'_>, entry_pc: u64) -> bool {
    let mut seen = BTreeSet::from([entry_pc]);
    let mut todo = vec![entry_pc];
    while let Some(pc) = todo.pop() {
        if seen.len() > MOST_TAIL_CALLED {
            return true;
        }
        let Some(function) = function_at(info, pc) else {
            return true;
        };
        let unknown = Cell::new(false);
        for_each_below(info, function, |at, die| {
            let tail = is_call_site(die)
                && (die::flag(die, gimli::DW_AT_call_tail_call)
                    || die::flag(die, gimli::DW_AT_GNU_tail_call));
            if tail {
                match target_of(info, at, die) {
                    Some(target) if target != entry_pc => {
                        if seen.insert(target) {
                            todo.push(target);
                        }
                    }
                    _ => unknown.set(true),
                }
            }
            !unknown.get()
        });
        if unknown.get() {
            return true;
        }
    }
    false
}

fn parameter_value<'a>(
    info: &DebugInfo<'a>,
    site: DieRef,
    slot: Slot,
) -> Option<Expression<Reader<'a>>> {
    let encoding = info.units().get(site.unit)?.encoding();
    die::children(info, site)
        .into_iter()
        .find_map(|(_at, die)| {
            if !matches!(
                die.tag(),
                gimli::DW_TAG_call_site_parameter | gimli::DW_TAG_GNU_call_site_parameter
            ) {
                return None;
            }
            let place = expression_of(&die, gimli::DW_AT_location)?;
            if Slot::of_parameter(place, encoding)? != slot {
                return None;
            }
            expression_of(&die, gimli::DW_AT_call_value)
                .or_else(|| expression_of(&die, gimli::DW_AT_GNU_call_site_value))
        })
}

fn expression_of<'a>(die: &Die<'a>, name: gimli::DwAt) -> Option<Expression<Reader<'a>>> {
    match die.attr_value(name)? {
        gimli::AttributeValue::Exprloc(expression) => Some(expression),
        gimli::AttributeValue::Block(bytes) => Some(Expression(bytes)),
        _ => None,
    }
}

fn only_operation(
    expression: Expression<Reader<'_>>,
    encoding: gimli::Encoding,
) -> Option<Operation<Reader<'_>>> {
    let mut bytes = expression.0;
    let operation = Operation::parse(&mut bytes, encoding).ok()?;
    bytes.is_empty().then_some(operation)
}
