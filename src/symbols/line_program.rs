//! Runs the line program of a unit (DWARF 5, section 6.2.5; versions 2 to 5). Half of the time of a first look at an ELF goes
//! into these few operations, so they are ours; headers are read by gimli.

use gimli::Reader as _;

/// The registers of the state machine that say where code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineState {
    /// Address, in bytes.
    pub(super) addr: u64,
    /// Index of the file.
    pub(super) file: u64,
    /// Line, from 1; 0: none.
    pub(super) line: u64,
    /// Column, from 1; 0: none.
    pub(super) column: u64,
    /// Where a debugger would set a breakpoint.
    pub(super) is_stmt: bool,
    /// Which of several blocks of one line; 0: there is one.
    pub(super) discriminator: u64,
    /// Operation inside an instruction, for machines that bundle them.
    op_index: u64,
    /// The code was dropped by the linker: until the next address no rows are made.
    is_dead: bool,
}

/// A header as the program needs it.
pub(super) struct LineProgram<'a> {
    bytes: &'a [u8],
    version: u16,
    address_size: u8,
    is_big_endian: bool,
    least_instruction: u64,
    most_operations: u64,
    starts_as_stmt: bool,
    opcode_base: u8,
    /// Operands of the standard opcodes from 1.
    n_operands: &'a [u8],
    /// What each special opcode adds to the operation pointer and to the line.
    special: Vec<(u64, i64)>,
}

impl<'a> LineProgram<'a> {
    /// The program behind a header.
    pub(super) fn new<R: gimli::Endianity>(
        header: &gimli::LineProgramHeader<gimli::EndianSlice<'a, R>>,
    ) -> Self {
        let bytes = header.raw_program_buf();
        let special = (header.opcode_base()..=u8::MAX).map(|opcode| {
            let adjusted = opcode.saturating_sub(header.opcode_base());
            let range = header.line_range();
            let operations = adjusted.checked_div(range).unwrap_or(0);
            let lines = adjusted.checked_rem(range).unwrap_or(0);
            let lines = i64::from(header.line_base()).saturating_add(lines.into());
            (operations.into(), lines)
        });
        Self {
            version: header.version(),
            address_size: header.address_size(),
            is_big_endian: bytes.endian().is_big_endian(),
            least_instruction: header.minimum_instruction_length().into(),
            most_operations: header.maximum_operations_per_instruction().into(),
            starts_as_stmt: header.default_is_stmt(),
            opcode_base: header.opcode_base(),
            n_operands: header.standard_opcode_lengths().slice(),
            special: special.collect(),
            bytes: bytes.slice(),
        }
    }

    /// Runs it to its end or to the first damage: each row, and for the address behind a sequence `true`.
    pub(super) fn run(&self, mut each: impl FnMut(&LineState, bool)) {
        let mut cursor = Cursor {
            rest: self.bytes,
            is_big_endian: self.is_big_endian,
        };
        let mut state = self.start();
        while self.step(&mut cursor, &mut state, &mut each).is_some() {}
    }

    fn start(&self) -> LineState {
        LineState {
            addr: 0,
            file: 1,
            line: 1,
            column: 0,
            is_stmt: self.starts_as_stmt,
            discriminator: 0,
            op_index: 0,
            is_dead: false,
        }
    }

    /// One operation; `None` at the end and where it makes no sense.
    #[inline]
    fn step(
        &self,
        cursor: &mut Cursor<'_>,
        state: &mut LineState,
        each: &mut impl FnMut(&LineState, bool),
    ) -> Option<()> {
        let opcode = cursor.u8()?;
        if opcode >= self.opcode_base {
            let index = usize::from(opcode.wrapping_sub(self.opcode_base));
            let (operations, lines) = *self.special.get(index)?;
            state.add_lines(lines);
            self.advance(state, operations)?;
            state.give(each);
            return Some(());
        }
        match gimli::DwLns(opcode) {
            gimli::DwLns(0) => {
                let len = usize::try_from(cursor.uleb()?).ok()?;
                let (operands, rest) = cursor.rest.split_at_checked(len)?;
                cursor.rest = rest;
                self.extended(operands, state, each)?;
            }
            gimli::DW_LNS_copy => state.give(each),
            gimli::DW_LNS_advance_pc => {
                let operations = cursor.uleb()?;
                self.advance(state, operations)?;
            }
            gimli::DW_LNS_advance_line => state.add_lines(cursor.sleb()?),
            gimli::DW_LNS_set_file => state.file = cursor.uleb()?,
            gimli::DW_LNS_set_column => state.column = cursor.uleb()?,
            gimli::DW_LNS_negate_stmt => state.is_stmt = !state.is_stmt,
            gimli::DW_LNS_set_basic_block
            | gimli::DW_LNS_set_prologue_end
            | gimli::DW_LNS_set_epilogue_begin => {}
            gimli::DW_LNS_const_add_pc => {
                let (operations, _lines) = *self.special.last()?;
                self.advance(state, operations)?;
            }
            gimli::DW_LNS_fixed_advance_pc => {
                let by = cursor.uint(2)?;
                if !state.is_dead {
                    state.addr = self.sum(state.addr, by)?;
                    state.op_index = 0;
                }
            }
            gimli::DW_LNS_set_isa => {
                cursor.uleb()?;
            }
            gimli::DwLns(unknown) => {
                let n = *self.n_operands.get(usize::from(unknown.checked_sub(1)?))?;
                for _operand in 0..n {
                    cursor.uleb()?;
                }
            }
        }
        Some(())
    }

    fn extended(
        &self,
        operands: &[u8],
        state: &mut LineState,
        each: &mut impl FnMut(&LineState, bool),
    ) -> Option<()> {
        let mut cursor = Cursor {
            rest: operands,
            is_big_endian: self.is_big_endian,
        };
        match gimli::DwLne(cursor.u8()?) {
            gimli::DW_LNE_end_sequence => {
                if !state.is_dead {
                    each(state, true);
                }
                *state = self.start();
            }
            gimli::DW_LNE_set_address => {
                let addr = cursor.uint(self.address_size)?;
                // Linkers that drop code leave all ones, all ones but the last bit, or an address below those before it:
                // 0, or what was to be added to it.
                state.is_dead = addr < state.addr || addr >= self.most_addr().wrapping_sub(1);
                if !state.is_dead {
                    state.addr = addr;
                    state.op_index = 0;
                }
            }
            // Nothing refers to it any more; it shows whether the program is sound.
            gimli::DW_LNE_define_file if self.version <= 4 => {
                let end = memchr::memchr(0, cursor.rest)?;
                cursor.rest = cursor.rest.get(end.saturating_add(1)..)?;
                for _number in 0..3 {
                    cursor.uleb()?;
                }
            }
            gimli::DW_LNE_set_discriminator => state.discriminator = cursor.uleb()?,
            _unknown => {}
        }
        Some(())
    }

    /// The largest address that there is.
    fn most_addr(&self) -> u64 {
        let n_bits = u32::from(self.address_size).saturating_mul(8).clamp(8, 64);
        u64::MAX >> (64_u32.saturating_sub(n_bits))
    }

    #[inline]
    fn sum(&self, addr: u64, by: u64) -> Option<u64> {
        addr.checked_add(by).filter(|sum| *sum <= self.most_addr())
    }

    #[inline]
    fn advance(&self, state: &mut LineState, operations: u64) -> Option<()> {
        if state.is_dead {
            return Some(());
        }
        let n_instructions = if self.most_operations == 1 {
            state.op_index = 0;
            operations
        } else {
            let operations = state.op_index.wrapping_add(operations);
            state.op_index = operations.checked_rem(self.most_operations)?;
            operations.checked_div(self.most_operations)?
        };
        let by = n_instructions.wrapping_mul(self.least_instruction);
        state.addr = self.sum(state.addr, by)?;
        Some(())
    }
}

impl LineState {
    #[inline]
    fn add_lines(&mut self, n: i64) {
        self.line = if n < 0 {
            self.line.saturating_sub(n.unsigned_abs())
        } else {
            self.line.wrapping_add(n.unsigned_abs())
        };
    }

    #[inline]
    fn give(&mut self, each: &mut impl FnMut(&Self, bool)) {
        if !self.is_dead {
            each(self, false);
        }
        self.discriminator = 0;
    }
}

/// Reads a program from its front.
struct Cursor<'a> {
    rest: &'a [u8],
    is_big_endian: bool,
}

impl Cursor<'_> {
    #[inline]
    fn u8(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// An unsigned number of so many bytes, at most 8.
    fn uint(&mut self, n_bytes: u8) -> Option<u64> {
        if !matches!(n_bytes, 1 | 2 | 4 | 8) {
            return None;
        }
        let (bytes, rest) = self.rest.split_at_checked(n_bytes.into())?;
        self.rest = rest;
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        Some(if self.is_big_endian {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        })
    }

    /// An unsigned LEB128 number (DWARF 5, section 7.6) of at most 64 bits.
    #[inline]
    fn uleb(&mut self) -> Option<u64> {
        let first = self.u8()?;
        if first < 0x80 {
            return Some(first.into());
        }
        let (mut value, mut shift) = (u64::from(first & 0x7f), 7_u32);
        loop {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift >= 63 && (shift > 63 || bits > 1) {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
            shift = shift.saturating_add(7);
        }
    }

    /// A signed LEB128 number of at most 64 bits.
    #[inline]
    fn sleb(&mut self) -> Option<i64> {
        let (mut value, mut shift) = (0_i64, 0_u32);
        loop {
            let byte = self.u8()?;
            if shift >= 63 && (shift > 63 || (byte != 0 && byte != 0x7f)) {
                return None;
            }
            value |= i64::from(byte & 0x7f) << shift;
            shift = shift.saturating_add(7);
            if byte < 0x80 {
                if shift < 64 && byte & 0x40 != 0 {
                    value |= -1_i64 << shift;
                }
                return Some(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LineProgram, LineState};
    use gimli::{DebugLine, DebugLineOffset, EndianSlice, LittleEndian};

    type Said = (u64, u64, u64, u64, bool, u64, bool);

    /// The rows of a section with one program, by us and by gimli.
    fn both(section: &[u8]) -> Option<(Vec<Said>, Vec<Said>)> {
        let lines = DebugLine::from(EndianSlice::new(section, LittleEndian));
        let program = lines.program(DebugLineOffset(0), 4, None, None).ok()?;
        let mut ours = Vec::new();
        let program_of = LineProgram::new(program.header());
        program_of.run(|row: &LineState, is_end| {
            let at = (row.addr, row.file, row.line, row.column);
            ours.push((
                at.0,
                at.1,
                at.2,
                at.3,
                row.is_stmt,
                row.discriminator,
                is_end,
            ));
        });
        let mut theirs = Vec::new();
        let mut rows = program.rows();
        while let Ok(Some((_header, row))) = rows.next_row() {
            let column = match row.column() {
                gimli::ColumnType::LeftEdge => 0,
                gimli::ColumnType::Column(n) => n.get(),
            };
            theirs.push((
                row.address(),
                row.file_index(),
                row.line().map_or(0, std::num::NonZero::get),
                column,
                row.is_stmt(),
                row.discriminator(),
                row.end_sequence(),
            ));
        }
        Some((ours, theirs))
    }

    /// A DWARF 4 header with this geometry before a program.
    fn with_header(geometry: [u8; 3], program: &[u8]) -> Vec<u8> {
        let [least_instruction, most_operations, opcode_base] = geometry;
        let mut header = vec![least_instruction, most_operations, 1, 0xfb, 14, opcode_base];
        let operands = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2, 3];
        header.extend(
            operands
                .iter()
                .take(usize::from(opcode_base.saturating_sub(1))),
        );
        header.extend_from_slice(b"\0a.c\0\0\0\0\0");
        let mut section = vec![4, 0];
        section.extend(u32::try_from(header.len()).unwrap().to_le_bytes());
        section.extend(header);
        section.extend_from_slice(program);
        let mut whole = u32::try_from(section.len()).unwrap().to_le_bytes().to_vec();
        whole.extend(section);
        whole
    }

    #[test]
    fn a_program_of_each_operation_makes_the_rows_that_gimli_makes() {
        let program = [
            &[0, 5, 2, 0, 0x10, 0, 0][..],                  // address 0x1000
            &[3, 0xe4, 0, 5, 7, 4, 1, 1],                   // line +100, column 7, file 1, copy
            &[0x20, 0x4b, 0xff],                            // special opcodes
            &[2, 0x80, 1, 6, 8, 1], // pc +128, not a statement, const_add_pc, copy
            &[9, 0x34, 0x12, 10, 11, 1], // fixed +0x1234, prologue, epilogue, copy
            &[0, 2, 4, 9, 0x20],    // discriminator 9
            &[12, 3, 3, 0x80, 0x7f, 1], // isa, line -128 (below 0), copy
            &[0, 3, 0x80, 1, 2],    // unknown extended opcode
            &[0, 1, 1],             // end
            &[0, 5, 2, 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 1], // dropped
            &[0, 5, 2, 0, 0x20, 0, 0, 1, 0, 5, 2, 0, 0, 0, 0, 1, 0, 1, 1],
        ]
        .concat();
        let (ours, theirs) = both(&with_header([1, 1, 13], &program)).unwrap();
        assert_eq!(ours, theirs);
        assert!(ours.len() >= 9, "{ours:x?}");
    }

    #[test]
    fn random_programs_make_the_rows_that_gimli_makes() {
        let mut seed = 0x1234_5678_9abc_def0_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as u8
        };
        let (mut n_rows, mut n_programs) = (0, 0);
        for round in 0..20_000_u32 {
            let geometry = [next() % 5, next() % 3, [13, 10, 4, 15][round as usize % 4]];
            let mut program = vec![0, 5, 2, next(), next(), next(), 0];
            for _ in 0..next() % 60 {
                match next() % 12 {
                    0 => program.extend([0, 5, 2, next(), next(), next(), next() & next()]),
                    1 => program.extend([0, 1, 1]),
                    2 => program.extend([0, 2, 4, next() & 0x7f]),
                    3 => program.extend([3, next(), next() & 0x7f]),
                    4 => program.extend([2, next() | 0x80, next() & 0x7f]),
                    5 => program.extend([next() % 16]),
                    _ => program.push(next()),
                }
            }
            if let Some((ours, theirs)) = both(&with_header(geometry, &program)) {
                assert_eq!(ours, theirs, "geometry {geometry:?} program {program:x?}");
                n_rows += ours.len();
                n_programs += 1;
            }
        }
        assert!(
            n_rows > 100_000 && n_programs > 10_000,
            "{n_rows} rows of {n_programs}"
        );
    }
}
