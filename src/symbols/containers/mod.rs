//! Containers of the C++ library by what they hold: `std::vector of length 2, capacity 8 = {1, 2}`.
//!
//! Layouts are those of libstdc++ (GCC 5 and later, its ABI with `std::__cxx11`), the notation is that of the printers that
//! come with it. A container is known by its name and by the members that its layout has; if one is missing, if its memory was
//! not captured, or if what it says makes no sense, there is no answer here and it is shown as the class that it is.

mod holders;
mod layout;
mod nodes;
mod sequences;
mod texts;

use super::printer::{Printer, missing};
use super::types::TypeRef;
use super::value::Value;
use layout::Place;
use std::fmt::Write as _;

/// More elements than this make no sense for the memory of a device, or of a process that dumped core.
const MOST_ELEMENTS: u64 = 1 << 28;

/// A container, read.
pub(super) struct Contents {
    /// What stands before the elements: `std::vector of length 2, capacity 8`. Empty: nothing.
    head: String,
    shape: Shape,
    /// The first elements: no more than are shown.
    items: Vec<Item>,
    /// There are more.
    is_cut: bool,
}

/// How elements are written.
enum Shape {
    /// `{1, 2}`.
    Plain,
    /// `{name = 1}`; the names are the items'.
    Named,
    /// `{[1] = "one"}`; the names are the texts of the keys.
    Keyed,
    /// A text: `head` is all.
    Text,
}

/// An element.
struct Item {
    name: String,
    ty: Option<TypeRef>,
    value: Value,
}

/// Reads a container.
type Read = fn(&Printer<'_, '_, '_, '_>, &Place) -> Option<Contents>;

/// The containers by the name of their template, sorted.
static CONTAINERS: &[(&str, Read)] = &[
    ("std::basic_string", texts::string),
    ("std::basic_string_view", texts::view),
    ("std::deque", sequences::deque),
    ("std::list", nodes::list),
    ("std::map", nodes::tree),
    ("std::multimap", nodes::tree),
    ("std::multiset", nodes::tree),
    ("std::optional", holders::optional),
    ("std::pair", holders::pair),
    ("std::set", nodes::tree),
    ("std::shared_ptr", holders::shared),
    ("std::span", sequences::span),
    ("std::tuple", holders::tuple),
    ("std::unique_ptr", holders::unique),
    ("std::unordered_map", nodes::hash),
    ("std::unordered_multimap", nodes::hash),
    ("std::unordered_multiset", nodes::hash),
    ("std::unordered_set", nodes::hash),
    ("std::variant", holders::variant),
    ("std::vector", sequences::vector),
    ("std::weak_ptr", holders::shared),
];

impl Printer<'_, '_, '_, '_> {
    /// What a value of this type holds, if it is a container that can be read.
    pub(super) fn container(&self, at: TypeRef, value: &Value) -> Option<Contents> {
        let found = self.types.get(at)?;
        let name = found.name.as_deref()?;
        if !name.starts_with("std::") {
            return None;
        }
        let template = layout::template_of(name);
        let index = CONTAINERS.binary_search_by(|(known, _read)| (*known).cmp(&template));
        let (_name, read) = CONTAINERS.get(index.ok()?)?;
        let place = Place {
            at,
            value: value.clone(),
            template,
        };
        read(self, &place)
    }

    /// A container as one line.
    pub(super) fn container_text(&self, contents: &Contents, depth: usize) -> String {
        let mut text = contents.head.clone();
        if matches!(contents.shape, Shape::Text) || contents.items.is_empty() {
            if text.is_empty() {
                text.push_str("{}");
            }
            return text;
        }
        if !text.is_empty() {
            text.push_str(" = ");
        }
        text.push('{');
        let shown = contents.items.iter().take(self.limits.max_elements);
        let n = shown.len();
        for (i, item) in shown.enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            if self.nodes.get() == 0 {
                text.push_str("...");
                break;
            }
            match contents.shape {
                Shape::Named => _ = write!(text, "{} = ", item.name),
                Shape::Keyed => _ = write!(text, "[{}] = ", item.name),
                Shape::Plain | Shape::Text => {}
            }
            text.push_str(&match item.value.all_missing() {
                Some(why) => missing(why),
                None => self.text(item.ty, &item.value, depth + 1),
            });
        }
        if contents.is_cut || n < contents.items.len() {
            text.push_str("...");
        }
        text.push('}');
        text
    }

    /// Elements that are looked at.
    fn most_items(&self) -> usize {
        self.limits.max_elements.max(self.limits.max_children)
    }
}

impl Contents {
    /// Name, type and value of each element, for a tree.
    pub(super) fn parts(&self, most: usize) -> Vec<(String, Option<TypeRef>, Value)> {
        let items = self.items.iter().take(most).enumerate();
        items
            .map(|(i, item)| {
                let name = match self.shape {
                    Shape::Named => item.name.clone(),
                    Shape::Keyed => format!("[{}]", item.name),
                    Shape::Plain | Shape::Text => format!("[{i}]"),
                };
                (name, item.ty, item.value.clone())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
