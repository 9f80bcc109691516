//! Types of the debug information: one entry read into one [`Type`], shallow, its parts by reference.
//!
//! DWARF 5, chapter 5. Older forms that compilers still emit are read too: `DW_AT_bit_offset` of
//! DWARF 2 and 3 and member offsets given as an expression. Type graphs may be cyclic or broken:
//! nothing here recurses without a bound.

use super::debug_info::DebugInfo;
use super::die::{self, Die, DieRef};
use super::type_names::TypeNames;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where a type is described.
pub type TypeRef = DieRef;

/// The longest chain of typedefs and qualifiers that is followed.
const LONGEST_CHAIN: usize = 32;

/// The most members or enumerators that are read of one type.
const MOST_PARTS: usize = 65_536;

/// One type.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// Tag or name; `None` for an anonymous one.
    pub name: Option<String>,
    /// Bytes, where the entry says so.
    pub size: Option<u64>,
    /// What it is.
    pub kind: TypeKind,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// A number, character or truth value.
    Base(gimli::DwAte),
    /// `T *`; `None` is `void *`.
    Pointer(Option<TypeRef>),
    /// `T &` and `T &&` of C++.
    Reference {
        /// What is referred to.
        target: Option<TypeRef>,
        /// True for `&&`.
        rvalue: bool,
    },
    /// Elements in one or more dimensions.
    Array {
        /// The element.
        element: Option<TypeRef>,
        /// Number of elements, outermost first.
        bounds: Vec<Bound>,
    },
    /// `struct`, `class` or `union`.
    Record {
        /// The keyword of C.
        keyword: &'static str,
        /// Base classes and members in their order.
        members: Vec<MemberDecl>,
    },
    /// An enum of Rust whose variants carry data (DWARF 5, section 5.7.10).
    Tagged {
        /// What tells the variants apart; `None` when there is one only.
        discriminant: Option<MemberDecl>,
        /// The variants.
        arms: Vec<Arm>,
    },
    /// `T C::*` of C++: a member of any object of a class.
    MemberPointer {
        /// What the member is.
        target: Option<TypeRef>,
        /// The class.
        class: Option<TypeRef>,
    },
    /// A type without values of its own: `decltype(nullptr)`.
    Unspecified,
    /// `enum`.
    Enum {
        /// The type it is stored as, where the entry says so.
        underlying: Option<TypeRef>,
        /// Name and value, in their order.
        enumerators: Vec<(String, i128)>,
    },
    /// A function.
    Function {
        /// What it returns; `None` is `void`.
        result: Option<TypeRef>,
        /// Its parameters.
        parameters: Vec<Option<TypeRef>>,
        /// True when the first one is `this`.
        method: bool,
        /// True when `...` follows.
        variadic: bool,
        /// True when the parameters were declared.
        prototyped: bool,
    },
    /// Another name.
    Typedef(Option<TypeRef>),
    /// `const`, `volatile`, `restrict` or `_Atomic` (the keyword) of another type.
    Qualified(&'static str, Option<TypeRef>),
    /// A declaration whose definition is elsewhere.
    Declared(&'static str),
    /// Something that has no meaning in C.
    Other,
}

/// How many elements a dimension has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So many.
    Count(u64),
    /// Not said: `int data[]`.
    Unknown,
    /// Known at run time only; the entry that tells it.
    Dynamic(DieRef),
}

/// One member as the type declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDecl {
    /// Name; `None` for an anonymous struct or union.
    pub name: Option<String>,
    /// Its type.
    pub ty: Option<TypeRef>,
    /// Offset in bytes; `None` when only the running program knows (virtual bases).
    pub offset: Option<u64>,
    /// For a bit-field: first bit (counted from the start of the record) and number of bits.
    pub bits: Option<(u64, u64)>,
    /// True for a base class.
    pub base: bool,
    /// For a static member its declaration: it lies elsewhere, or is a constant.
    pub fixed: Option<DieRef>,
}

/// One variant of a [`TypeKind::Tagged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The value of the discriminant; `None` for all that no other variant has.
    pub value: Option<i128>,
    /// The data.
    pub member: MemberDecl,
}

/// A member, found by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Offset in bytes from the start of the outer type.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// Name of its type in C notation.
    pub type_name: String,
    /// Its type.
    pub ty: TypeRef,
    /// For a bit-field: first bit (counted from the start of the outer type) and number of bits.
    pub bits: Option<(u64, u64)>,
}

/// The types of one ELF, remembered once read.
pub struct Types<'i, 'a> {
    pub(super) info: &'i DebugInfo<'a>,
    cache: RefCell<BTreeMap<TypeRef, Rc<Type>>>,
    rust_units: RefCell<BTreeMap<usize, bool>>,
}

/// Finds a member of a type, looking into anonymous structs and unions and base classes as C does.
///
/// `type_name` is a struct tag, a typedef, or either with its keyword (`struct foo`).
pub fn member_offset(info: &DebugInfo<'_>, type_name: &str, member: &str) -> Option<Member> {
    let types = Types::new(info);
    let ty = types.named(type_name)?;
    types.member(ty, member, 0)
}

/// Bytes of the type of that name.
pub fn type_size(info: &DebugInfo<'_>, type_name: &str) -> Option<u64> {
    let types = Types::new(info);
    types.size(types.named(type_name)?)
}

/// Number of elements of a global array (of its first dimension).
pub fn array_length(info: &DebugInfo<'_>, global_name: &str) -> Option<u64> {
    let types = Types::new(info);
    let ty = types.type_of_global(global_name)?;
    match &types.real(Some(ty))?.1.kind {
        TypeKind::Array { bounds, .. } => match bounds.first() {
            Some(Bound::Count(n)) => Some(*n),
            _ => None,
        },
        _ => None,
    }
}

impl<'i, 'a> Types<'i, 'a> {
    /// The types of `info`; nothing is read yet.
    pub fn new(info: &'i DebugInfo<'a>) -> Self {
        Self {
            info,
            cache: RefCell::default(),
            rust_units: RefCell::default(),
        }
    }

    /// The type that is described at `at`.
    pub fn get(&self, at: TypeRef) -> Option<Rc<Type>> {
        if let Some(known) = self.cache.borrow().get(&at) {
            return Some(Rc::clone(known));
        }
        let read = Rc::new(read_type(self.info, at)?);
        self.cache.borrow_mut().insert(at, Rc::clone(&read));
        Some(read)
    }

    /// Fixes the number of elements of an array that only the running program knew.
    pub(super) fn set_bounds(&self, at: TypeRef, fixed: Vec<Bound>) {
        if let Some(known) = self.get(at)
            && let TypeKind::Array { element, .. } = &known.kind
        {
            let array = Type {
                name: known.name.clone(),
                size: None,
                kind: TypeKind::Array {
                    element: *element,
                    bounds: fixed,
                },
            };
            self.cache.borrow_mut().insert(at, Rc::new(array));
        }
    }

    /// The type of that name: a tag, a typedef or a base type, with or without `struct`, `union`, `enum`.
    pub fn named(&self, name: &str) -> Option<TypeRef> {
        self.names().find(name)
    }

    /// The type of the global variable of that name.
    pub fn type_of_global(&self, name: &str) -> Option<TypeRef> {
        let at = self.names().global(name)?;
        let chain = die::origins(self.info, at);
        let (owner, value) = die::inherited(&chain, gimli::DW_AT_type)?;
        die::follow(self.info, owner.unit, &value)
    }

    /// What is behind typedefs and qualifiers, a declaration replaced by its definition. `None` for `void`.
    pub fn real(&self, ty: Option<TypeRef>) -> Option<(TypeRef, Rc<Type>)> {
        let mut at = ty?;
        for _step in 0..LONGEST_CHAIN {
            let found = self.get(at)?;
            match &found.kind {
                TypeKind::Typedef(target) | TypeKind::Qualified(_, target) => at = (*target)?,
                TypeKind::Declared(keyword) => {
                    let full = found
                        .name
                        .as_deref()
                        .and_then(|name| self.names().definition(keyword, name));
                    match full {
                        Some(full) if full != at => at = full,
                        _ => return Some((at, found)),
                    }
                }
                _ => return Some((at, found)),
            }
        }
        None
    }

    /// Bytes of a type; `None` for `void`, functions, incomplete types and arrays of unknown length.
    pub fn size(&self, ty: TypeRef) -> Option<u64> {
        self.size_within(Some(ty), 0)
    }

    /// A member of a record by name.
    pub fn member(&self, ty: TypeRef, name: &str, depth: usize) -> Option<Member> {
        const DEEPEST: usize = 16;
        if depth > DEEPEST {
            return None;
        }
        let (_at, record) = self.real(Some(ty))?;
        let TypeKind::Record { members, .. } = &record.kind else {
            return None;
        };
        if let Some(found) = members
            .iter()
            .find(|m| !m.base && m.fixed.is_none() && m.name.as_deref() == Some(name))
        {
            let ty = found.ty?;
            return Some(Member {
                offset: found.offset?,
                size: self.size(ty).unwrap_or(0),
                type_name: self.name(Some(ty)),
                ty,
                bits: found.bits,
            });
        }
        members
            .iter()
            .filter(|m| m.base || m.name.is_none())
            .find_map(|outer| {
                let offset = outer.offset?;
                let mut inner = self.member(outer.ty?, name, depth + 1)?;
                inner.offset = inner.offset.checked_add(offset)?;
                inner.bits = match inner.bits {
                    Some((first, n)) => Some((first.checked_add(offset.checked_mul(8)?)?, n)),
                    None => None,
                };
                Some(inner)
            })
    }

    /// True for a type that Rust code declared.
    pub(super) fn is_rust(&self, ty: TypeRef) -> bool {
        let known = self.rust_units.borrow().get(&ty.unit).copied();
        known.unwrap_or_else(|| {
            let is = die::language(self.info, ty.unit) == Some(gimli::DW_LANG_Rust);
            self.rust_units.borrow_mut().insert(ty.unit, is);
            is
        })
    }

    pub(super) fn names(&self) -> &'i TypeNames {
        self.info.type_names()
    }

    fn size_within(&self, ty: Option<TypeRef>, depth: usize) -> Option<u64> {
        if depth > LONGEST_CHAIN {
            return None;
        }
        let (_at, found) = self.real(ty)?;
        if let Some(size) = found.size {
            return Some(size);
        }
        match &found.kind {
            TypeKind::Pointer(_) | TypeKind::Reference { .. } => {
                Some(u64::from(self.info.file().address_bytes()))
            }
            // A method is its address (or its place in the virtual table) and what to add to `this`.
            TypeKind::MemberPointer { target, .. } => {
                let word = u64::from(self.info.file().address_bytes());
                let (_at, target) = self.real(*target)?;
                let words = match target.kind {
                    TypeKind::Function { .. } => 2,
                    _ => 1,
                };
                Some(word * words)
            }
            TypeKind::Array { element, bounds } => {
                let mut size = self.size_within(*element, depth + 1)?;
                for bound in bounds {
                    match bound {
                        Bound::Count(n) => size = size.checked_mul(*n)?,
                        Bound::Unknown | Bound::Dynamic(_) => return None,
                    }
                }
                Some(size)
            }
            TypeKind::Enum { underlying, .. } => self.size_within(*underlying, depth + 1),
            _ => None,
        }
    }
}

fn read_type(info: &DebugInfo<'_>, at: TypeRef) -> Option<Type> {
    let die = die::entry(info, at)?;
    let mut name = die::text(info, at.unit, &die, gimli::DW_AT_name);
    let namespaces = has_namespaces(info, at, &die);
    if let Some(name) = &mut name
        && namespaces
    {
        name.insert_str(0, &scope_of(info, at));
    }
    let size = die::unsigned(&die, gimli::DW_AT_byte_size);
    let target = die::reference(info, at.unit, &die, gimli::DW_AT_type);
    let declared = die::flag(&die, gimli::DW_AT_declaration);
    // What stands for the definition in a type unit.
    let full = die::reference(info, at.unit, &die, gimli::DW_AT_signature);
    if let Some(full) = full.filter(|full| *full != at) {
        return Some(Type {
            name: None,
            size: None,
            kind: TypeKind::Typedef(Some(full)),
        });
    }
    let kind = match die.tag() {
        gimli::DW_TAG_base_type => TypeKind::Base(encoding(&die)),
        gimli::DW_TAG_pointer_type => TypeKind::Pointer(target),
        gimli::DW_TAG_reference_type => TypeKind::Reference {
            target,
            rvalue: false,
        },
        gimli::DW_TAG_rvalue_reference_type => TypeKind::Reference {
            target,
            rvalue: true,
        },
        gimli::DW_TAG_array_type => TypeKind::Array {
            element: target,
            bounds: read_bounds(info, at),
        },
        gimli::DW_TAG_structure_type if declared => TypeKind::Declared("struct"),
        gimli::DW_TAG_class_type if declared => TypeKind::Declared("class"),
        gimli::DW_TAG_union_type if declared => TypeKind::Declared("union"),
        gimli::DW_TAG_enumeration_type if declared => TypeKind::Declared("enum"),
        gimli::DW_TAG_structure_type | gimli::DW_TAG_interface_type => record(info, at, "struct"),
        gimli::DW_TAG_class_type => record(info, at, "class"),
        gimli::DW_TAG_union_type => record(info, at, "union"),
        gimli::DW_TAG_enumeration_type => TypeKind::Enum {
            underlying: target,
            enumerators: read_enumerators(
                info,
                at,
                &enumerator_prefix(info, at, &die, name.as_ref()),
            ),
        },
        gimli::DW_TAG_subroutine_type | gimli::DW_TAG_subprogram => read_function(info, at, &die),
        gimli::DW_TAG_ptr_to_member_type => TypeKind::MemberPointer {
            target,
            class: die::reference(info, at.unit, &die, gimli::DW_AT_containing_type),
        },
        gimli::DW_TAG_unspecified_type => TypeKind::Unspecified,
        gimli::DW_TAG_const_type => TypeKind::Qualified("const", target),
        gimli::DW_TAG_volatile_type => TypeKind::Qualified("volatile", target),
        gimli::DW_TAG_restrict_type => TypeKind::Qualified("restrict", target),
        gimli::DW_TAG_atomic_type => TypeKind::Qualified("_Atomic", target),
        // A subrange of another type (Ada, Pascal) is read like that type.
        gimli::DW_TAG_typedef | gimli::DW_TAG_subrange_type => TypeKind::Typedef(target),
        _ => TypeKind::Other,
    };
    Some(Type { name, size, kind })
}

fn encoding(die: &Die<'_>) -> gimli::DwAte {
    match die.attr_value(gimli::DW_AT_encoding) {
        Some(gimli::AttributeValue::Encoding(encoding)) => encoding,
        _ => gimli::DW_ATE_unsigned,
    }
}

fn record(info: &DebugInfo<'_>, at: TypeRef, keyword: &'static str) -> TypeKind {
    let children = die::children(info, at);
    let variants = children
        .iter()
        .find(|(_at, die)| die.tag() == gimli::DW_TAG_variant_part);
    if let Some((part, die)) = variants {
        return tagged(info, *part, die);
    }
    let members = children
        .iter()
        .filter(|(_at, die)| is_member(die))
        .take(MOST_PARTS)
        .map(|(member, die)| read_member(info, *member, die))
        .collect();
    TypeKind::Record { keyword, members }
}

/// A variant part: the discriminant and the variants, each with the member that holds its data.
fn tagged(info: &DebugInfo<'_>, part: DieRef, die: &Die<'_>) -> TypeKind {
    let discriminant = die::reference(info, part.unit, die, gimli::DW_AT_discr).and_then(|at| {
        let die = die::entry(info, at)?;
        Some(read_member(info, at, &die))
    });
    let arms = die::children(info, part)
        .iter()
        .filter(|(_at, die)| die.tag() == gimli::DW_TAG_variant)
        .take(MOST_PARTS)
        .filter_map(|(at, die)| {
            let value = discriminant_value(info, die);
            let members = die::children(info, *at);
            let (at, die) = members
                .iter()
                .find(|(_at, die)| die.tag() == gimli::DW_TAG_member)?;
            Some(Arm {
                value,
                member: read_member(info, *at, die),
            })
        })
        .collect();
    TypeKind::Tagged { discriminant, arms }
}

/// `DW_AT_discr_value`; one of more than 64 bits is a block of bytes.
fn discriminant_value(info: &DebugInfo<'_>, die: &Die<'_>) -> Option<i128> {
    if let Some(number) = die::signed(die, gimli::DW_AT_discr_value) {
        return Some(number);
    }
    let gimli::AttributeValue::Block(bytes) = die.attr_value(gimli::DW_AT_discr_value)? else {
        return None;
    };
    let value = super::value::Value::known(bytes.slice().to_vec());
    value.signed(info.file().is_big_endian()).ok()
}

/// Data members, static members and bases.
fn is_member(die: &Die<'_>) -> bool {
    matches!(
        die.tag(),
        gimli::DW_TAG_inheritance | gimli::DW_TAG_member | gimli::DW_TAG_variable
    )
}

/// A static member is a variable of its own: declared here, DWARF 5 even says so by the tag.
fn is_static(die: &Die<'_>) -> bool {
    match die.tag() {
        gimli::DW_TAG_variable => true,
        gimli::DW_TAG_member => {
            die::flag(die, gimli::DW_AT_declaration) || die::flag(die, gimli::DW_AT_external)
        }
        _ => false,
    }
}

fn read_member(info: &DebugInfo<'_>, at: DieRef, die: &Die<'_>) -> MemberDecl {
    let unit = at.unit;
    let ty = die::reference(info, unit, die, gimli::DW_AT_type);
    if is_static(die) {
        return MemberDecl {
            name: die::text(info, unit, die, gimli::DW_AT_name),
            ty,
            offset: None,
            bits: None,
            base: false,
            fixed: Some(at),
        };
    }
    let offset = member_bytes(info, unit, die);
    let bits = die::unsigned(die, gimli::DW_AT_bit_size)
        .and_then(|n| Some((first_bit(info, die, ty, offset, n)?, n)));
    MemberDecl {
        name: die::text(info, unit, die, gimli::DW_AT_name),
        ty,
        offset: offset.or_else(|| bits.map(|(first, _n)| first / 8)),
        bits,
        base: die.tag() == gimli::DW_TAG_inheritance,
        fixed: None,
    }
}

/// `DW_AT_data_member_location`: absent (0 in a union or for the first member), a number, or an
/// expression that adds one to the address of the record.
fn member_bytes(info: &DebugInfo<'_>, unit: usize, die: &Die<'_>) -> Option<u64> {
    let Some(value) = die.attr_value(gimli::DW_AT_data_member_location) else {
        return (!die.has_attr(gimli::DW_AT_data_bit_offset)).then_some(0);
    };
    if let Some(offset) = value.udata_value() {
        return Some(offset);
    }
    let encoding = info.units().get(unit)?.encoding();
    let mut evaluation = value.exprloc_value()?.evaluation(encoding);
    evaluation.set_initial_value(0);
    evaluation.set_max_iterations(64);
    match evaluation.evaluate() {
        Ok(gimli::EvaluationResult::Complete) => {}
        _ => return None,
    }
    match evaluation.as_result().first()?.location {
        gimli::Location::Address { address } => Some(address),
        _ => None,
    }
}

/// The first bit of a bit-field, counted from the start of the record in the order of the machine.
fn first_bit(
    info: &DebugInfo<'_>,
    die: &Die<'_>,
    ty: Option<TypeRef>,
    offset: Option<u64>,
    n_bits: u64,
) -> Option<u64> {
    if let Some(first) = die::unsigned(die, gimli::DW_AT_data_bit_offset) {
        return Some(first);
    }
    let start = offset?.checked_mul(8)?;
    // Negative for a field that starts outside its storage unit (packed structs).
    let Some(from_top) = die::signed(die, gimli::DW_AT_bit_offset) else {
        return Some(start);
    };
    let (start, n_bits) = (i128::from(start), i128::from(n_bits));
    if info.file().is_big_endian() {
        return u64::try_from(start.checked_add(from_top)?).ok();
    }
    // DWARF 2 and 3 count from the most significant bit of a storage unit of DW_AT_byte_size.
    let storage = die::unsigned(die, gimli::DW_AT_byte_size)
        .or_else(|| Types::new(info).size(ty?))?
        .checked_mul(8)?;
    let first = start
        .checked_add(i128::from(storage))?
        .checked_sub(from_top.checked_add(n_bits)?)?;
    u64::try_from(first).ok()
}

fn read_bounds(info: &DebugInfo<'_>, at: TypeRef) -> Vec<Bound> {
    const MOST_DIMENSIONS: usize = 16;
    die::children(info, at)
        .iter()
        .filter(|(_at, die)| {
            matches!(
                die.tag(),
                gimli::DW_TAG_subrange_type | gimli::DW_TAG_enumeration_type
            )
        })
        .take(MOST_DIMENSIONS)
        .map(|(at, die)| read_bound(*at, die))
        .collect()
}

fn read_bound(at: DieRef, die: &Die<'_>) -> Bound {
    let lower = die::signed(die, gimli::DW_AT_lower_bound).unwrap_or(0);
    if let Some(count) = die.attr_value(gimli::DW_AT_count) {
        return match count.udata_value() {
            // GCC writes -1 for an array without a length.
            Some(u64::MAX) => Bound::Unknown,
            Some(n) => Bound::Count(n),
            None if count.sdata_value().is_some() => Bound::Unknown,
            None => Bound::Dynamic(at),
        };
    }
    let Some(upper) = die.attr_value(gimli::DW_AT_upper_bound) else {
        return Bound::Unknown;
    };
    match die::signed(die, gimli::DW_AT_upper_bound) {
        Some(upper) if upper == i128::from(u32::MAX) || upper == i128::from(u64::MAX) => {
            Bound::Unknown
        }
        Some(upper) => match upper.checked_sub(lower).and_then(|n| n.checked_add(1)) {
            Some(n) => u64::try_from(n).map_or(Bound::Unknown, Bound::Count),
            None => Bound::Unknown,
        },
        None => match upper {
            gimli::AttributeValue::Exprloc(_)
            | gimli::AttributeValue::UnitRef(_)
            | gimli::AttributeValue::DebugInfoRef(_)
            | gimli::AttributeValue::LocationListsRef(_)
            | gimli::AttributeValue::DebugLocListsIndex(_) => Bound::Dynamic(at),
            _ => Bound::Unknown,
        },
    }
}

/// True for the types whose names C++ and Rust write with the namespaces around them.
fn has_namespaces(info: &DebugInfo<'_>, at: TypeRef, die: &Die<'_>) -> bool {
    let named = matches!(
        die.tag(),
        gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_typedef
    );
    named && die::tags_are_names(info, at.unit)
}

/// The namespaces and classes around an entry: `drv::Sensor::`.
pub(super) fn scope_of(info: &DebugInfo<'_>, at: TypeRef) -> String {
    scope_within(info, at, 0)
}

fn scope_within(info: &DebugInfo<'_>, at: TypeRef, depth: usize) -> String {
    let mut scope = String::new();
    // A definition that stands elsewhere has the scope of its declaration.
    let at = die::origins(info, at)
        .last()
        .map_or(at, |(last, _die)| *last);
    for (outer, die) in die::path(info, at) {
        let opens = matches!(
            die.tag(),
            gimli::DW_TAG_namespace
                | gimli::DW_TAG_structure_type
                | gimli::DW_TAG_class_type
                | gimli::DW_TAG_union_type
        );
        if !opens || outer == at {
            continue;
        }
        if die.has_attr(gimli::DW_AT_specification) && depth < LONGEST_CHAIN {
            scope = scope_within(info, outer, depth + 1);
        }
        // Around what a type unit left in its place there is no name, only the signature.
        let full = die::reference(info, outer.unit, &die, gimli::DW_AT_signature);
        let named = full.and_then(|full| {
            let die = die::entry(info, full)?;
            die::text(info, full.unit, &die, gimli::DW_AT_name)
        });
        match named.or_else(|| die::text(info, outer.unit, &die, gimli::DW_AT_name)) {
            Some(name) => scope.push_str(&name),
            None => scope.push_str("(anonymous namespace)"),
        }
        scope.push_str("::");
    }
    scope
}

/// What C++ writes before an enumerator: the scoped enum, or the namespace around a plain one.
fn enumerator_prefix(
    info: &DebugInfo<'_>,
    at: TypeRef,
    die: &Die<'_>,
    name: Option<&String>,
) -> String {
    if !has_namespaces(info, at, die) {
        return String::new();
    }
    match name {
        Some(name) if die::flag(die, gimli::DW_AT_enum_class) => format!("{name}::"),
        _ => scope_of(info, at),
    }
}

fn read_enumerators(info: &DebugInfo<'_>, at: TypeRef, prefix: &str) -> Vec<(String, i128)> {
    die::children(info, at)
        .iter()
        .filter(|(_at, die)| die.tag() == gimli::DW_TAG_enumerator)
        .take(MOST_PARTS)
        .filter_map(|(at, die)| {
            let name = die::text(info, at.unit, die, gimli::DW_AT_name)?;
            Some((
                format!("{prefix}{name}"),
                die::signed(die, gimli::DW_AT_const_value)?,
            ))
        })
        .collect()
}

fn read_function(info: &DebugInfo<'_>, at: TypeRef, die: &Die<'_>) -> TypeKind {
    let parts = die::children(info, at);
    let parameters = parts
        .iter()
        .filter(|(_at, part)| part.tag() == gimli::DW_TAG_formal_parameter)
        .take(MOST_PARTS)
        .map(|(at, part)| die::reference(info, at.unit, part, gimli::DW_AT_type))
        .collect();
    let method = parts
        .iter()
        .find(|(_at, part)| part.tag() == gimli::DW_TAG_formal_parameter)
        .is_some_and(|(_at, part)| die::flag(part, gimli::DW_AT_artificial));
    TypeKind::Function {
        method,
        result: die::reference(info, at.unit, die, gimli::DW_AT_type),
        parameters,
        variadic: parts
            .iter()
            .any(|(_at, part)| part.tag() == gimli::DW_TAG_unspecified_parameters),
        prototyped: die::flag(die, gimli::DW_AT_prototyped),
    }
}
