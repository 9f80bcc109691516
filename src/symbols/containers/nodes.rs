//! Containers of linked nodes: `std::list`, the trees (`std::map`, `std::set`) and the hash tables (`std::unordered_map`).

use super::layout::Place;
use super::{Contents, Item, MOST_ELEMENTS, Shape};
use crate::symbols::printer::Printer;
use crate::symbols::types::TypeRef;

/// Links from a node of a tree to the one behind it, at most: a tree of 2^64 nodes is not deeper.
const DEEPEST: usize = 128;
/// Words of links in a node of a tree: its colour, parent, left, right.
const TREE_LINKS: u64 = 4;

pub(super) fn list(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (_ty, head) = printer.reach(place.at, &place.value, &["_M_impl", "_M_node"])?;
    let (_ty, first) = printer.reach_number(place, &["_M_impl", "_M_node", "_M_next"])?;
    let size = printer.reach_number(place, &["_M_impl", "_M_node", "_M_size"]);
    let size = size.map(|(_ty, n)| n).filter(|n| *n <= MOST_ELEMENTS)?;
    let element = printer.template_type(place.at, 0)?;
    let offset = printer.behind_links(2, element);
    let name = printer.types.get(place.at)?.name.clone()?;
    let said = name.split('<').next().unwrap_or(&place.template).to_owned();
    let mut items = Vec::new();
    let mut node = first;
    let shown = size.min(printer.most_items() as u64);
    while (items.len() as u64) < shown {
        if Some(node) == head.address {
            return None;
        }
        items.push(Item {
            name: format!("[{}]", items.len()),
            ty: Some(element),
            value: printer.element_at(element, node.checked_add(offset)?)?,
        });
        node = printer.word_at(node)?;
    }
    Some(Contents {
        head: if size == 0 {
            format!("empty {said}")
        } else {
            said
        },
        shape: Shape::Named,
        is_cut: shown < size,
        items,
    })
}

pub(super) fn tree(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (rb, _value) = printer.reach(place.at, &place.value, &["_M_t"])?;
    let (_ty, size) = printer.reach_number(place, &["_M_t", "_M_impl", "_M_node_count"])?;
    let (_ty, first) = printer.reach_number(place, &["_M_t", "_M_impl", "_M_header", "_M_left"])?;
    let (real, _found) = printer.types.real(Some(rb))?;
    let element = printer.template_type(real, 1)?;
    let offset = printer.behind_links(TREE_LINKS, element);
    let mut nodes = Vec::new();
    let shown = size.min(printer.most_items() as u64);
    let mut node = first;
    while (nodes.len() as u64) < shown {
        nodes.push(node.checked_add(offset)?);
        if (nodes.len() as u64) < shown {
            node = next_in_tree(printer, node)?;
        }
    }
    elements(printer, place, element, &nodes, size)
}

/// The node behind one, in the order of the keys.
fn next_in_tree(printer: &Printer<'_, '_, '_, '_>, node: u64) -> Option<u64> {
    let word = printer.word();
    let link = |node: u64, n: u64| printer.word_at(node.checked_add(n.checked_mul(word)?)?);
    let (parent_of, left_of, right_of) = (1, 2, 3);
    let mut at = link(node, right_of)?;
    if at != 0 {
        for _step in 0..DEEPEST {
            match link(at, left_of)? {
                0 => return Some(at),
                left => at = left,
            }
        }
        return None;
    }
    at = node;
    for _step in 0..DEEPEST {
        let parent = link(at, parent_of)?;
        if link(parent, right_of)? != at {
            return Some(parent);
        }
        at = parent;
    }
    None
}

pub(super) fn hash(printer: &Printer<'_, '_, '_, '_>, place: &Place) -> Option<Contents> {
    let (table, _value) = printer.reach(place.at, &place.value, &["_M_h"])?;
    let (_ty, size) = printer.reach_number(place, &["_M_h", "_M_element_count"])?;
    let (_ty, first) = printer.reach_number(place, &["_M_h", "_M_before_begin", "_M_nxt"])?;
    let (real, _found) = printer.types.real(Some(table))?;
    let element = printer.template_type(real, 1)?;
    let offset = printer.behind_links(1, element);
    let mut nodes = Vec::new();
    let shown = size.min(printer.most_items() as u64);
    let mut node = first;
    while (nodes.len() as u64) < shown {
        if node == 0 {
            return None;
        }
        nodes.push(node.checked_add(offset)?);
        node = printer.word_at(node)?;
    }
    elements(printer, place, element, &nodes, size)
}

/// Keys with their values, or keys alone.
fn elements(
    printer: &Printer<'_, '_, '_, '_>,
    place: &Place,
    element: TypeRef,
    nodes: &[u64],
    size: u64,
) -> Option<Contents> {
    if size > MOST_ELEMENTS {
        return None;
    }
    let is_map = place.template.ends_with("map");
    let mut items = Vec::new();
    for (n, addr) in nodes.iter().enumerate() {
        let value = printer.element_at(element, *addr)?;
        items.push(if is_map {
            let (key, key_value) = printer.reach(element, &value, &["first"])?;
            let (ty, value) = printer.reach(element, &value, &["second"])?;
            Item {
                name: printer.text(Some(key), &key_value, 1),
                ty: Some(ty),
                value,
            }
        } else {
            Item {
                name: n.to_string(),
                ty: Some(element),
                value,
            }
        });
    }
    let elements = if size == 1 { "element" } else { "elements" };
    Some(Contents {
        head: format!("{} with {size} {elements}", place.template),
        shape: Shape::Keyed,
        is_cut: (items.len() as u64) < size,
        items,
    })
}
