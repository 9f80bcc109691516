//! Where a variable lives at one moment: location expressions and lists, evaluated for one frame.
//!
//! DWARF 5, sections 2.5 (expressions) and 2.6 (location descriptions). gimli runs the stack machine;
//! this file answers what it asks (registers, memory, frame base, entry values) and reads the result.
//! Everything is bounded: steps of one expression, expressions of one question, frames gone up.

use super::call_site;
use super::debug_info::{DebugInfo, Reader};
use super::die::{self, DieRef};
use super::symbol_set::SymbolSet;
use super::value::Value;
use super::variables::FrameContext;
use crate::model::memory::Memory;
use crate::model::registers::{Reg, RegValue};
use crate::model::report::Unavailable;
use gimli::Reader as _;
use gimli::{AttributeValue, EvaluationResult, Expression, Location, Piece, ValueType};
use std::cell::Cell;

/// The most steps of one expression.
const MOST_STEPS: u32 = 10_000;

/// The most entries of one location list.
const MOST_ENTRIES: usize = 100_000;

/// How many expressions one may lead to: frame bases and values at entry.
const DEEPEST: u32 = 80;

/// Captured memory, and where that has nothing, the constants of the ELFs.
#[derive(Clone, Copy)]
pub(super) struct WithConstants<'m, 's> {
    pub(super) memory: &'m dyn Memory,
    pub(super) symbols: &'m SymbolSet<'s>,
}

impl Memory for WithConstants<'_, '_> {
    fn read(&self, addr: u64, buf: &mut [u8]) -> Result<(), crate::model::memory::NotCaptured> {
        self.memory.read(addr, buf).or_else(|missing| {
            self.symbols
                .infos
                .iter()
                .find_map(|info| info.file().constants().read(addr, buf).ok())
                .ok_or(missing)
        })
    }

    fn ranges(&self) -> Vec<std::ops::Range<u64>> {
        self.memory.ranges()
    }
}

/// Evaluates the expressions of one function in one frame (or of globals, in none).
pub(super) struct Evaluator<'e, 'a, 's> {
    pub(super) info: &'e DebugInfo<'a>,
    /// The unit that the expressions stand in.
    pub(super) unit: usize,
    /// The subprogram, for its frame base.
    pub(super) function: Option<DieRef>,
    /// The frame; `None` for globals.
    pub(super) frame: Option<&'e FrameContext<'e, 's>>,
    pub(super) memory: WithConstants<'e, 's>,
    /// Expressions that may still be evaluated.
    pub(super) budget: &'e Cell<u32>,
    /// Expressions that led here.
    pub(super) depth: u32,
}

/// What came of an expression that was run for its value.
enum Computed<'a> {
    Number(gimli::Value),
    Pieces(Vec<Piece<Reader<'a>>>),
}

/// The expressions that one question may evaluate.
pub(super) const BUDGET: u32 = 20_000;

impl<'a> Evaluator<'_, 'a, '_> {
    /// The expression that holds at the frame's address; `None` when the list says nothing there.
    pub(super) fn expression_at(
        &self,
        value: AttributeValue<Reader<'a>>,
        pc: Option<u64>,
    ) -> Option<Expression<Reader<'a>>> {
        let expression = match value {
            AttributeValue::Exprloc(expression) => expression,
            // DWARF 2 had block forms only.
            AttributeValue::Block(bytes) => Expression(bytes),
            list => {
                let unit = self.info.units().get(self.unit)?;
                let pc = pc?;
                let mut entries = self
                    .info
                    .dwarf_of(self.unit)
                    .attr_locations(unit, list)
                    .ok()??;
                let mut n_read = 0;
                loop {
                    let entry = entries.next().ok()??;
                    if (entry.range.begin..entry.range.end).contains(&pc) {
                        break entry.data;
                    }
                    n_read += 1;
                    if n_read > MOST_ENTRIES {
                        return None;
                    }
                }
            }
        };
        let encoding = self.info.units().get(self.unit)?.encoding();
        let expression = without_uninit(expression, encoding);
        (!expression.0.is_empty()).then_some(expression)
    }

    /// The value of an object of `size` bytes that the expression locates.
    pub(super) fn object(&self, expression: Expression<Reader<'a>>, size: usize) -> Value {
        match self.pieces(expression) {
            Ok(pieces) => self.assemble(&pieces, size),
            Err(why) => Value::unavailable(size, why),
        }
    }

    /// The value of `size` bytes that the expression computes (not the object that it locates).
    pub(super) fn computed(&self, expression: Expression<Reader<'a>>, size: usize) -> Value {
        match self.result(expression) {
            Ok(Computed::Number(number)) => self.number(number, size),
            Ok(Computed::Pieces(pieces)) => self.assemble(&pieces, size),
            Err(why) => Value::unavailable(size, why),
        }
    }

    /// The number that the expression computes.
    pub(super) fn scalar(
        &self,
        expression: Expression<Reader<'a>>,
    ) -> Result<gimli::Value, Unavailable> {
        let pieces = match self.result(expression)? {
            Computed::Number(number) => return Ok(number),
            Computed::Pieces(pieces) => pieces,
        };
        match pieces.first().map(|piece| &piece.location) {
            Some(Location::Address { address }) => Ok(gimli::Value::Generic(*address)),
            Some(Location::Value { value }) => Ok(*value),
            Some(Location::Register { register }) => {
                Ok(gimli::Value::Generic(self.register(*register)?))
            }
            Some(Location::Bytes { value }) => {
                let number = Value::known(value.slice().to_vec()).unsigned(self.big_endian())?;
                Ok(gimli::Value::Generic(low_word(number)))
            }
            _ => Err(Unavailable::OptimizedOut),
        }
    }

    /// Runs an expression for its value: as if `DW_OP_stack_value` ended it, so that a number with a
    /// type (a float) is not taken for an address. Expressions that name a place cannot end so.
    fn result(&self, expression: Expression<Reader<'a>>) -> Result<Computed<'a>, Unavailable> {
        const DW_OP_STACK_VALUE: u8 = 0x9f;
        let mut code = expression.0.slice().to_vec();
        code.push(DW_OP_STACK_VALUE);
        let ended = Expression(Reader::new(&code, expression.0.endian()));
        match self.pieces(ended).as_deref() {
            Ok(
                [
                    Piece {
                        location: Location::Value { value },
                        ..
                    },
                ],
            ) => return Ok(Computed::Number(*value)),
            Ok(_) | Err(Unavailable::OptimizedOut) => {}
            Err(why) => return Err(*why),
        }
        self.pieces(expression).map(Computed::Pieces)
    }

    /// What is known of a register in this frame.
    pub(super) fn register(&self, register: gimli::Register) -> Result<u64, Unavailable> {
        let frame = self.frame.ok_or(Unavailable::OptimizedOut)?;
        match frame.registers.get(Reg(register.0)) {
            RegValue::Known(value) => Ok(value),
            RegValue::NotStored => Err(Unavailable::RegisterNotStored),
            RegValue::Clobbered => Err(Unavailable::OptimizedOut),
        }
    }

    pub(super) fn big_endian(&self) -> bool {
        self.info.file().is_big_endian()
    }

    fn address_mask(&self) -> u64 {
        if self.info.file().address_bytes() >= 8 {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        }
    }

    fn pieces<'x>(
        &self,
        expression: Expression<Reader<'x>>,
    ) -> Result<Vec<Piece<Reader<'x>>>, Unavailable>
    where
        'a: 'x,
    {
        let gone = Unavailable::OptimizedOut;
        let left = self.budget.get().checked_sub(1).ok_or(gone)?;
        self.budget.set(left);
        if self.depth > DEEPEST {
            return Err(gone);
        }
        let unit = self.info.units().get(self.unit).ok_or(gone)?;
        let mut evaluation = expression.evaluation(unit.encoding());
        evaluation.set_max_iterations(MOST_STEPS);
        let mut state = evaluation.evaluate().map_err(|_broken| gone)?;
        // Every turn answers one question, and every question costs the machine a step.
        for _turn in 0..MOST_STEPS {
            let next = match state {
                EvaluationResult::Complete => return Ok(evaluation.result()),
                EvaluationResult::RequiresMemory {
                    address,
                    size,
                    base_type,
                    ..
                } => evaluation.resume_with_memory(self.deref(address, size, base_type)?),
                EvaluationResult::RequiresRegister {
                    register,
                    base_type,
                } => {
                    let bits = self.register(register)?;
                    evaluation.resume_with_register(self.typed(bits, base_type)?)
                }
                EvaluationResult::RequiresFrameBase => {
                    evaluation.resume_with_frame_base(self.frame_base()?)
                }
                EvaluationResult::RequiresCallFrameCfa => {
                    let frame = self.frame.ok_or(gone)?;
                    let cfa = frame.cfa.ok_or_else(|| without_cfa(frame))?;
                    evaluation.resume_with_call_frame_cfa(cfa)
                }
                EvaluationResult::RequiresAtLocation(place) => {
                    evaluation.resume_with_at_location(self.called(place).ok_or(gone)?)
                }
                EvaluationResult::RequiresEntryValue(expression) => {
                    evaluation.resume_with_entry_value(self.entry_value(expression)?)
                }
                EvaluationResult::RequiresRelocatedAddress(address) => {
                    evaluation.resume_with_relocated_address(address)
                }
                EvaluationResult::RequiresIndexedAddress { index, .. } => {
                    let address = self.info.dwarf_of(self.unit).address(unit, index);
                    evaluation.resume_with_indexed_address(address.map_err(|_broken| gone)?)
                }
                EvaluationResult::RequiresBaseType(entry) => {
                    evaluation.resume_with_base_type(self.value_type(entry)?)
                }
                // Thread-local storage has no meaning on these targets; a parameter reference needs
                // the caller's own call site, which is not there for a stopped callee.
                EvaluationResult::RequiresTls(_)
                | EvaluationResult::RequiresParameterRef(_)
                | EvaluationResult::RequiresWasmLocal { .. }
                | EvaluationResult::RequiresWasmGlobal { .. }
                | EvaluationResult::RequiresWasmStack { .. } => return Err(gone),
            };
            state = next.map_err(|_broken| gone)?;
        }
        Err(gone)
    }

    fn deref(
        &self,
        address: u64,
        size: u8,
        base_type: gimli::UnitOffset,
    ) -> Result<gimli::Value, Unavailable> {
        let mut bytes = [0; 16];
        let part = bytes
            .get_mut(..usize::from(size))
            .ok_or(Unavailable::OptimizedOut)?;
        self.memory
            .read(address & self.address_mask(), part)
            .map_err(|_missing| Unavailable::MemoryNotCaptured)?;
        let number = Value::known(part.to_vec()).unsigned(self.big_endian())?;
        self.typed(low_word(number), base_type)
    }

    fn typed(&self, bits: u64, base_type: gimli::UnitOffset) -> Result<gimli::Value, Unavailable> {
        Ok(match self.value_type(base_type)? {
            ValueType::Generic => gimli::Value::Generic(bits & self.address_mask()),
            ValueType::F32 => gimli::Value::F32(f32::from_bits(low_half(bits))),
            ValueType::F64 => gimli::Value::F64(f64::from_bits(bits)),
            other => {
                gimli::Value::from_u64(other, bits).map_err(|_broken| Unavailable::OptimizedOut)?
            }
        })
    }

    fn value_type(&self, entry: gimli::UnitOffset) -> Result<ValueType, Unavailable> {
        if entry.0 == 0 {
            return Ok(ValueType::Generic);
        }
        let at = DieRef {
            unit: self.unit,
            entry,
        };
        die::entry(self.info, at)
            .and_then(|die| ValueType::from_entry(&die).ok()?)
            .ok_or(Unavailable::OptimizedOut)
    }

    fn frame_base(&self) -> Result<u64, Unavailable> {
        let gone = Unavailable::OptimizedOut;
        let frame = self.frame.ok_or(gone)?;
        let at = self.function.ok_or(gone)?;
        let die = die::entry(self.info, at).ok_or(gone)?;
        let value = die.attr_value(gimli::DW_AT_frame_base).ok_or(gone)?;
        let expression = self.expression_at(value, Some(frame.lookup)).ok_or(gone)?;
        match self.deeper().scalar(expression)? {
            gimli::Value::Generic(address) => Ok(address),
            _ => Err(gone),
        }
    }

    /// The expression that `DW_OP_call2`, `call4` and `call_ref` run: the location of another entry.
    fn called(&self, place: gimli::DieReference) -> Option<Reader<'a>> {
        let at = match place {
            gimli::DieReference::UnitRef(entry) => DieRef {
                unit: self.unit,
                entry,
            },
            gimli::DieReference::DebugInfoRef(offset) => {
                let (unit, entry) = self.info.unit_of(self.unit, offset)?;
                DieRef { unit, entry }
            }
        };
        let value = die::entry(self.info, at)?.attr_value(gimli::DW_AT_location)?;
        let pc = self.frame.map(|frame| frame.lookup);
        self.expression_at(value, pc).map(|expression| expression.0)
    }

    fn entry_value(&self, expression: Expression<Reader<'_>>) -> Result<gimli::Value, Unavailable> {
        let unit = self
            .info
            .units()
            .get(self.unit)
            .ok_or(Unavailable::OptimizedOut)?;
        let slot = call_site::Slot::of_entry_value(expression, unit.encoding())
            .ok_or(Unavailable::OptimizedOut)?;
        let number = call_site::number_at_entry(self, slot)?;
        // An untyped number for a typed register is its bits.
        match (number, typed_register(expression, unit.encoding())) {
            (gimli::Value::Generic(bits), Some(base_type)) => self.typed(bits, base_type),
            _ => Ok(number),
        }
    }

    /// The same frame, one expression further.
    pub(super) fn deeper(&self) -> Self {
        Self {
            depth: self.depth + 1,
            info: self.info,
            unit: self.unit,
            function: self.function,
            frame: self.frame,
            memory: self.memory,
            budget: self.budget,
        }
    }

    fn assemble(&self, pieces: &[Piece<Reader<'a>>], size: usize) -> Value {
        if let [piece] = pieces
            && piece.size_in_bits.is_none()
        {
            return self.piece(piece, size);
        }
        if pieces.iter().any(|piece| {
            piece.size_in_bits.is_none_or(|bits| bits % 8 != 0)
                || piece.bit_offset.is_some_and(|bits| bits % 8 != 0)
        }) {
            return self.assemble_bits(pieces, size);
        }
        let mut whole = Value::default();
        for piece in pieces {
            let bytes = piece.size_in_bits.unwrap_or(0) / 8;
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            // A piece past the end of the object says nothing more.
            whole.push(&self.piece(piece, bytes.min(size.saturating_sub(whole.len()))));
        }
        whole.resize(size, Unavailable::OptimizedOut);
        whole
    }

    fn piece(&self, piece: &Piece<Reader<'a>>, size: usize) -> Value {
        let skip = usize::try_from(piece.bit_offset.unwrap_or(0) / 8).unwrap_or(usize::MAX);
        let wide = size.saturating_add(skip);
        match &piece.location {
            Location::Empty => Value::unavailable(size, Unavailable::OptimizedOut),
            Location::Register { register } if skip == 0 => self.register_bytes(*register, size),
            Location::Register { register } => {
                self.register_bytes(*register, wide).part(skip, size)
            }
            Location::Address { address } => {
                let address = address.wrapping_add(skip as u64) & self.address_mask();
                Value::in_memory(&self.memory, address, size as u64)
            }
            Location::Value { value } => self.number(*value, wide).part(skip, size),
            Location::Bytes { value } => Value::known(value.slice().to_vec()).part(skip, size),
            Location::ImplicitPointer { .. } => {
                let mut pointer = Value::unavailable(size, Unavailable::OptimizedOut);
                pointer.synthetic = true;
                pointer
            }
        }
    }

    /// Pieces that do not end on byte borders, put together bit by bit (little-endian only).
    fn assemble_bits(&self, pieces: &[Piece<Reader<'a>>], size: usize) -> Value {
        let gone = Value::unavailable(size, Unavailable::OptimizedOut);
        if size > 64 || self.big_endian() {
            return gone;
        }
        let mut bytes = vec![0_u8; size];
        let mut at = 0_u64;
        for piece in pieces {
            let Some(n_bits) = piece.size_in_bits.filter(|n| *n <= 64) else {
                return gone;
            };
            let first = piece.bit_offset.unwrap_or(0);
            let whole = Piece {
                size_in_bits: None,
                bit_offset: None,
                location: piece.location,
            };
            let n_bytes = first.saturating_add(n_bits).div_ceil(8).min(16);
            let source = self.piece(&whole, usize::try_from(n_bytes).unwrap_or(16));
            let bits = match source.bits(first, n_bits, false) {
                Ok(bits) => bits,
                Err(why) => return Value::unavailable(size, why),
            };
            for i in 0..n_bits {
                let target = at.saturating_add(i);
                let index = usize::try_from(target / 8).unwrap_or(usize::MAX);
                if (bits >> i) & 1 == 1
                    && let Some(byte) = bytes.get_mut(index)
                {
                    *byte |= 1 << (target % 8);
                }
            }
            at = at.saturating_add(n_bits);
        }
        if at < (size as u64) * 8 {
            return gone;
        }
        Value::known(bytes)
    }

    /// The low `size` bytes of a register; a larger object goes on in the registers after it.
    fn register_bytes(&self, register: gimli::Register, size: usize) -> Value {
        let mut whole = Value::default();
        let mut number = register.0;
        while whole.len() < size && number < register.0.saturating_add(8) {
            let width = match number {
                64..=95 => 4,
                256..=287 => 8,
                _ => usize::from(self.info.file().address_bytes()),
            };
            let width = width.min(8);
            let bits = match self.register(gimli::Register(number)) {
                Ok(bits) => bits,
                Err(why) => return Value::unavailable(size, why),
            };
            let take = width.min(size - whole.len());
            whole.push(&self.number_bytes(bits, width, take));
            number = number.saturating_add(1);
        }
        whole.resize(size, Unavailable::OptimizedOut);
        whole
    }

    fn number(&self, value: gimli::Value, size: usize) -> Value {
        let (bits, width) = match value {
            gimli::Value::Generic(v) => (v, usize::from(self.info.file().address_bytes()).min(8)),
            gimli::Value::I8(v) => (u64::from(v.cast_unsigned()), 1),
            gimli::Value::U8(v) => (u64::from(v), 1),
            gimli::Value::I16(v) => (u64::from(v.cast_unsigned()), 2),
            gimli::Value::U16(v) => (u64::from(v), 2),
            gimli::Value::I32(v) => (u64::from(v.cast_unsigned()), 4),
            gimli::Value::U32(v) => (u64::from(v), 4),
            gimli::Value::I64(v) => (v.cast_unsigned(), 8),
            gimli::Value::U64(v) => (v, 8),
            gimli::Value::F32(v) => (u64::from(v.to_bits()), 4),
            gimli::Value::F64(v) => (v.to_bits(), 8),
        };
        let mut bytes = self.number_bytes(bits, width, width.min(size));
        bytes.resize(size, Unavailable::OptimizedOut);
        bytes
    }

    fn number_bytes(&self, bits: u64, width: usize, take: usize) -> Value {
        let little = bits.to_le_bytes();
        let mut bytes = little.get(..take.min(width)).unwrap_or_default().to_vec();
        if self.big_endian() {
            bytes.reverse();
        }
        Value::known(bytes)
    }
}

/// Why a frame has no canonical frame address: it is gone if the stack pointer is (a frame that left by a tail call).
fn without_cfa(frame: &FrameContext<'_, '_>) -> Unavailable {
    let sp = frame.registers.file().sp();
    match frame.registers.get(sp) {
        RegValue::Clobbered => Unavailable::OptimizedOut,
        RegValue::Known(_) | RegValue::NotStored => Unavailable::RegisterNotStored,
    }
}

/// Without `DW_OP_GNU_uninit` at its end: gcc's doubt whether the variable was written yet says nothing of where it is.
fn without_uninit(
    expression: Expression<Reader<'_>>,
    encoding: gimli::Encoding,
) -> Expression<Reader<'_>> {
    const GNU_UNINIT: u8 = 0xF0;
    let bytes = expression.0.slice();
    let Some((&GNU_UNINIT, before)) = bytes.split_last() else {
        return expression;
    };
    // The last byte is an operation only if another one ends before it.
    let before = gimli::EndianSlice::new(before, expression.0.endian());
    let mut operations = Expression(before).operations(encoding);
    loop {
        match operations.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Expression(before),
            Err(_cut) => return expression,
        }
    }
}

/// The type of `DW_OP_regval_type`, if that is what the expression is.
fn typed_register(
    expression: Expression<Reader<'_>>,
    encoding: gimli::Encoding,
) -> Option<gimli::UnitOffset> {
    let mut bytes = expression.0;
    match gimli::Operation::parse(&mut bytes, encoding).ok()? {
        gimli::Operation::RegisterOffset { base_type, .. } => Some(base_type),
        _ => None,
    }
}

fn low_word(number: u128) -> u64 {
    u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0)
}

fn low_half(bits: u64) -> u32 {
    u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0)
}
