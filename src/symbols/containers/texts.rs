//! `std::string`, `std::string_view` and those of wider characters.

use super::layout::Place;
use super::{Contents, MOST_ELEMENTS, Shape};
use crate::symbols::printer::Printer;
use crate::symbols::text_escape;
use crate::symbols::types::TypeRef;
use crate::symbols::value::Value;

pub(super) fn string(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (pointer, addr) = printer.reach_number(place, &["_M_dataplus", "_M_p"])?;
    let (_ty, length) = printer.reach_number(place, &["_M_string_length"])?;
    text(printer, pointer, addr, length)
}

pub(super) fn view(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (pointer, addr) = printer.reach_number(place, &["_M_str"])?;
    let (_ty, length) = printer.reach_number(place, &["_M_len"])?;
    text(printer, pointer, addr, length)
}

fn text(
    printer: &Printer<'_, '_, '_, '_>,
    pointer: TypeRef,
    addr: u64,
    length: u64,
) -> Option<Contents> {
    if length > MOST_ELEMENTS || (addr == 0 && length > 0) {
        return None;
    }
    let (element, width) = printer.pointed_to(pointer)?;
    let style = printer.character_style(Some(element))?;
    let shown = length.min(printer.limits.max_elements as u64);
    let bytes = Value::in_memory(&printer.memory, addr, shown.checked_mul(width)?);
    let width = usize::try_from(width).ok()?;
    let mut codes = Vec::new();
    for at in 0..usize::try_from(shown).ok()? {
        let code = bytes.part(at.checked_mul(width)?, width);
        codes.push(u32::try_from(printer.number(&code)?).ok()?);
    }
    let is_cut = shown < length;
    // A zero at the end belongs to the text: its length says so.
    if !is_cut && codes.last() == Some(&0) {
        codes.push(0);
    }
    Some(Contents {
        head: text_escape::string(&codes, style, is_cut),
        shape: Shape::Text,
        items: Vec::new(),
        is_cut: false,
    })
}
