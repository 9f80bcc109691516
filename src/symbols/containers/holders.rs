//! What holds one thing or a few: `std::optional`, `std::variant`, `std::pair`, `std::tuple`, owning pointers.

use super::layout::{Argument, Place};
use super::{Contents, Item, Shape};
use crate::symbols::printer::Printer;
use crate::symbols::types::{TypeKind, TypeRef};
use crate::symbols::value::Value;

/// Elements of a tuple or alternatives of a variant that are followed.
const MOST_PARTS: usize = 256;

fn named(head: String, items: Vec<Item>) -> Contents {
    Contents {
        head,
        shape: Shape::Named,
        items,
        is_cut: false,
    }
}

pub(super) fn optional(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (_ty, engaged) = printer.reach_number(place, &["_M_payload", "_M_engaged"])?;
    let held = printer.template_type(place.at, 0)?;
    let head = format!("std::optional<{}>", printer.said(Some(held)));
    match engaged {
        0 => Some(named(format!("{head} [no contained value]"), Vec::new())),
        1 => {
            let path = ["_M_payload", "_M_payload", "_M_value"];
            let (ty, value) = printer.reach(place.at, &place.value, &path)?;
            let item = Item {
                name: "[contained value]".to_owned(),
                ty: Some(ty),
                value,
            };
            Some(named(head, vec![item]))
        }
        _ => None,
    }
}

pub(super) fn pair(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let mut items = Vec::new();
    for name in ["first", "second"] {
        let (ty, value) = printer.reach(place.at, &place.value, &[name])?;
        items.push(Item {
            name: name.to_owned(),
            ty: Some(ty),
            value,
        });
    }
    Some(named(String::new(), items))
}

pub(super) fn tuple(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let parts = tuple_parts(printer, place.at, &place.value)?;
    if parts.is_empty() {
        return Some(named("empty std::tuple".to_owned(), Vec::new()));
    }
    let items = parts.into_iter().enumerate().map(|(n, (ty, value))| Item {
        // As std::get counts.
        name: format!("[{n}]"),
        ty: Some(ty),
        value,
    });
    Some(named("std::tuple containing".to_owned(), items.collect()))
}

/// Each element is the base of a class that has the next one as its base.
fn tuple_parts(
    printer: &Printer<'_, '_, '_, '_>,
    at: TypeRef,
    value: &Value,
) -> Option<Vec<(TypeRef, Value)>> {
    let mut parts = Vec::new();
    let mut here = Some((at, value.clone()));
    while let Some((at, value)) = here.take()
        && parts.len() < MOST_PARTS
    {
        let (_at, found) = printer.types.real(Some(at))?;
        let TypeKind::Record { members, .. } = &found.kind else {
            return None;
        };
        for base in members.iter().filter(|member| member.base) {
            let (real, of) = printer.types.real(base.ty)?;
            let name = of.name.as_deref().unwrap_or_default();
            let inner = printer.member_value(base, &value);
            if name.starts_with("std::_Head_base<") {
                let head = printer.reach(real, &inner, &["_M_head_impl"]);
                // An element without data is the base itself.
                parts.push(head.unwrap_or((real, inner)));
            } else if name.starts_with("std::_Tuple_impl<") {
                here = Some((real, inner));
            }
        }
    }
    Some(parts)
}

pub(super) fn unique(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let path: &[&str] = &["_M_t", "_M_t"];
    let (at, value) = printer
        .reach(place.at, &place.value, path)
        .or_else(|| printer.reach(place.at, &place.value, &["_M_t"]))?;
    let (at, _found) = printer.types.real(Some(at))?;
    let (ty, value) = tuple_parts(printer, at, &value)?.into_iter().next()?;
    let (_at, pointer) = printer.types.real(Some(ty))?;
    if !matches!(pointer.kind, TypeKind::Pointer(_)) {
        return None;
    }
    let held = printer.template_type(place.at, 0)?;
    let head = format!("std::unique_ptr<{}>", printer.said(Some(held)));
    Some(named(head, vec![got(ty, value)]))
}

fn got(ty: TypeRef, value: Value) -> Item {
    Item {
        name: "get()".to_owned(),
        ty: Some(ty),
        value,
    }
}

pub(super) fn shared(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (ty, pointer) = printer.reach(place.at, &place.value, &["_M_ptr"])?;
    let (counts, block) = printer.reach_number(place, &["_M_refcount", "_M_pi"])?;
    let held = printer.template_type(place.at, 0)?;
    let state = if block == 0 {
        "empty".to_owned()
    } else {
        let (counted, size) = printer.pointed_to(counts)?;
        let counted = (counted, Value::in_memory(&printer.memory, block, size));
        let count = |name: &str| {
            let (_ty, value) = printer.reach(counted.0, &counted.1, &[name])?;
            printer.number(&value)
        };
        let (uses, weak) = (count("_M_use_count")?, count("_M_weak_count")?);
        if uses == 0 {
            format!("expired, weak count {weak}")
        } else {
            // All that share it hold one weak count together.
            format!("use count {uses}, weak count {}", weak.checked_sub(1)?)
        }
    };
    let head = format!("{}<{}> ({state})", place.template, printer.said(Some(held)));
    Some(named(head, vec![got(ty, pointer)]))
}

pub(super) fn variant(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (index_type, index) = printer.reach_number(place, &["_M_index"])?;
    let arguments = printer.template_arguments(place.at).into_iter();
    let types: Vec<Option<TypeRef>> = arguments
        .filter_map(|argument| match argument {
            Argument::Type(ty) => Some(ty),
            Argument::Number(_) => None,
        })
        .collect();
    let names: Vec<String> = types.iter().map(|ty| printer.said(*ty)).collect();
    let head = format!("std::variant<{}>", names.join(", "));
    let n_bits = printer.types.size(index_type)?.checked_mul(8)?;
    if index == u64::MAX >> 64_u64.checked_sub(n_bits)? {
        return Some(named(format!("{head} [no contained value]"), Vec::new()));
    }
    let index = usize::try_from(index)
        .ok()
        .filter(|n| *n < types.len().min(MOST_PARTS))?;
    let ty = (*types.get(index)?)?;
    let (mut at, mut value) = printer.reach(place.at, &place.value, &["_M_u"])?;
    for _alternative in 0..index {
        (at, value) = printer.reach(at, &value, &["_M_rest"])?;
    }
    let (_at, first) = printer.reach(at, &value, &["_M_first"])?;
    let size = usize::try_from(printer.types.size(ty)?).ok()?;
    Some(Contents {
        head: format!("{head} [index {index}]"),
        shape: Shape::Plain,
        items: vec![Item {
            name: String::new(),
            ty: Some(ty),
            value: first.part(0, size),
        }],
        is_cut: false,
    })
}
