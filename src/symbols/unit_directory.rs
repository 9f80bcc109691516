//! Where the units of `.debug_info` begin: all that has to be known of a unit before it is asked for.

use super::debug_info::{DebugInfo, Unit};
use super::split::attached::SplitPlace;
use std::cell::OnceCell;

/// The most units that are read from one file.
const MOST_UNITS: usize = 200_000;

/// Offsets of all units whose header can be read, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct UnitDirectory {
    offsets: Vec<usize>,
    /// Of the type units of DWARF 4, which have a section of their own; they are counted after the others.
    type_offsets: Vec<usize>,
    /// Type units of split files, counted after those.
    split_types: Vec<SplitPlace>,
    /// Why the walk from header to header ended early.
    pub(super) broken_off: Option<String>,
}

impl UnitDirectory {
    /// Walks from header to header: what is between them is not looked at.
    pub(super) fn read(info: &DebugInfo<'_>) -> Self {
        let mut directory = Self::default();
        let mut headers = info.dwarf().units();
        while directory.offsets.len() < MOST_UNITS {
            match headers.next() {
                Ok(Some(header)) => directory.offsets.push(header.offset().0),
                Ok(None) => break,
                Err(error) => {
                    // There is no way to find the next header.
                    directory.broken_off = Some(error.to_string());
                    break;
                }
            }
        }
        let mut headers = info.dwarf().type_units();
        while directory.len() < MOST_UNITS
            && let Ok(Some(header)) = headers.next()
        {
            directory.type_offsets.push(header.offset().0);
        }
        if let Some(split) = info.file().split() {
            let left = MOST_UNITS.saturating_sub(directory.len());
            directory.split_types = split.types().iter().take(left).copied().collect();
        }
        directory
    }

    /// Where a type unit of a split file is.
    pub(super) fn split_type(&self, unit: usize) -> Option<SplitPlace> {
        let own = self.offsets.len().saturating_add(self.type_offsets.len());
        self.split_types.get(unit.checked_sub(own)?).copied()
    }

    /// Offset of a unit in `.debug_types`.
    pub(super) fn type_offset(&self, unit: usize) -> Option<usize> {
        let index = unit.checked_sub(self.offsets.len())?;
        self.type_offsets.get(index).copied()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let own = self.offsets.len().saturating_add(self.type_offsets.len());
        own.saturating_add(self.split_types.len())
    }

    /// Offset of a unit in `.debug_info`.
    pub(super) fn offset(&self, unit: usize) -> Option<usize> {
        self.offsets.get(unit).copied()
    }

    /// The unit that begins at or before `offset`.
    pub(super) fn unit_before(&self, offset: usize) -> Option<usize> {
        self.offsets
            .partition_point(|start| *start <= offset)
            .checked_sub(1)
    }

    /// The unit that begins at `offset`.
    pub(super) fn unit_at(&self, offset: usize) -> Option<usize> {
        self.offsets.binary_search(&offset).ok()
    }
}

/// Units that were parsed so far, by number; `None` in a cell is a unit that cannot be read.
pub(super) type UnitCells<'a> = Vec<OnceCell<Option<Box<Unit<'a>>>>>;

/// The units of a [`DebugInfo`], each parsed when it is first asked for.
#[derive(Clone, Copy)]
pub struct Units<'i, 'a> {
    pub(super) info: &'i DebugInfo<'a>,
}

impl<'i, 'a> Units<'i, 'a> {
    /// How many there are, unreadable ones included.
    pub fn len(self) -> usize {
        self.info.unit_directory().len()
    }

    /// True when there is no debug information.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A unit; `None` when there is no such unit or it cannot be read.
    pub fn get(self, unit: usize) -> Option<&'i Unit<'a>> {
        self.info
            .unit_cells()
            .get(unit)?
            .get_or_init(|| self.info.parse_unit(unit).ok().map(Box::new))
            .as_deref()
    }

    /// All units that can be read, with their numbers.
    pub fn indexed(self) -> impl Iterator<Item = (usize, &'i Unit<'a>)> {
        (0..self.len()).filter_map(move |unit| Some((unit, self.get(unit)?)))
    }
}
