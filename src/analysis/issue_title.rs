//! The title of an issue: the headline of one of its crashes without what differs from crash to crash.

use super::fault_rules::HALTED_IN;

/// `` `poke` wrote 13 to 0xF0000000, where nothing is (precise bus fault), in task `cmd`, main.c:12 `` becomes
/// `` `poke` wrote to an address where nothing is ``: address, value, class, task and line stand elsewhere.
pub fn issue_title(headline: &str) -> String {
    // Where the target was halted after the crash depends on who took the dump.
    let headline = headline
        .rsplit_once("; ")
        .filter(|(_, clause)| clause.starts_with(HALTED_IN))
        .map_or(headline, |(crash, _)| crash);
    let bare = without_details(headline);
    let mut clauses: Vec<String> = Vec::new();
    for (n, clause) in bare.split(", ").enumerate() {
        // A later clause that is about an address says nothing about the other crashes.
        if n > 0 && (has_address(clause) || is_place(clause)) {
            continue;
        }
        clauses.push(named(clause));
    }
    let title = clauses.join(", ");
    title
        .replace(
            " to an address, where nothing is",
            " to an address where nothing is",
        )
        .replace(
            " from an address, where nothing is",
            " from an address where nothing is",
        )
        .replace(
            " an address, where nothing is",
            " an address where nothing is",
        )
        .replace(
            " to an address through a null pointer",
            " through a null pointer",
        )
        .replace(
            " from an address through a null pointer",
            " through a null pointer",
        )
}

/// `` in task `shell` `` or `main.c:151`: the list has columns for them.
fn is_place(clause: &str) -> bool {
    let line = clause.rsplit_once(':').is_some_and(|(file, line)| {
        !file.contains(' ') && !line.is_empty() && line.chars().all(|c| c.is_ascii_digit())
    });
    line || clause.starts_with("in task ") || clause.starts_with("in thread ")
}

/// Leaves out what stands in brackets: a number, or the class of the fault.
fn without_details(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (") {
        let Some((inside, behind)) = after.split_once(')') else {
            break;
        };
        out.push_str(before);
        if !inside.chars().any(|c| c.is_ascii_digit()) && !inside.ends_with("fault") {
            out.push_str(" (");
            out.push_str(inside);
            out.push(')');
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn has_address(text: &str) -> bool {
    text.split_whitespace().any(is_address)
}

fn is_address(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    word.strip_prefix("0x")
        .is_some_and(|hex| !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit()))
}

fn is_value(word: &str) -> bool {
    is_address(word) || word.chars().all(|c| c.is_ascii_digit() || c == '-')
}

/// Addresses become words; a value that was written is left out.
fn named(clause: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut words = clause.split(' ').peekable();
    while let Some(word) = words.next() {
        if is_value(word) && out.last() == Some(&"wrote") && words.peek() == Some(&"to") {
            continue;
        }
        if is_address(word) && out.last() == Some(&"pointer") {
            continue;
        }
        if is_address(word) && out.last() == Some(&"address") {
            out.pop();
        }
        // `is 162 KiB below`: how far differs from crash to crash.
        if is_value(word) && out.last() == Some(&"is") {
            _ = words.next();
            continue;
        }
        // Code without a name is known by its address: that one all crashes share.
        let is_code = matches!(out.as_slice(), ["Code", "at"]);
        out.push(if is_address(word) && !is_code {
            "an address"
        } else {
            word
        });
    }
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use super::issue_title;

    #[test]
    fn a_title_says_what_all_crashes_of_the_issue_share() {
        for (headline, title) in [
            (
                "`valve_open` read from 0xF0000040, where nothing is (precise bus fault), in task `shell`, main.c:151",
                "`valve_open` read from an address where nothing is",
            ),
            (
                "`poke` wrote 0x2A to address 0x00000004, a null pointer + 4, in thread `logger`",
                "`poke` wrote to an address, a null pointer + 4",
            ),
            (
                "`attach` wrote 0 to 0x00000004 through a null pointer (memory protection fault), in task `shell`",
                "`attach` wrote through a null pointer",
            ),
            (
                "Stack overflow: `next` calls itself (17 frames found by scanning), the stack pointer 0x1FFFFF88 is 120 bytes below the captured memory (0x20000000)",
                "Stack overflow: `next` calls itself",
            ),
            (
                "Code at 0x00000354 accessed 0xF0000000, where nothing is (precise bus fault)",
                "Code at 0x00000354 accessed an address where nothing is",
            ),
            (
                "Stack overflow: the stack pointer 0x1FFD7000 is 162 KiB below the captured memory (0x20000000)",
                "Stack overflow: the stack pointer is below the captured memory",
            ),
            (
                "`poke` wrote 13 to 0xF0000000, where nothing is (precise bus fault), main.c:12; halted in `HardFault_Handler`",
                "`poke` wrote to an address where nothing is",
            ),
            (
                "Assertion failed: `x > 3`, main.c:12",
                "Assertion failed: `x > 3`",
            ),
            ("unclosed (1", "unclosed (1"),
        ] {
            assert_eq!(issue_title(headline), title);
        }
    }
}
