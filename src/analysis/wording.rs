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

/// An exception inside of a sentence: `SysTick`, `IRQ 9`, `interrupt 21`, but `the machine timer interrupt`.
pub fn exception(name: &str) -> String {
    let is_description = name.contains(' ')
        && name.starts_with(|c: char| c.is_lowercase())
        && !name.ends_with(|c: char| c.is_ascii_digit());
    if is_description {
        format!("the {name}")
    } else {
        name.to_owned()
    }
}

/// Sentences as one text; the first may go on with what stands before it, each other begins with a capital letter.
/// `None` when there are none.
pub fn sentences(parts: &[String]) -> Option<String> {
    let (first, others) = parts.split_first()?;
    let mut text = first.clone();
    for part in others {
        let mut rest = part.chars();
        text.push(' ');
        text.extend(rest.next().into_iter().flat_map(char::to_uppercase));
        text.push_str(rest.as_str());
    }
    Some(text)
}

/// The last part of a path of either kind.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{address, bytes, exception, file_name, sentences, value};

    #[test]
    fn exceptions_and_sentences_read_as_a_person_would_write_them() {
        for (name, said) in [
            ("SysTick", "SysTick"),
            ("IRQ 9", "IRQ 9"),
            ("interrupt 21", "interrupt 21"),
            ("machine timer interrupt", "the machine timer interrupt"),
            (
                "freertos_risc_v_trap_handler",
                "freertos_risc_v_trap_handler",
            ),
        ] {
            assert_eq!(exception(name), said);
        }
        let parts = ["the list breaks off.", "the block is damaged.", "0 of 3."];
        let parts = parts.map(ToOwned::to_owned);
        let text = "the list breaks off. The block is damaged. 0 of 3.";
        assert_eq!(sentences(&parts).as_deref(), Some(text));
        assert_eq!(sentences(&[]), None);
    }

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
