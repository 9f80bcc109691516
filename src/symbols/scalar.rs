//! Numbers at fixed addresses, by the name that a person writes: `state.sensors[2].rssi`.

use super::debug_info::DebugInfo;
use super::globals::globals;
use super::types::{Bound, TypeKind, TypeRef, Types};

/// How many names are suggested.
const SUGGESTIONS: usize = 5;

/// A number of the program that stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Its address.
    pub address: u64,
    /// Its bytes, 1 to 8.
    pub n_bytes: u8,
    /// First bit and number of bits of a bit-field, counted from the lowest bit at [`Self::address`].
    pub bits: Option<(u32, u32)>,
    /// How its bits are read.
    pub encoding: Encoding,
    /// The names of its values, if it is an enumeration.
    pub names: Vec<(String, i64)>,
}

/// How the bits of a number are read. Bytes are in the order of little-endian processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// In two's complement.
    Signed,
    /// Without a sign; pointers and truth values too.
    Unsigned,
    /// IEEE 754, 4 or 8 bytes.
    Float,
}

/// Why a name is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScalarError {
    /// The ELF has no such variable.
    #[error("there is no global variable {name}{}", alike.first().map(|_| format!("; alike are {}", alike.join(", "))).unwrap_or_default())]
    NoVariable {
        /// What was asked for.
        name: String,
        /// Names that hold a part of it.
        alike: Vec<String>,
    },
    /// The type has no such member.
    #[error("{of} has no member {name}; it has {}", has.join(", "))]
    NoMember {
        /// The path to the record.
        of: String,
        /// What was asked for.
        name: String,
        /// What there is.
        has: Vec<String>,
    },
    /// There are not so many elements.
    #[error("{of} has {n} elements, from 0 on; {index} is none of them")]
    NoElement {
        /// The path to the array.
        of: String,
        /// What was asked for.
        index: u64,
        /// How many there are.
        n: u64,
    },
    /// It is not written as a path.
    #[error("{path} is not read: write a name, then .member or [index] as often as needed")]
    NoPath {
        /// What was written.
        path: String,
    },
    /// It is something else than a number of up to 8 bytes.
    #[error("{path} is of type {type_name}, which is no number")]
    NoNumber {
        /// What was asked for.
        path: String,
        /// Its type.
        type_name: String,
    },
}

/// One step of a path.
enum Step<'p> {
    Member(&'p str),
    Element(u64),
}

/// The number that a path names.
pub fn scalar(info: &DebugInfo<'_>, path: &str) -> Result<Scalar, ScalarError> {
    let types = Types::new(info);
    let place = place(info, &types, path)?;
    number(&types, &place).ok_or_else(|| ScalarError::NoNumber {
        path: path.to_owned(),
        type_name: types.name(place.ty),
    })
}

/// Address and bytes of an array that a path names.
pub fn array(info: &DebugInfo<'_>, path: &str) -> Result<(u64, u64), ScalarError> {
    let types = Types::new(info);
    let place = place(info, &types, path)?;
    let found = element(&types, place.ty);
    let (element, n) = found.ok_or_else(|| ScalarError::NoNumber {
        path: path.to_owned(),
        type_name: types.name(place.ty),
    })?;
    Ok((
        place.address,
        n.saturating_mul(types.size(element).unwrap_or(0)),
    ))
}

/// Where a path leads.
struct Place {
    address: u64,
    ty: Option<TypeRef>,
    /// Of a bit-field.
    bits: Option<(u64, u64)>,
}

fn place(info: &DebugInfo<'_>, types: &Types<'_, '_>, path: &str) -> Result<Place, ScalarError> {
    let no_path = || ScalarError::NoPath {
        path: path.to_owned(),
    };
    let all = globals(info);
    // Names of C++ and Rust have colons, and a name with dots may be one of the linker's: the longest that fits is meant.
    let ends = path
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | '['))
        .map(|(at, _)| at)
        .chain([path.len()]);
    let found = ends
        .filter_map(|end| {
            let (name, rest) = path.split_at_checked(end)?;
            let global = all
                .iter()
                .find(|global| global.qualified == name || global.name == name)?;
            Some((global, name, rest))
        })
        .next_back();
    let Some((global, name, rest)) = found else {
        let name = path.split(['.', '[']).next().unwrap_or(path);
        let needle = name.to_lowercase();
        let alike = all
            .iter()
            .filter(|global| !needle.is_empty() && global.name.to_lowercase().contains(&needle));
        return Err(ScalarError::NoVariable {
            name: name.to_owned(),
            alike: alike
                .map(|global| global.qualified.clone())
                .take(SUGGESTIONS)
                .collect(),
        });
    };
    let (mut address, mut ty, mut bits) = (global.address, global.ty, None);
    let mut of = name.to_owned();
    for step in steps(rest).ok_or_else(no_path)? {
        match step {
            Step::Member(name) => {
                let member = ty.and_then(|ty| types.member(ty, name, 0));
                let Some(member) = member else {
                    return Err(ScalarError::NoMember {
                        of,
                        name: name.to_owned(),
                        has: members(types, ty),
                    });
                };
                of = format!("{of}.{name}");
                let first_byte = member.bits.map_or(member.offset, |(first, _n)| first / 8);
                address = address.wrapping_add(first_byte);
                bits = member.bits;
                ty = Some(member.ty);
            }
            Step::Element(index) => {
                let (element, n) = element(types, ty).ok_or_else(|| ScalarError::NoNumber {
                    path: of.clone(),
                    type_name: types.name(ty),
                })?;
                if index >= n {
                    return Err(ScalarError::NoElement { of, index, n });
                }
                of = format!("{of}[{index}]");
                let size = types.size(element).unwrap_or(0);
                address = address.wrapping_add(index.wrapping_mul(size));
                ty = Some(element);
            }
        }
    }
    Ok(Place { address, ty, bits })
}

fn steps(mut rest: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']')?;
            steps.push(Step::Element(index.trim().parse().ok()?));
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Member(name));
            rest = after;
        }
    }
    Some(steps)
}

fn members(types: &Types<'_, '_>, ty: Option<TypeRef>) -> Vec<String> {
    let Some((_at, record)) = types.real(ty) else {
        return vec!["none".to_owned()];
    };
    let TypeKind::Record { members, .. } = &record.kind else {
        return vec!["none".to_owned()];
    };
    members
        .iter()
        .filter_map(|member| member.name.clone())
        .take(20)
        .collect()
}

/// The element of an array of one dimension, and how many there are.
fn element(types: &Types<'_, '_>, ty: Option<TypeRef>) -> Option<(TypeRef, u64)> {
    let (_at, array) = types.real(ty)?;
    let TypeKind::Array { element, bounds } = &array.kind else {
        return None;
    };
    match bounds.as_slice() {
        [Bound::Count(n)] => Some(((*element)?, *n)),
        _ => None,
    }
}

fn number(types: &Types<'_, '_>, place: &Place) -> Option<Scalar> {
    let Place { address, ty, bits } = *place;
    let (at, real) = types.real(ty)?;
    let n_bytes = u8::try_from(types.size(at)?).ok()?;
    let mut names = Vec::new();
    let encoding = match &real.kind {
        TypeKind::Base(encoding) => match *encoding {
            gimli::DW_ATE_float if matches!(n_bytes, 4 | 8) => Encoding::Float,
            gimli::DW_ATE_signed | gimli::DW_ATE_signed_char => Encoding::Signed,
            gimli::DW_ATE_unsigned
            | gimli::DW_ATE_unsigned_char
            | gimli::DW_ATE_boolean
            | gimli::DW_ATE_UTF => Encoding::Unsigned,
            _ => return None,
        },
        TypeKind::Pointer(_) => Encoding::Unsigned,
        TypeKind::Enum { enumerators, .. } => {
            for (name, value) in enumerators {
                if let Ok(value) = i64::try_from(*value) {
                    names.push((name.clone(), value));
                }
            }
            if names.iter().any(|(_, value)| *value < 0) {
                Encoding::Signed
            } else {
                Encoding::Unsigned
            }
        }
        _ => return None,
    };
    if !(1..=8).contains(&n_bytes) {
        return None;
    }
    let mut n_bytes = n_bytes;
    let bits = match bits {
        // Counted from the start of the record; the address is that of the byte with the first bit.
        Some((first, n)) => {
            let (first, n) = (u32::try_from(first % 8).ok()?, u32::try_from(n).ok()?);
            n_bytes = u8::try_from((first + n).div_ceil(8))
                .ok()
                .filter(|n| *n <= 8)?;
            Some((first, n))
        }
        None => None,
    };
    Some(Scalar {
        address,
        n_bytes,
        bits,
        encoding,
        names,
    })
}

#[cfg(test)]
mod tests {
    use super::{Encoding, ScalarError, array, scalar};
    use crate::symbols::debug_info::DebugInfo;
    use crate::symbols::symbol_file::SymbolFile;
    use std::path::Path;

    #[test]
    fn numbers_are_found_by_their_paths() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/qemu-freertos/an386.elf");
        let file = SymbolFile::parse("an386.elf", std::fs::read(path).unwrap()).unwrap();
        let info = DebugInfo::new(&file);
        // gdb-multiarch -batch -ex 'p &xTickCount' -ex 'p sizeof(xTickCount)' an386.elf
        let ticks = scalar(&info, "xTickCount").unwrap();
        let symbol = file.symbol("xTickCount").unwrap();
        assert_eq!((ticks.address, ticks.n_bytes), (symbol.address, 4));
        assert_eq!(ticks.encoding, Encoding::Unsigned);
        let lists = file.symbol("pxReadyTasksLists").unwrap();
        let second = scalar(&info, "pxReadyTasksLists[1].uxNumberOfItems").unwrap();
        let first = scalar(&info, "pxReadyTasksLists[0].uxNumberOfItems").unwrap();
        assert_eq!(first.address, lists.address);
        assert_eq!(second.address - first.address, 20);
        assert!(matches!(
            scalar(&info, "xTickCoun"),
            Err(ScalarError::NoVariable { alike, .. }) if alike == ["xTickCount"]
        ));
        assert!(matches!(
            scalar(&info, "pxReadyTasksLists[1].n"),
            Err(ScalarError::NoMember { has, .. }) if has.contains(&"uxNumberOfItems".to_owned())
        ));
        assert!(matches!(
            scalar(&info, "pxReadyTasksLists[99].uxNumberOfItems"),
            Err(ScalarError::NoElement { index: 99, .. })
        ));
        assert_eq!(
            array(&info, "pxReadyTasksLists"),
            Ok((lists.address, lists.size))
        );
        assert!(matches!(
            scalar(&info, "pxReadyTasksLists"),
            Err(ScalarError::NoNumber { .. })
        ));
        assert!(matches!(
            scalar(&info, "xTickCount..x"),
            Err(ScalarError::NoPath { .. })
        ));
    }
}
