//! `std::vector`, `std::span` and `std::deque`.

use super::layout::{Argument, Place};
use super::{Contents, Item, MOST_ELEMENTS, Shape};
use crate::symbols::printer::Printer;
use crate::symbols::types::{TypeKind, TypeRef};
use crate::symbols::value::Value;

/// Bytes of a block of a deque, if an element is not larger.
const DEQUE_BLOCK: u64 = 512;

pub(super) fn vector(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (start, value) = printer.reach(place.at, &place.value, &["_M_impl", "_M_start"])?;
    let (_at, kind) = printer.types.real(Some(start))?;
    if matches!(kind.kind, TypeKind::Record { .. }) {
        return bits(printer, place);
    }
    let first = printer.number(&value)?;
    let (_ty, last) = printer.reach_number(place, &["_M_impl", "_M_finish"])?;
    let (_ty, end) = printer.reach_number(place, &["_M_impl", "_M_end_of_storage"])?;
    let (element, size) = printer.pointed_to(start)?;
    let length = n_between(first, last, size)?;
    let capacity = n_between(first, end, size).filter(|n| *n >= length)?;
    let items = run(printer, element, first, length)?;
    let head = format!("std::vector of length {length}, capacity {capacity}");
    Some(in_a_row(head, items, length))
}

fn in_a_row(head: String, items: Vec<Item>, length: u64) -> Contents {
    Contents {
        head,
        shape: Shape::Plain,
        is_cut: (items.len() as u64) < length,
        items,
    }
}

/// Whole elements between two addresses.
fn n_between(first: u64, last: u64, size: u64) -> Option<u64> {
    let bytes = last.checked_sub(first)?;
    let n = bytes.checked_div(size)?;
    (n <= MOST_ELEMENTS && n.checked_mul(size)? == bytes).then_some(n)
}

/// The first elements of so many in a row. `None` when not one of them was captured.
fn run(
    printer: &Printer<'_, '_, '_, '_>,
    element: TypeRef,
    first: u64,
    length: u64,
) -> Option<Vec<Item>> {
    let size = printer.types.size(element)?;
    let shown = length.min(printer.most_items() as u64);
    let all = Value::in_memory(&printer.memory, first, shown.checked_mul(size)?);
    if shown > 0 && all.all_missing().is_some() {
        return None;
    }
    let size = usize::try_from(size).ok()?;
    let items = (0..usize::try_from(shown).ok()?).map(|n| Item {
        name: String::new(),
        ty: Some(element),
        value: all.part(n.saturating_mul(size), size),
    });
    Some(items.collect())
}

/// `std::vector<bool>`: words of bits, and how many of the last one count.
fn bits(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (pointer, first) = printer.reach_number(place, &["_M_impl", "_M_start", "_M_p"])?;
    let (_ty, skipped) = printer.reach_number(place, &["_M_impl", "_M_start", "_M_offset"])?;
    let (_ty, last) = printer.reach_number(place, &["_M_impl", "_M_finish", "_M_p"])?;
    let (_ty, open) = printer.reach_number(place, &["_M_impl", "_M_finish", "_M_offset"])?;
    let (_ty, end) = printer.reach_number(place, &["_M_impl", "_M_end_of_storage"])?;
    let (_word, size) = printer.pointed_to(pointer)?;
    let bits_of = |to: u64| {
        n_between(first, to, size)?
            .checked_mul(size)?
            .checked_mul(8)
    };
    let length = bits_of(last)?.checked_add(open)?.checked_sub(skipped)?;
    let capacity = bits_of(end).filter(|n| *n >= length)?;
    let ty = printer.template_type(place.at, 0);
    let mut items = Vec::new();
    let shown = length.min(printer.most_items() as u64);
    for n in skipped..skipped.checked_add(shown)? {
        let word_bits = size.checked_mul(8)?;
        let word = first.checked_add(n.checked_div(word_bits)?.checked_mul(size)?)?;
        let word = printer.number(&Value::in_memory(&printer.memory, word, size))?;
        let bit = word.checked_shr(u32::try_from(n % word_bits).ok()?)? & 1;
        items.push(Item {
            name: String::new(),
            ty,
            value: Value::known(vec![u8::from(bit == 1)]),
        });
    }
    let head = format!("std::vector<bool> of length {length}, capacity {capacity}");
    Some(in_a_row(head, items, length))
}

pub(super) fn span(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (pointer, first) = printer.reach_number(place, &["_M_ptr"])?;
    let counted = printer.reach_number(place, &["_M_extent", "_M_extent_value"]);
    let length = match counted {
        Some((_ty, length)) => length,
        // The length is part of the type.
        None => printer.template_arguments(place.at).into_iter().find_map(
            |argument| match argument {
                Argument::Number(n) => Some(n),
                Argument::Type(_) => None,
            },
        )?,
    };
    if length > MOST_ELEMENTS {
        return None;
    }
    let (element, _size) = printer.pointed_to(pointer)?;
    let items = run(printer, element, first, length)?;
    Some(in_a_row(
        format!("std::span of length {length}"),
        items,
        length,
    ))
}

pub(super) fn deque(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let of = |side: &str, field: &str| printer.reach_number(place, &["_M_impl", side, field]);
    let (pointer, cursor) = of("_M_start", "_M_cur")?;
    let (element, size) = printer.pointed_to(pointer)?;
    let (_ty, block_end) = of("_M_start", "_M_last")?;
    let (_ty, node) = of("_M_start", "_M_node")?;
    let (_ty, last_cursor) = of("_M_finish", "_M_cur")?;
    let (_ty, last_block) = of("_M_finish", "_M_first")?;
    let (_ty, last_node) = of("_M_finish", "_M_node")?;
    let a_block = DEQUE_BLOCK
        .checked_div(size)
        .filter(|n| *n > 0)
        .unwrap_or(1);
    let n_nodes = n_between(node, last_node, printer.word())?;
    let length = if n_nodes == 0 {
        n_between(cursor, last_cursor, size)?
    } else {
        let inner = n_nodes.checked_sub(1)?.checked_mul(a_block)?;
        let ends = n_between(cursor, block_end, size)?.checked_add(n_between(
            last_block,
            last_cursor,
            size,
        )?)?;
        inner.checked_add(ends).filter(|n| *n <= MOST_ELEMENTS)?
    };
    let mut items = Vec::new();
    let (mut at, mut end, mut node) = (cursor, block_end, node);
    let shown = length.min(printer.most_items() as u64);
    while (items.len() as u64) < shown {
        if at >= end {
            node = node.checked_add(printer.word())?;
            at = printer.word_at(node)?;
            end = at.checked_add(a_block.checked_mul(size)?)?;
        }
        items.push(Item {
            name: String::new(),
            ty: Some(element),
            value: Value::in_memory(&printer.memory, at, size),
        });
        at = at.checked_add(size)?;
    }
    if !items.is_empty() && items.iter().all(|item| item.value.all_missing().is_some()) {
        return None;
    }
    let elements = if length == 1 { "element" } else { "elements" };
    Some(in_a_row(
        format!("std::deque with {length} {elements}"),
        items,
        length,
    ))
}
