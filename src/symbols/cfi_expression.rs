//! DWARF expressions in call-frame information: they see registers and memory, nothing else.

use super::cfi::Machine;
use super::debug_info::Reader;
use crate::model::register_file::RegisterFile;
use crate::model::registers::Reg;
use gimli::{Encoding, EvaluationResult, Expression, Location, Value};

/// Real expressions have a dozen operations; a damaged one may loop.
const MOST_OPERATIONS: u32 = 10_000;

/// Why an expression has no value.
pub(super) enum ExpressionError {
    MemoryNotCaptured(u64),
    RegisterNotKnown(Reg, RegisterFile),
    Malformed(String),
}

/// The value on top of the stack at the end. `initial` is on the stack at the start (the CFA, for register rules).
pub(super) fn evaluate(
    expression: Expression<Reader<'_>>,
    encoding: Encoding,
    initial: Option<u64>,
    machine: &Machine<'_>,
) -> Result<u64, ExpressionError> {
    let malformed = |error: gimli::Error| ExpressionError::Malformed(error.to_string());
    let mut evaluation = expression.evaluation(encoding);
    evaluation.set_max_iterations(MOST_OPERATIONS);
    if let Some(value) = initial {
        evaluation.set_initial_value(value);
    }
    let mut result = evaluation.evaluate().map_err(malformed)?;
    loop {
        result = match result {
            EvaluationResult::Complete => break,
            EvaluationResult::RequiresMemory { address, size, .. } => {
                let value = machine
                    .load(address, size)
                    .map_err(ExpressionError::MemoryNotCaptured)?;
                evaluation.resume_with_memory(Value::Generic(value))
            }
            EvaluationResult::RequiresRegister { register, .. } => {
                let reg = Reg(register.0);
                let value = machine
                    .regs
                    .known(reg)
                    .ok_or(ExpressionError::RegisterNotKnown(reg, machine.regs.file()))?;
                evaluation.resume_with_register(Value::Generic(value))
            }
            EvaluationResult::RequiresRelocatedAddress(address) => {
                evaluation.resume_with_relocated_address(address)
            }
            EvaluationResult::RequiresCallFrameCfa => match initial {
                Some(cfa) => evaluation.resume_with_call_frame_cfa(cfa),
                None => {
                    return Err(ExpressionError::Malformed(
                        "the CFA defines itself".to_owned(),
                    ));
                }
            },
            other => {
                return Err(ExpressionError::Malformed(format!(
                    "{other:?} has no place here"
                )));
            }
        }
        .map_err(malformed)?;
    }
    match evaluation.as_result() {
        [piece] => match piece.location {
            Location::Address { address } => Ok(address),
            Location::Value { value } => value.to_u64(u64::MAX).map_err(malformed),
            Location::Register { register } => {
                machine
                    .regs
                    .known(Reg(register.0))
                    .ok_or(ExpressionError::RegisterNotKnown(
                        Reg(register.0),
                        machine.regs.file(),
                    ))
            }
            _ => Err(ExpressionError::Malformed("no value".to_owned())),
        },
        _ => Err(ExpressionError::Malformed("a value in pieces".to_owned())),
    }
}
