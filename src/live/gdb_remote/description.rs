//! What a server says of its registers: the target description (GDB manual, appendix G).

use super::packet::from_hex;
use crate::model::register_file::RegisterFile;
use crate::model::registers::RegisterSet;

/// More registers than any server has.
const REGISTERS_MAX: usize = 4096;

/// One register in the answer to `g`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    number: usize,
    name: String,
    n_bytes: usize,
}

/// The registers of a target, in the order in which it sends them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Description {
    file: RegisterFile,
    places: Vec<Place>,
    architecture: Option<String>,
}

impl Description {
    /// Without a description: r0 to r15 come first in the answer of any ARM server.
    pub(super) fn plain_arm() -> Self {
        let names = (0..13).map(|n| format!("r{n}"));
        let names = names.chain(["sp", "lr", "pc"].map(str::to_owned));
        let places = names.enumerate().map(|(number, name)| Place {
            number,
            name,
            n_bytes: 4,
        });
        Self {
            places: places.collect(),
            ..Self::default()
        }
    }

    /// Takes a document of the description in.
    pub(super) fn add(&mut self, xml: &str) {
        if let Some(architecture) = between(xml, "<architecture>", "</architecture>") {
            self.architecture = Some(architecture.trim().to_owned());
            self.file = if architecture.contains("riscv") {
                RegisterFile::Riscv
            } else if architecture.contains("xtensa") {
                RegisterFile::Xtensa
            } else {
                RegisterFile::Arm
            };
        }
        for tag in tags(xml, "reg") {
            let Some(bits) = attribute(tag, "bitsize").and_then(|bits| bits.parse::<usize>().ok())
            else {
                continue;
            };
            let next = self.places.last().map_or(0, |place| place.number + 1);
            let number = attribute(tag, "regnum").and_then(|number| number.parse().ok());
            let number = number.unwrap_or(next);
            if let Some(name) = attribute(tag, "name")
                && number < REGISTERS_MAX
                && self.places.len() < REGISTERS_MAX
            {
                self.places.push(Place {
                    number,
                    name: name.to_ascii_lowercase(),
                    n_bytes: bits.div_ceil(8).min(64),
                });
            }
        }
    }

    /// Documents that one refers to.
    pub(super) fn includes(xml: &str) -> Vec<String> {
        let includes = tags(xml, "xi:include");
        let hrefs = includes.filter_map(|tag| attribute(tag, "href"));
        hrefs.map(str::to_owned).collect()
    }

    /// True when nothing is known of the registers.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What the server calls its processor.
    pub(super) fn architecture(&self) -> Option<&str> {
        self.architecture.as_deref()
    }

    /// True when the server has a register of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.places.iter().any(|place| place.name == name)
    }

    /// The registers in the answer to `g`. What is not there, or not known to the server, is not stored.
    pub(super) fn registers(&self, answer: &[u8]) -> RegisterSet {
        let mut set = RegisterSet::new(self.file);
        let mut places: Vec<&Place> = self.places.iter().collect();
        places.sort_by_key(|place| place.number);
        let mut at = 0;
        for place in places {
            let end = at + place.n_bytes * 2;
            let bytes = answer.get(at..end).and_then(from_hex);
            at = end;
            let Some(bytes) = bytes.filter(|bytes| bytes.len() <= 8) else {
                continue;
            };
            let mut value = [0; 8];
            for (to, from) in value.iter_mut().zip(&bytes) {
                *to = *from;
            }
            if let Some(reg) = self.file.by_name(&place.name) {
                set.set_known(reg, u64::from_le_bytes(value));
            } else if let Some(n) = double(&place.name)
                && self.file == RegisterFile::Arm
            {
                set.set_known(
                    crate::model::registers::Reg(256 + n),
                    u64::from_le_bytes(value),
                );
            }
        }
        set
    }
}

/// The number of a double-precision register.
fn double(name: &str) -> Option<u16> {
    name.strip_prefix('d')?.parse().ok().filter(|n| *n < 16)
}

fn between<'x>(xml: &'x str, from: &str, to: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(from)?;
    rest.split_once(to).map(|(inside, _)| inside)
}

/// What stands in each tag of that name.
fn tags<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = &'x str> {
    let begin = format!("<{name} ");
    let n = begin.len();
    xml.match_indices(&begin)
        .map(|(at, _)| at)
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(move |at| xml.get(at + n..)?.split_once('>').map(|(tag, _)| tag))
}

fn attribute<'x>(tag: &'x str, name: &str) -> Option<&'x str> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once('=')?;
        let quote = after.trim_start().chars().next()?;
        let (_, value) = after.split_once(quote)?;
        let (value, next) = value.split_once(quote)?;
        if before.trim() == name {
            return Some(value);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::Description;
    use crate::model::registers::{Reg, RegValue};

    const CORE: &str = r#"<?xml version="1.0"?><target><architecture>arm</architecture>
        <feature name="org.gnu.gdb.arm.m-profile">
        <reg name="r0" bitsize="32"/><reg bitsize='32' name='sp' type="data_ptr" regnum="13"/>
        <reg name="xpsr" bitsize="32" regnum="25"/></feature><xi:include href="fp.xml"/></target>"#;

    #[test]
    fn registers_are_found_by_name_and_number() {
        let mut description = Description::default();
        description.add(CORE);
        description.add(r#"<feature><reg name="d0" bitsize="64"/></feature>"#);
        assert_eq!(Description::includes(CORE), ["fp.xml"]);
        assert_eq!(description.architecture(), Some("arm"));
        assert!(description.has("xpsr") && !description.has("psp"));
        let set = description.registers(b"01000000xxxxxxxx000000610000803f00000040");
        assert_eq!(set.known(Reg::r(0)), Some(1));
        assert_eq!(set.get(Reg::SP), RegValue::NotStored);
        assert_eq!(set.known(Reg::XPSR), Some(0x6100_0000));
        assert_eq!(set.known(Reg::s(0)), Some(0x3f80_0000));
        assert_eq!(set.known(Reg::s(1)), Some(0x4000_0000));
        // An answer that is cut off has what it has.
        assert_eq!(description.registers(b"0100").iter().count(), 0);
    }

    #[test]
    fn nonsense_is_no_description() {
        for xml in [
            "",
            "<reg ",
            "<reg name=>",
            "<reg name=\"r0\" bitsize=\"x\"/>",
            "<reg =\"\">",
        ] {
            let mut description = Description::default();
            description.add(xml);
            assert!(description.is_empty(), "{xml}");
        }
    }
}
