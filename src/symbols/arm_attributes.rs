//! `.ARM.attributes`: which ARM a program was built for (ABI for the Arm Architecture, addenda32, section 3).

use crate::model::arch::Arch;

const TAG_FILE: u64 = 1;
const TAG_CPU_ARCH: u64 = 6;
const TAG_CPU_ARCH_PROFILE: u64 = 7;
const TAG_COMPATIBILITY: u64 = 32;

/// The architecture, `Arm` when the section does not say more.
pub fn arch(section: &[u8], big_endian: bool) -> Arch {
    let Some((cpu_arch, profile)) = file_attributes(section, big_endian) else {
        return Arch::Arm;
    };
    match (cpu_arch, profile) {
        // v6-M, v6S-M
        (Some(11 | 12), _) => Arch::ArmV6M,
        // v7E-M; v7 with profile M
        (Some(13), _) | (Some(10), Some(b'M')) => Arch::ArmV7M,
        // v8-M.base, v8-M.main, v8.1-M.main
        (Some(16 | 17 | 21), _) => Arch::ArmV8M,
        _ => Arch::Arm,
    }
}

/// `CPU_arch` and `CPU_arch_profile` of the whole file.
fn file_attributes(section: &[u8], big_endian: bool) -> Option<(Option<u64>, Option<u8>)> {
    let rest = section.strip_prefix(b"A")?;
    let mut rest = rest;
    while !rest.is_empty() {
        let (vendor_section, after) = sized(rest, big_endian)?;
        if let Some(body) = vendor_section.strip_prefix(b"aeabi\0") {
            return scan_vendor(body, big_endian);
        }
        rest = after;
    }
    None
}

/// Splits off a block that begins with its own length (which counts itself).
fn sized(bytes: &[u8], big_endian: bool) -> Option<(&[u8], &[u8])> {
    let raw: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    let len = if big_endian {
        u32::from_be_bytes(raw)
    } else {
        u32::from_le_bytes(raw)
    };
    let len = usize::try_from(len).ok()?;
    Some((bytes.get(4..len)?, bytes.get(len..)?))
}

fn scan_vendor(mut body: &[u8], big_endian: bool) -> Option<(Option<u64>, Option<u8>)> {
    while !body.is_empty() {
        let tag = u64::from(*body.first()?);
        let (attributes, after) = {
            // The length counts the tag byte too.
            let raw: [u8; 4] = body.get(1..5)?.try_into().ok()?;
            let len = if big_endian {
                u32::from_be_bytes(raw)
            } else {
                u32::from_le_bytes(raw)
            };
            let len = usize::try_from(len).ok()?;
            (body.get(5..len)?, body.get(len..)?)
        };
        if tag == TAG_FILE {
            return Some(scan_attributes(attributes));
        }
        body = after;
    }
    None
}

fn scan_attributes(mut bytes: &[u8]) -> (Option<u64>, Option<u8>) {
    let (mut cpu_arch, mut profile) = (None, None);
    while let Some(tag) = uleb(&mut bytes) {
        // Tags 4, 5 and odd tags above 32 carry a string; 32 a number and a string; the others a number.
        let is_text = tag == 4 || tag == 5 || tag == 67 || (tag > 32 && tag % 2 == 1);
        if is_text {
            skip_text(&mut bytes);
            continue;
        }
        let Some(value) = uleb(&mut bytes) else { break };
        match tag {
            TAG_CPU_ARCH => cpu_arch = Some(value),
            TAG_CPU_ARCH_PROFILE => profile = u8::try_from(value).ok(),
            TAG_COMPATIBILITY => skip_text(&mut bytes),
            _ => {}
        }
    }
    (cpu_arch, profile)
}

fn uleb(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn skip_text(bytes: &mut &[u8]) {
    let end = bytes
        .iter()
        .position(|b| *b == 0)
        .map_or(bytes.len(), |n| n + 1);
    *bytes = bytes.get(end..).unwrap_or_default();
}
