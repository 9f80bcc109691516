//! A log as a device may write it, made anew in every run and the same in each.

/// Numbers that look random and are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// The next one, less than `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// So many bytes or a few more of a device: colours, text that is not ASCII, bytes that are no text, records of several lines,
/// data, boots.
pub(crate) fn device_log(n_bytes: usize) -> Vec<u8> {
    let mut log = Vec::new();
    let mut n: u64 = 0;
    while log.len() < n_bytes {
        n += 1;
        let line = match n {
            _ if n % 700 == 1 => format!(
                "*** demo boot, build id a1e688c0ffee1234 ***\r\nI ({n}) boot: reset reason: watchdog\r\n"
            ),
            _ if n.is_multiple_of(41) => {
                format!("E ({n}) app: cannot write\n    at flash.c:{n}\n    at main.c:9\n")
            }
            _ if n.is_multiple_of(97) => {
                "#CD:BEGIN#\n#CD:5a450100030005000300000000\n#CD:4d010048000001\n#CD:END#\n"
                    .to_owned()
            }
            _ if n.is_multiple_of(11) => {
                format!("\x1b[0;33mW ({n}) wifi: \u{fc}ber {n} µs, retry {n}\x1b[0m\n")
            }
            _ if n.is_multiple_of(89) => "--- 12 messages dropped ---\n\n".to_owned(),
            _ => format!("I ({n}) sensor: batch {n} sampled, 64 values\n"),
        };
        log.extend_from_slice(line.as_bytes());
        if n.is_multiple_of(53) {
            log.extend_from_slice(b"\xff\xfe\0 noise on the line\r\n");
        }
    }
    log.extend_from_slice(b"I (99) sensor: half a l\xc3");
    log
}
