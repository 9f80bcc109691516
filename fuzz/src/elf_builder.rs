//! A small 32-bit ARM ELF with one function and one variable, whose frame base, location and call-frame rules are
//! expressions of the caller's. Shares no code with the readers (System V gABI; DWARF 4, sections 6.4 and 7).
#![allow(
    dead_code,
    reason = "every test that uses the builder uses a part of it"
)]

/// Where the code is.
pub const CODE: u32 = 0x1000;
const CODE_BYTES: u32 = 0x100;

/// The expressions of the function.
pub struct Expressions<'a> {
    /// `DW_AT_frame_base`.
    pub frame_base: &'a [u8],
    /// `DW_AT_location` of the variable.
    pub location: &'a [u8],
    /// `DW_CFA_def_cfa_expression`.
    pub cfa: &'a [u8],
    /// `DW_CFA_expression` and `DW_CFA_val_expression` of two registers.
    pub saved: &'a [u8],
}

/// The bytes of the ELF.
pub fn elf(expressions: &Expressions<'_>) -> Vec<u8> {
    let debug = [
        (".debug_abbrev", ABBREVIATIONS.to_vec()),
        (".debug_info", debug_info(expressions)),
        (".debug_frame", debug_frame(expressions)),
    ];
    elf_of(CODE_BYTES, &debug)
}

/// An ELF with so many bytes of code at [`CODE`] and these sections, whose names are among `NAMES`.
pub fn elf_of(code_bytes: u32, debug: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut sections: Vec<(&str, u32, u32, u32, Vec<u8>)> = vec![
        ("", 0, 0, 0, Vec::new()),
        (".text", 1, 6, CODE, vec![0; code_bytes as usize]),
    ];
    let debug = debug.iter();
    sections.extend(debug.map(|(name, bytes)| (*name, 1, 0, 0, bytes.clone())));
    sections.push((".shstrtab", 3, 0, 0, NAMES.as_bytes().to_vec()));
    let mut bytes = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let table = 52 + sections.iter().map(|s| s.4.len()).sum::<usize>() as u32;
    halves(&mut bytes, &[2, 40]);
    words(&mut bytes, &[1, CODE, 0, table, 0x0500_0000]);
    let n_sections = sections.len() as u16;
    halves(&mut bytes, &[52, 32, 0, 40, n_sections, n_sections - 1]);
    for section in &sections {
        bytes.extend_from_slice(&section.4);
    }
    let mut offset = 52;
    for (name, kind, flags, addr, contents) in &sections {
        let name_at = match *name {
            "" => 0,
            name => NAMES.find(&format!("\0{name}\0")).unwrap_or_default() as u32 + 1,
        };
        let len = contents.len() as u32;
        words(
            &mut bytes,
            &[name_at, *kind, *flags, *addr, offset, len, 0, 0, 1, 0],
        );
        offset += len;
    }
    bytes
}

const NAMES: &str = "\0.text\0.debug_abbrev\0.debug_info\0.debug_frame\0.debug_line\0.shstrtab\0";

#[rustfmt::skip]
const ABBREVIATIONS: &[u8] = &[
    1, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0, 0,                                     // unit: low_pc, high_pc
    2, 0x2E, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0x40, 0x18, 0, 0,             // subprogram: name, pcs, frame_base
    3, 0x34, 0, 0x03, 0x08, 0x02, 0x18, 0x49, 0x13, 0, 0,                         // variable: name, location, type
    4, 0x24, 0, 0x03, 0x08, 0x0B, 0x0B, 0x3E, 0x0B, 0, 0,                         // base type: name, size, encoding
    0,
];

fn debug_info(expressions: &Expressions<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    halves(&mut body, &[4]);
    words(&mut body, &[0]);
    body.push(4);
    body.push(1);
    words(&mut body, &[CODE, CODE_BYTES]);
    let base_type = body.len() as u32 + 4;
    body.push(4);
    body.extend_from_slice(b"int\0\x04\x05");
    body.push(2);
    body.extend_from_slice(b"f\0");
    words(&mut body, &[CODE, CODE_BYTES]);
    block(&mut body, expressions.frame_base);
    body.push(3);
    body.extend_from_slice(b"v\0");
    block(&mut body, expressions.location);
    words(&mut body, &[base_type]);
    body.extend_from_slice(&[0, 0]);
    with_length(body)
}

fn debug_frame(expressions: &Expressions<'_>) -> Vec<u8> {
    let mut cie = Vec::new();
    words(&mut cie, &[u32::MAX]);
    // Version 4, no augmentation, address size 4, no segments, code 2, data -4, return address in lr; CFA = sp + 0.
    cie.extend_from_slice(&[4, 0, 4, 0, 2, 0x7C, 14, 0x0C, 13, 0]);
    let mut all = with_length(cie);
    let mut fde = Vec::new();
    words(&mut fde, &[0, CODE, CODE_BYTES]);
    fde.push(0x0F);
    block(&mut fde, expressions.cfa);
    fde.extend_from_slice(&[0x10, 4]);
    block(&mut fde, expressions.saved);
    fde.extend_from_slice(&[0x16, 14]);
    block(&mut fde, expressions.saved);
    all.extend(with_length(fde));
    all
}

/// With its length in front, as units of DWARF have it.
pub fn with_length(body: Vec<u8>) -> Vec<u8> {
    let mut all = (body.len() as u32).to_le_bytes().to_vec();
    all.extend(body);
    all
}

fn block(into: &mut Vec<u8>, bytes: &[u8]) {
    let mut len = bytes.len();
    while len >= 0x80 {
        into.push(len as u8 | 0x80);
        len >>= 7;
    }
    into.push(len as u8);
    into.extend_from_slice(bytes);
}

/// Appends words.
pub fn words(into: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        into.extend_from_slice(&word.to_le_bytes());
    }
}

/// Appends half words.
pub fn halves(into: &mut Vec<u8>, halves: &[u16]) {
    for half in halves {
        into.extend_from_slice(&half.to_le_bytes());
    }
}
