//! A format string filled with the arguments of a package.
//!
//! Where an argument stands follows from the types before it. What the build's ABI is said to be is tried first; where the arguments
//! do not end where the package says, the other ways are, so that the package itself decides. With
//! `CONFIG_LOG_USE_TAGGED_ARGUMENTS` a word before each argument names its type and a 0 ends them
//! (`include/zephyr/sys/cbprintf_enums.h`).

use super::abi::{Abi, LongDouble};
use super::database::ZephyrDatabase;
use super::layout::{Cursor, Layout};
use super::package::Package;
use crate::formats::log::printf::{
    Amount, Amounts, Kind, Length, Piece, Spec, Value, parse, write,
};

/// A message is not made longer than this by much: each argument may be a string or a width of 4096.
const LONGEST_TEXT: usize = 64 << 10;

/// The type of an argument, as far as its place goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArgType {
    Int,
    Long,
    LongLong,
    Pointer,
    Double,
    LongDouble,
}

/// Types by their tags, from 1: char to unsigned, both long, both long long, float and double, long double, both pointers.
const TAGS: [ArgType; 15] = {
    use ArgType::{Double, Int, Long, LongLong, Pointer};
    [
        Int,
        Int,
        Int,
        Int,
        Int,
        Int,
        Long,
        Long,
        LongLong,
        LongLong,
        Double,
        Double,
        ArgType::LongDouble,
        Pointer,
        Pointer,
    ]
};

/// Where an argument stands in the package, and how many bytes it has.
type Place = (usize, usize);

/// A way to lay arguments out.
#[derive(Clone, Copy)]
struct Way {
    layout: Layout,
    abi: Abi,
}

impl Way {
    fn size(self, of: ArgType) -> usize {
        match of {
            ArgType::Int => 4,
            ArgType::Long | ArgType::Pointer => self.layout.address_bytes(),
            ArgType::LongLong | ArgType::Double => 8,
            ArgType::LongDouble => self.abi.long_double.n_bytes(),
        }
    }

    /// The next place for an argument at or behind `at`.
    fn place(self, at: usize, of: ArgType) -> Place {
        let align = match of {
            _ if self.abi.is_packed => 4,
            ArgType::LongDouble => self.abi.long_double.align(),
            _ => self.size(of),
        };
        let start = at.next_multiple_of(align.max(self.abi.least_align));
        (start, self.size(of))
    }

    /// Places of arguments of these types, and where the last one ends.
    fn places(self, first: usize, types: &[ArgType]) -> (Vec<Place>, usize) {
        let mut end = first;
        let places = types.iter().map(|of| {
            let place = self.place(end, *of);
            end = place.0.saturating_add(place.1);
            place
        });
        (places.collect(), end)
    }

    /// Places of tagged arguments; `None` when they are not tagged just so.
    fn tagged_places(self, package: &Package<'_>, n: usize) -> Option<Vec<Place>> {
        let mut end = package.first_argument;
        let mut places = Vec::new();
        loop {
            let (start, size) = self.place(end, ArgType::Int);
            end = start.saturating_add(size);
            let tag = usize::try_from(number(package, (start, size), self.layout)?).ok()?;
            let Some(index) = tag.checked_sub(1) else {
                break;
            };
            let place = self.place(end, *TAGS.get(index)?);
            end = place.0.saturating_add(place.1);
            places.push(place);
        }
        (end == package.words.len() && places.len() >= n).then_some(places)
    }
}

/// The text of a message; `None` when the arguments do not fit the package.
pub(super) fn fill(
    format: &str,
    package: &Package<'_>,
    layout: Layout,
    database: &ZephyrDatabase,
) -> Option<String> {
    let pieces = parse(format);
    let types = types(&pieces);
    let (way, places) = places(&types, package, layout, database.abi)?;
    let arguments = Arguments {
        package,
        way,
        database,
    };
    let mut places = places.into_iter();
    let mut text = String::new();
    for piece in pieces {
        if text.len() > LONGEST_TEXT {
            text.push('…');
            break;
        }
        match piece {
            Piece::Literal(literal) => text.push_str(&literal),
            Piece::Spec(spec) => {
                let amounts = Amounts::of(&spec, || {
                    let word = places.next().ok_or(())?;
                    arguments.signed(word).ok_or(())
                });
                let place = places.next()?;
                // Of `n` nothing is written.
                if spec.kind() != Kind::Count {
                    write(
                        &spec,
                        amounts.ok()?,
                        &arguments.value(&spec, place)?,
                        &mut text,
                    );
                }
            }
        }
    }
    Some(text)
}

fn types(pieces: &[Piece]) -> Vec<ArgType> {
    let mut types = Vec::new();
    for piece in pieces {
        let Piece::Spec(spec) = piece else { continue };
        for amount in [spec.width, spec.precision] {
            if amount == Amount::Argument {
                types.push(ArgType::Int);
            }
        }
        types.push(match (spec.kind(), spec.length) {
            (Kind::Str | Kind::Pointer | Kind::Count, _) => ArgType::Pointer,
            (Kind::Float, Length::LongDouble) => ArgType::LongDouble,
            (Kind::Float, _) => ArgType::Double,
            (_, Length::LongLong) => ArgType::LongLong,
            (_, Length::Long | Length::Size) => ArgType::Long,
            _ => ArgType::Int,
        });
    }
    types
}

/// The way that arguments of these types end just where the package says, and where each is.
fn places(
    types: &[ArgType],
    package: &Package<'_>,
    layout: Layout,
    abi: Abi,
) -> Option<(Way, Vec<Place>)> {
    let usual = Way { layout, abi };
    let others = [abi.is_packed, !abi.is_packed]
        .into_iter()
        .flat_map(|is_packed| {
            LongDouble::ALL.into_iter().map(move |long_double| Way {
                layout,
                abi: Abi {
                    is_packed,
                    long_double,
                    ..abi
                },
            })
        });
    for way in std::iter::once(usual).chain(others) {
        let (places, end) = way.places(package.first_argument, types);
        if end == package.words.len() {
            return Some((way, places));
        }
        if let Some(places) = way.tagged_places(package, types.len()) {
            return Some((way, places));
        }
    }
    let (places, end) = usual.places(package.first_argument, types);
    (end <= package.words.len()).then_some((usual, places))
}

fn number(package: &Package<'_>, (start, size): Place, layout: Layout) -> Option<u64> {
    let mut cursor = Cursor {
        rest: package.words.get(start..)?,
        is_little_endian: layout.is_little_endian,
    };
    cursor.number(size)
}

/// Reads arguments at their places.
struct Arguments<'a, 'b> {
    package: &'a Package<'b>,
    way: Way,
    database: &'a ZephyrDatabase,
}

impl Arguments<'_, '_> {
    fn unsigned(&self, place: Place) -> Option<u64> {
        number(self.package, place, self.way.layout)
    }

    fn signed(&self, place: Place) -> Option<i64> {
        let value = self.unsigned(place)?.cast_signed();
        Some(if place.1 == 4 {
            value << 32 >> 32
        } else {
            value
        })
    }

    fn value(&self, spec: &Spec, place: Place) -> Option<Value> {
        Some(match spec.kind() {
            Kind::Signed => {
                let value = self.signed(place)?;
                Value::Signed(match spec.length {
                    Length::Char => value << 56 >> 56,
                    Length::Short => value << 48 >> 48,
                    _ => value,
                })
            }
            Kind::Unsigned => {
                let value = self.unsigned(place)?;
                Value::Unsigned(match spec.length {
                    Length::Char => value & 0xFF,
                    Length::Short => value & 0xFFFF,
                    _ => value,
                })
            }
            Kind::Char => Value::Unsigned(self.unsigned(place)? & 0xFF),
            Kind::Pointer => Value::Str(format!("{:#x}", self.unsigned(place)?)),
            Kind::Str => Value::Str(self.string(place)?),
            Kind::Float => Value::Float(self.float(spec, place)?),
            Kind::Count => return None,
        })
    }

    fn string(&self, place: Place) -> Option<String> {
        if let Some(copied) = self.package.string_at(place.0) {
            return Some(String::from_utf8_lossy(copied).into_owned());
        }
        let address = self.unsigned(place)?;
        let found = self.database.string(address);
        Some(found.map_or_else(
            || format!("<string@{address:#x}>"),
            |text| text.into_owned(),
        ))
    }

    fn float(&self, spec: &Spec, place: Place) -> Option<f64> {
        let end = place.0.saturating_add(place.1);
        let mut bytes = self.package.words.get(place.0..end)?.to_vec();
        if !self.way.layout.is_little_endian {
            bytes.reverse();
        }
        if spec.length == Length::LongDouble {
            return self.way.abi.long_double.to_double(&bytes);
        }
        Some(f64::from_le_bytes(*bytes.first_chunk()?))
    }
}
