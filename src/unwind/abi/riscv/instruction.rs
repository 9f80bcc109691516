//! The instructions of RV32IC that move registers, memory words and control: what the code of a function's beginning
//! or of a trap entry is made of. Everything else only spoils its destination.
//!
//! Source: The RISC-V Instruction Set Manual, volume I: RV32I base (chapter 2), "C" (chapter 27), `Zicsr` (chapter 6).

/// What an instruction does, as far as it matters here. Registers are numbers 0 to 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// rd = rs + imm.
    AddImmediate { rd: u8, rs: u8, imm: i32 },
    /// rd = rs1 + rs2.
    Add { rd: u8, rs1: u8, rs2: u8 },
    /// rd = value.
    Constant { rd: u8, value: u32 },
    /// rd = word at rs + offset.
    LoadWord { rd: u8, base: u8, offset: i32 },
    /// Word at base + offset = rs.
    StoreWord { rs: u8, base: u8, offset: i32 },
    /// rd = csr; csr = rs when it is a write.
    Csr {
        rd: u8,
        csr: u16,
        written: Option<u8>,
    },
    /// Goes on at the next instruction or at the target.
    Branch { target: u64 },
    /// rd = address of the next instruction; goes on at the target.
    Jump { rd: u8, target: u64 },
    /// rd = address of the next instruction; goes on where rs says.
    JumpRegister { rd: u8, rs: u8 },
    /// `mret`, `sret`: back to what was interrupted.
    TrapReturn,
    /// Something else that writes rd (0: no register).
    Other { rd: u8 },
}

/// The instruction that begins with `low` (and goes on with `high`) at `addr`, and its length in bytes.
pub(super) fn decode(addr: u64, low: u16, high: Option<u16>) -> Option<(Op, u64)> {
    if low & 3 != 3 {
        return Some((compressed(addr, u32::from(low)), 2));
    }
    // 011111 and 1111111: longer than 32 bits.
    if low & 0x1F == 0x1F {
        return None;
    }
    let word = u32::from(low) | u32::from(high?) << 16;
    Some((full(addr, word), 4))
}

/// `bits` bits of `word` from `from` on.
fn field(word: u32, from: u32, bits: u32) -> u32 {
    (word >> from) & ((1 << bits) - 1)
}

fn register(word: u32, from: u32) -> u8 {
    u8::try_from(field(word, from, 5)).unwrap_or(0)
}

/// Registers x8 to x15 in three bits.
fn short_register(word: u32, from: u32) -> u8 {
    u8::try_from(field(word, from, 3)).unwrap_or(0) + 8
}

/// `value`, whose highest bit is `sign_bit`, with its sign.
fn signed(value: u32, sign_bit: u32) -> i32 {
    let shift = 31 - sign_bit;
    (value << shift).cast_signed() >> shift
}

fn relative(addr: u64, offset: i32) -> u64 {
    addr.wrapping_add_signed(offset.into()) & 0xFFFF_FFFF
}

fn full(addr: u64, word: u32) -> Op {
    let rd = register(word, 7);
    let rs1 = register(word, 15);
    let rs2 = register(word, 20);
    let funct3 = field(word, 12, 3);
    let imm_i = signed(word >> 20, 11);
    match word & 0x7F {
        0x13 if funct3 == 0 => Op::AddImmediate {
            rd,
            rs: rs1,
            imm: imm_i,
        },
        0x33 if funct3 == 0 && word >> 25 == 0 => Op::Add { rd, rs1, rs2 },
        0x37 => Op::Constant {
            rd,
            value: word & 0xFFFF_F000,
        },
        0x17 => {
            let pc = u32::try_from(addr & 0xFFFF_FFFF).unwrap_or(0);
            Op::Constant {
                rd,
                value: pc.wrapping_add(word & 0xFFFF_F000),
            }
        }
        0x03 if funct3 == 2 => Op::LoadWord {
            rd,
            base: rs1,
            offset: imm_i,
        },
        0x23 if funct3 == 2 => Op::StoreWord {
            rs: rs2,
            base: rs1,
            offset: signed(field(word, 25, 7) << 5 | field(word, 7, 5), 11),
        },
        0x63 => Op::Branch {
            target: relative(
                addr,
                signed(
                    field(word, 31, 1) << 12
                        | field(word, 7, 1) << 11
                        | field(word, 25, 6) << 5
                        | field(word, 8, 4) << 1,
                    12,
                ),
            ),
        },
        0x6F => Op::Jump {
            rd,
            target: relative(
                addr,
                signed(
                    field(word, 31, 1) << 20
                        | field(word, 12, 8) << 12
                        | field(word, 20, 1) << 11
                        | field(word, 21, 10) << 1,
                    20,
                ),
            ),
        },
        0x67 => Op::JumpRegister { rd, rs: rs1 },
        0x73 => system(word, rd, rs1, funct3),
        // stores and fences write no register; floating-point loads write another file
        0x23 | 0x27 | 0x07 | 0x0F | 0x43 | 0x47 | 0x4B | 0x4F => Op::Other { rd: 0 },
        _ => Op::Other { rd },
    }
}

fn system(word: u32, rd: u8, rs1: u8, funct3: u32) -> Op {
    let csr = u16::try_from(word >> 20).unwrap_or(0);
    match funct3 {
        0 if matches!(word, 0x3020_0073 | 0x1020_0073) => Op::TrapReturn,
        0 => Op::Other { rd: 0 },
        1 => Op::Csr {
            rd,
            csr,
            written: Some(rs1),
        },
        // Setting or clearing no bits is a read; otherwise the register holds something new.
        2 | 3 if rs1 == 0 => Op::Csr {
            rd,
            csr,
            written: None,
        },
        _ => Op::Other { rd },
    }
}

fn compressed(addr: u64, half: u32) -> Op {
    let rd = register(half, 7);
    let rs2 = register(half, 2);
    let imm6 = signed(field(half, 12, 1) << 5 | field(half, 2, 5), 5);
    match (half & 3, half >> 13) {
        (0, 0) => Op::AddImmediate {
            rd: short_register(half, 2),
            rs: 2,
            imm: (field(half, 7, 4) << 6
                | field(half, 11, 2) << 4
                | field(half, 5, 1) << 3
                | field(half, 6, 1) << 2)
                .cast_signed(),
        },
        (0, 2) => Op::LoadWord {
            rd: short_register(half, 2),
            base: short_register(half, 7),
            offset: word_offset(half),
        },
        (0, 6) => Op::StoreWord {
            rs: short_register(half, 2),
            base: short_register(half, 7),
            offset: word_offset(half),
        },
        (1, 0) => Op::AddImmediate {
            rd,
            rs: rd,
            imm: imm6,
        },
        (1, 1) => Op::Jump {
            rd: 1,
            target: relative(addr, jump_offset(half)),
        },
        (1, 2) => Op::Constant {
            rd,
            value: imm6.cast_unsigned(),
        },
        (1, 3) if rd == 2 => Op::AddImmediate {
            rd: 2,
            rs: 2,
            imm: signed(
                field(half, 12, 1) << 9
                    | field(half, 3, 2) << 7
                    | field(half, 5, 1) << 6
                    | field(half, 2, 1) << 5
                    | field(half, 6, 1) << 4,
                9,
            ),
        },
        (1, 3) => Op::Constant {
            rd,
            value: (imm6 << 12).cast_unsigned(),
        },
        (1, 4) => Op::Other {
            rd: short_register(half, 7),
        },
        (1, 5) => Op::Jump {
            rd: 0,
            target: relative(addr, jump_offset(half)),
        },
        (1, 6 | 7) => Op::Branch {
            target: relative(
                addr,
                signed(
                    field(half, 12, 1) << 8
                        | field(half, 5, 2) << 6
                        | field(half, 2, 1) << 5
                        | field(half, 10, 2) << 3
                        | field(half, 3, 2) << 1,
                    8,
                ),
            ),
        },
        (2, 2) => Op::LoadWord {
            rd,
            base: 2,
            offset: (field(half, 2, 2) << 6 | field(half, 12, 1) << 5 | field(half, 4, 3) << 2)
                .cast_signed(),
        },
        (2, 4) => match (field(half, 12, 1), rd, rs2) {
            (0, _, 0) => Op::JumpRegister { rd: 0, rs: rd },
            (0, _, _) => Op::AddImmediate {
                rd,
                rs: rs2,
                imm: 0,
            },
            (_, 0, 0) => Op::Other { rd: 0 }, // c.ebreak
            (_, _, 0) => Op::JumpRegister { rd: 1, rs: rd },
            _ => Op::Add { rd, rs1: rd, rs2 },
        },
        (2, 6) => Op::StoreWord {
            rs: rs2,
            base: 2,
            offset: (field(half, 7, 2) << 6 | field(half, 9, 4) << 2).cast_signed(),
        },
        (2, 0) => Op::Other { rd },
        // floating-point loads and stores
        _ => Op::Other { rd: 0 },
    }
}

/// Offset of `c.lw` and `c.sw`.
fn word_offset(half: u32) -> i32 {
    (field(half, 5, 1) << 6 | field(half, 10, 3) << 3 | field(half, 6, 1) << 2).cast_signed()
}

/// Offset of `c.j` and `c.jal`.
fn jump_offset(half: u32) -> i32 {
    signed(
        field(half, 12, 1) << 11
            | field(half, 8, 1) << 10
            | field(half, 9, 2) << 8
            | field(half, 6, 1) << 7
            | field(half, 7, 1) << 6
            | field(half, 2, 1) << 5
            | field(half, 11, 1) << 4
            | field(half, 3, 3) << 1,
        11,
    )
}

#[cfg(test)]
mod tests {
    use super::{Op, decode};

    #[test]
    fn instructions_are_those_of_the_assembler() {
        // Encodings by riscv64-unknown-elf-as 2.40, -march=rv32imac, at address 0x80000100.
        for (bytes, op) in CASES {
            let low = u16::try_from(bytes & 0xFFFF).unwrap();
            let high = u16::try_from(bytes >> 16).unwrap();
            let (got, length) = decode(0x8000_0100, low, Some(high)).unwrap();
            assert_eq!(got, *op, "{bytes:08x}");
            assert_eq!(length, if low & 3 == 3 { 4 } else { 2 }, "{bytes:08x}");
        }
        assert_eq!(decode(0, 0x0003, None), None, "cut off");
        assert_eq!(decode(0, 0x003F, Some(0)), None, "longer than 32 bits");
    }

    #[test]
    fn no_halfword_stops_the_decoder() {
        for low in 0..=u16::MAX {
            for high in [0, 0x8000, 0xFFFF, 0x3020] {
                let _op = decode(u64::MAX, low, Some(high));
            }
        }
    }

    const CASES: &[(u32, Op)] = &[
        (
            0xf841_0113,
            Op::AddImmediate {
                rd: 2,
                rs: 2,
                imm: -124,
            },
        ),
        (
            0xc206,
            Op::StoreWord {
                rs: 1,
                base: 2,
                offset: 4,
            },
        ),
        (
            0x8003_0293,
            Op::AddImmediate {
                rd: 5,
                rs: 6,
                imm: -2048,
            },
        ),
        (
            0xfff5_2e23,
            Op::StoreWord {
                rs: 31,
                base: 10,
                offset: -4,
            },
        ),
        (
            0xff84_2503,
            Op::LoadWord {
                rd: 10,
                base: 8,
                offset: -8,
            },
        ),
        (
            0x3410_22f3,
            Op::Csr {
                rd: 5,
                csr: 0x341,
                written: None,
            },
        ),
        (
            0x3401_1173,
            Op::Csr {
                rd: 2,
                csr: 0x340,
                written: Some(2),
            },
        ),
        (
            0x3401_1073,
            Op::Csr {
                rd: 0,
                csr: 0x340,
                written: Some(2),
            },
        ),
        (
            0x8000_12b7,
            Op::Constant {
                rd: 5,
                value: 0x8000_1000,
            },
        ),
        (
            0x0000_1297,
            Op::Constant {
                rd: 5,
                value: 0x8000_1100,
            },
        ),
        (
            0xfcb5_0de3,
            Op::Branch {
                target: 0x8000_00DA,
            },
        ),
        (
            0xfd7f_f0ef,
            Op::Jump {
                rd: 1,
                target: 0x8000_00D6,
            },
        ),
        (
            0x3d20_006f,
            Op::Jump {
                rd: 0,
                target: 0x8000_04D2,
            },
        ),
        (0x0082_80e7, Op::JumpRegister { rd: 1, rs: 5 }),
        (0x0000_8067, Op::JumpRegister { rd: 0, rs: 1 }),
        (0x3020_0073, Op::TrapReturn),
        (
            0x00c5_8533,
            Op::Add {
                rd: 10,
                rs1: 11,
                rs2: 12,
            },
        ),
        (0x40c5_8533, Op::Other { rd: 10 }),
        (0x0000_0073, Op::Other { rd: 0 }),
        (0x3004_6073, Op::Other { rd: 0 }),
        (
            0x1141,
            Op::AddImmediate {
                rd: 2,
                rs: 2,
                imm: -16,
            },
        ),
        (
            0x7119,
            Op::AddImmediate {
                rd: 2,
                rs: 2,
                imm: -128,
            },
        ),
        (
            0x617d,
            Op::AddImmediate {
                rd: 2,
                rs: 2,
                imm: 496,
            },
        ),
        (
            0x1fe8,
            Op::AddImmediate {
                rd: 10,
                rs: 2,
                imm: 1020,
            },
        ),
        (
            0xdf86,
            Op::StoreWord {
                rs: 1,
                base: 2,
                offset: 252,
            },
        ),
        (
            0x5532,
            Op::LoadWord {
                rd: 10,
                base: 2,
                offset: 44,
            },
        ),
        (
            0xdde8,
            Op::StoreWord {
                rs: 10,
                base: 11,
                offset: 124,
            },
        ),
        (
            0x405c,
            Op::LoadWord {
                rd: 15,
                base: 8,
                offset: 4,
            },
        ),
        (
            0x850a,
            Op::AddImmediate {
                rd: 10,
                rs: 2,
                imm: 0,
            },
        ),
        (
            0x952e,
            Op::Add {
                rd: 10,
                rs1: 10,
                rs2: 11,
            },
        ),
        (0x8282, Op::JumpRegister { rd: 0, rs: 5 }),
        (0x9282, Op::JumpRegister { rd: 1, rs: 5 }),
        (
            0x557d,
            Op::Constant {
                rd: 10,
                value: u32::MAX,
            },
        ),
        (
            0x657d,
            Op::Constant {
                rd: 10,
                value: 0x1_F000,
            },
        ),
        (
            0xd949,
            Op::Branch {
                target: 0x8000_0092,
            },
        ),
        (
            0xbf41,
            Op::Jump {
                rd: 0,
                target: 0x8000_0090,
            },
        ),
        (
            0x3779,
            Op::Jump {
                rd: 1,
                target: 0x8000_008E,
            },
        ),
        (0x050e, Op::Other { rd: 10 }),
        (0x810d, Op::Other { rd: 10 }),
        (0x9002, Op::Other { rd: 0 }),
    ];
}
