//! How numbers stand in a sentence.

/// An address: `0xF0000000`.
pub fn address(value: u64) -> String {
    format!("0x{value:08X}")
}

/// A value that was written or read: small ones in decimal, others in hex.
pub fn value(value: u64) -> String {
    if value < 0x1_0000 {
        value.to_string()
    } else {
        address(value)
    }
}

/// A number of bytes: `164 KiB`, `12 bytes`, `1 byte`.
pub fn bytes(count: u64) -> String {
    const KIB: u64 = 1024;
    match count {
        1 => "1 byte".to_owned(),
        0..KIB => format!("{count} bytes"),
        _ if count < 10 * KIB * KIB => format!("{} KiB", count / KIB),
        _ => format!("{} MiB", count / (KIB * KIB)),
    }
}

/// The last part of a path of either kind.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{address, bytes, file_name, value};

    #[test]
    fn numbers_read_as_a_person_would_write_them() {
        assert_eq!(address(0xF000_0000), "0xF0000000");
        assert_eq!(value(13), "13");
        assert_eq!(value(0xDEAD_BEEF), "0xDEADBEEF");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(164 * 1024 + 3), "164 KiB");
        assert_eq!(file_name("a/b\\main.c"), "main.c");
    }
}
