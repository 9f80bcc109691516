//! The split files of one ELF: which unit is read from where, and what is missing.

use super::skeleton::Skeleton;
use super::split_file::{Part, SplitFile, SplitUnit, UnitKind};
use crate::model::warning::Warning;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many missing or refused files are named one by one.
const MOST_NAMED: usize = 4;

/// What became of the skeletons of an ELF.
pub(in crate::symbols) struct SplitUnits {
    files: Vec<Arc<SplitFile>>,
    /// Parts that are used: number of the file, and where in it.
    parts: Vec<(usize, Part)>,
    /// Where the rest of a skeleton is, by the number of its unit.
    of_unit: BTreeMap<usize, SplitPlace>,
    /// The same the other way round: by part and offset.
    by_place: BTreeMap<(usize, usize), usize>,
    /// Types that have units of their own.
    types: Vec<SplitPlace>,
    ids: Vec<(usize, u64)>,
    n_skeletons: usize,
    missing: Vec<(String, NotFound)>,
    /// Packs the files: that of binutils (2.40) dies of DWARF 5.
    packer: &'static str,
}

/// Where a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::symbols) struct SplitPlace {
    /// Number of the part.
    pub(in crate::symbols) part: usize,
    /// Offset of its header there.
    pub(in crate::symbols) offset: usize,
    /// Bytes of it.
    pub(in crate::symbols) len: usize,
    /// It is in `.debug_types.dwo`.
    pub(in crate::symbols) is_in_types: bool,
}

/// Why a `.dwo` is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::symbols) enum NotFound {
    /// It is nowhere.
    Missing,
    /// A file of that name is of another build.
    OtherId {
        /// Where it is.
        path: String,
        /// The id that the ELF asks for.
        wanted: u64,
        /// The id that the file has.
        found: u64,
    },
    /// A file of that name cannot be read, in words.
    Unreadable(String),
}

impl SplitUnits {
    /// Asks `find` for the file of every skeleton. `None` when the ELF has none.
    pub(in crate::symbols) fn collect(
        skeletons: &[Skeleton],
        mut find: impl FnMut(&Skeleton) -> Result<Arc<SplitFile>, NotFound>,
    ) -> Option<Self> {
        if skeletons.is_empty() {
            return None;
        }
        let mut units = Self {
            files: Vec::new(),
            parts: Vec::new(),
            of_unit: BTreeMap::new(),
            by_place: BTreeMap::new(),
            types: Vec::new(),
            ids: Vec::new(),
            n_skeletons: skeletons.len(),
            missing: Vec::new(),
            packer: if skeletons.iter().any(|skeleton| skeleton.version >= 5) {
                "llvm-dwp"
            } else {
                "dwp"
            },
        };
        let mut numbers: BTreeMap<*const SplitFile, usize> = BTreeMap::new();
        let mut parts: BTreeMap<(usize, Part), usize> = BTreeMap::new();
        for skeleton in skeletons {
            let file = match find(skeleton) {
                Ok(file) => file,
                Err(why) => {
                    units.missing.push((skeleton.dwo_name.clone(), why));
                    continue;
                }
            };
            let number = *numbers.entry(Arc::as_ptr(&file)).or_insert_with(|| {
                units.files.push(Arc::clone(&file));
                units.files.len() - 1
            });
            let unit = file.unit_with_id(skeleton.dwo_id);
            let Some(unit) = unit.and_then(|unit| file.units().get(unit)) else {
                units
                    .missing
                    .push((skeleton.dwo_name.clone(), NotFound::Missing));
                continue;
            };
            let place = units.place(&mut parts, number, unit);
            units.of_unit.insert(skeleton.unit, place);
            if !place.is_in_types {
                let key = (place.part, place.offset);
                units.by_place.insert(key, skeleton.unit);
            }
            units.ids.push((skeleton.unit, skeleton.dwo_id));
        }
        for (number, file) in units.files.clone().iter().enumerate() {
            for unit in file.units().iter().filter(|u| u.kind == UnitKind::Type) {
                let place = units.place(&mut parts, number, unit);
                units.types.push(place);
            }
        }
        Some(units)
    }

    fn place(
        &mut self,
        parts: &mut BTreeMap<(usize, Part), usize>,
        file: usize,
        unit: &SplitUnit,
    ) -> SplitPlace {
        let part = *parts.entry((file, unit.part)).or_insert_with(|| {
            self.parts.push((file, unit.part));
            self.parts.len() - 1
        });
        SplitPlace {
            part,
            offset: unit.offset,
            len: unit.len,
            is_in_types: unit.is_in_types,
        }
    }

    /// Where the rest of a skeleton is.
    pub(in crate::symbols) fn of_unit(&self, unit: usize) -> Option<SplitPlace> {
        self.of_unit.get(&unit).copied()
    }

    /// The compilation in a part that `offset` of its `.debug_info.dwo` lies in.
    pub(in crate::symbols) fn unit_in_part(&self, part: usize, offset: usize) -> Option<usize> {
        let mut before = self.by_place.range((part, 0)..=(part, offset));
        let ((_part, start), unit) = before.next_back()?;
        let place = self.of_unit.get(unit)?;
        (offset.checked_sub(*start)? < place.len).then_some(*unit)
    }

    /// Type units.
    pub(in crate::symbols) fn types(&self) -> &[SplitPlace] {
        &self.types
    }

    /// How many parts there are.
    pub(in crate::symbols) fn n_parts(&self) -> usize {
        self.parts.len()
    }

    /// The file of a part, and where in it.
    pub(in crate::symbols) fn part(&self, part: usize) -> Option<(&SplitFile, Part)> {
        let (file, part) = self.parts.get(part)?;
        Some((self.files.get(*file)?, *part))
    }

    /// The files that are used.
    pub(in crate::symbols) fn files(&self) -> &[Arc<SplitFile>] {
        &self.files
    }

    /// Units that were found, with the ids of both halves.
    pub(in crate::symbols) fn ids(&self) -> &[(usize, u64)] {
        &self.ids
    }

    /// How many skeletons have no file.
    pub(in crate::symbols) fn n_missing(&self) -> usize {
        self.missing.len()
    }

    /// What is missing and how to get it; `None` when nothing is.
    pub(in crate::symbols) fn advice(&self, elf: &str) -> Option<String> {
        let (first, _) = self.missing.first()?;
        let elf = super::split_file::base_name(elf);
        let packer = self.packer;
        let files = if self.n_skeletons == 1 {
            format!("its .dwo file is missing: {first}")
        } else {
            format!(
                "{} of {} .dwo files are missing, the first is {first}",
                self.missing.len(),
                self.n_skeletons
            )
        };
        Some(format!(
            "No variables, types and inlined functions of what was compiled with -gsplit-dwarf: {files}. Run `{packer} -e {elf} -o {elf}.dwp` where it was built and put {elf}.dwp beside the ELF, or copy the .dwo files there, or name their folder with --debug-dir."
        ))
    }

    /// What a reader should know: files that are missing, and those that are another build's.
    pub(in crate::symbols) fn warnings(&self, elf: &str) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let said = self.missing.iter().filter_map(|(name, why)| match why {
            NotFound::Missing => None,
            NotFound::OtherId {
                path,
                wanted,
                found,
            } => Some(format!(
                "{path} is not used: the ELF asks for the .dwo with id {wanted:016x} ({name}), this one has id {found:016x}. It is of another build; put the one beside the ELF that was made with it"
            )),
            NotFound::Unreadable(words) => Some(format!("{name} is not used: {words}")),
        });
        warnings.extend(
            said.take(MOST_NAMED)
                .map(|words| Warning::new("FS-SYM-010", words)),
        );
        warnings.extend(
            self.advice(elf)
                .map(|words| Warning::new("FS-SYM-008", format!("{elf}: {words}"))),
        );
        for file in &self.files {
            warnings.extend(file.warnings().iter().take(MOST_NAMED).cloned());
        }
        warnings
    }
}

/// Files that are at hand by themselves, as in a bundle: found by id, wherever they lie.
pub(in crate::symbols) fn among(
    files: &[Arc<SplitFile>],
) -> impl FnMut(&Skeleton) -> Result<Arc<SplitFile>, NotFound> {
    let mut by_id: BTreeMap<u64, usize> = BTreeMap::new();
    for (number, file) in files.iter().enumerate() {
        for id in file.ids() {
            by_id.entry(id).or_insert(number);
        }
    }
    move |skeleton| {
        let found = by_id.get(&skeleton.dwo_id);
        if let Some(file) = found.and_then(|number| files.get(*number)) {
            return Ok(Arc::clone(file));
        }
        let wanted = super::split_file::base_name(&skeleton.dwo_name);
        let named = files
            .iter()
            .find(|file| !file.is_package() && file.base_name() == wanted);
        Err(named.map_or(NotFound::Missing, |file| other_id(file, skeleton)))
    }
}

/// A file of the right name with another id.
pub(in crate::symbols) fn other_id(file: &SplitFile, skeleton: &Skeleton) -> NotFound {
    match file.ids().next() {
        Some(found) => NotFound::OtherId {
            path: file.name().to_owned(),
            wanted: skeleton.dwo_id,
            found,
        },
        None => NotFound::Unreadable(format!("{} names no unit", file.name())),
    }
}
