//! Boots that a log tells of: banners, build ids, reset reasons.
//!
//! Wordings: `*** Booting Zephyr OS build v3.4.0 ***`, `*** demo boot, build id 56e2... ***`, `build-id: 56e2...`,
//! `rst:0x1 (POWERON_RESET)`, `Reset reason: watchdog`.

use super::{
    Carrier, Confidence, Decoded, Format,
    lines::{LineSearch, as_u64, readable},
    literals::Literals,
    sdk,
};
use crate::model::{
    build_id::BuildId,
    progress::{Cancelled, Progress},
    warning::Warning,
};
use regex::Regex;
use std::sync::LazyLock;

/// One run of the device, as far as the log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootRecord {
    /// Offset of the first line that told of it.
    pub offset: u64,
    /// The build that started.
    pub build_id: Option<BuildId>,
    /// The version in the banner.
    pub version: Option<String>,
    /// The line itself.
    pub text: String,
    /// Why the device had been reset, in its own words.
    pub reset_reason: Option<String>,
    /// A message of the device-side SDK tells of it.
    pub is_sent: bool,
    /// Which boot since power was last lost, from 1, as the device counts.
    pub number: Option<u64>,
}

/// Literals, one of which stands in every line that is looked at.
static ANCHORS: Literals = Literals::new(&[
    "Booting",
    "oot, build",
    "uild id",
    "uild-id",
    "uild_id",
    "uild ID",
    "uildID",
    "BUILD ID",
    "rst:0x",
    "ELF file SHA256",
    "eset reason",
    "eset cause",
    "ESET REASON",
]);
static BUILD_ID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)build[ _-]?id\s*[:=]?\s*(?:0x)?([0-9a-f]{8,64})\b").ok());
static BANNER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\*\*\* (?P<said>.+?) ?\*\*\*").ok());
static VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s(,-])(?P<version>v?\d+\.\d+[\w.+-]*)").ok());
static RESET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:rst:0x[0-9a-f]+ \((?P<esp>\w+)\)|reset (?:reason|cause)\s*[:=]\s*(?P<said>.+))",
    )
    .ok()
});

const ESP_FILE_HASH: &str = "ELF file SHA256";

/// No log of a device tells of more; bounds the work on garbage.
const MOST_BOOTS: usize = 10_000;

/// Lines so near to each other tell of the same boot.
const NEAR: u64 = 2048;

/// A device sends what it kept of the boot before, a coredump say, between its banner and the message that tells of the boot.
const NEAR_SENT: u64 = 64 << 10;

/// Boot banners in a log.
pub(super) struct BootBanner;

impl Format for BootBanner {
    fn id(&self) -> &'static str {
        "boot-banner"
    }
    fn label(&self) -> &'static str {
        "Boot banner in a log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::Text
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        let head = bytes.get(..1 << 20).unwrap_or(bytes);
        match ANCHORS.find(head) {
            Some(_) => Confidence::Maybe,
            None => Confidence::No,
        }
    }
    fn records(&self, lines: LineSearch<'_>) -> Result<Decoded, Cancelled> {
        all(lines)
    }
    fn literals(&self) -> Option<&'static Literals> {
        Some(&ANCHORS)
    }
}

/// Every boot that a log tells of, in its order.
pub fn find(bytes: &[u8], progress: &dyn Progress) -> Result<Vec<BootRecord>, Cancelled> {
    find_behind(Vec::new(), bytes, 0, progress)
}

/// Every boot of a log that grew: `boots` are those that it told of before, and from byte `at` on, where a line begins, it
/// may have become another. The same as [`find`] in all of it.
pub fn find_behind(
    mut boots: Vec<BootRecord>,
    bytes: &[u8],
    at: u64,
    progress: &dyn Progress,
) -> Result<Vec<BootRecord>, Cancelled> {
    // A message is of several lines: one that began before `at` may end behind it.
    let at = line_start_before(bytes, at.saturating_sub(LONGEST_SENT));
    boots.truncate(boots.partition_point(|boot| boot.offset < at));
    // Lines behind `at` may have completed the last one.
    let near = boots
        .pop_if(|last| at.saturating_sub(last.offset) <= NEAR_SENT)
        .map(|last| last.offset);
    let start = usize::try_from(near.unwrap_or(at)).unwrap_or(usize::MAX);
    let rest = bytes.get(start..).unwrap_or(&[]);
    let search = LineSearch::new(rest, &ANCHORS, progress);
    let mut found = boots.last().cloned().into_iter().collect();
    add_all(search, start, &mut found)?;
    boots.truncate(boots.len().saturating_sub(1));
    found.extend(
        sdk::boots(rest, progress)?
            .into_iter()
            .map(|sent| BootRecord {
                offset: sent.offset.saturating_add(as_u64(start)),
                ..sent
            }),
    );
    join_sent(&mut found);
    boots.append(&mut found);
    Ok(boots)
}

/// More bytes than lie between the first and the last line of a message that tells of a boot.
const LONGEST_SENT: u64 = 4096;

/// Where the line begins in which the byte at `offset` stands.
fn line_start_before(bytes: &[u8], offset: u64) -> u64 {
    let offset = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let before = bytes.get(..offset).unwrap_or(&[]);
    as_u64(memchr::memrchr(b'\n', before).map_or(0, |newline| newline.saturating_add(1)))
}

/// Sorts boots that lines tell of and boots that messages of the device-side SDK tell of, and makes one of the two where
/// they are of the same boot. What the device sent counts: it knows more of a reset when it sends than when it prints.
pub(super) fn join_sent(boots: &mut Vec<BootRecord>) {
    boots.sort_by_key(|boot| boot.offset);
    let mut joined: Vec<BootRecord> = Vec::with_capacity(boots.len());
    for new in boots.drain(..) {
        let same = joined
            .last_mut()
            .filter(|last| new.is_sent && is_printed_before(last, &new));
        if let Some(last) = same {
            last.build_id = last.build_id.take().or(new.build_id);
            last.version = new.version.or(last.version.take());
            last.reset_reason = new.reset_reason.or(last.reset_reason.take());
            last.number = new.number;
            last.is_sent = true;
        } else {
            joined.push(new);
        }
    }
    *boots = joined;
}

/// Lines told of the boot `sent` before the device sent it.
fn is_printed_before(printed: &BootRecord, sent: &BootRecord) -> bool {
    let is_near = sent.offset.saturating_sub(printed.offset) <= NEAR_SENT;
    let is_same_build = match (&printed.build_id, &sent.build_id) {
        (Some(a), Some(b)) => a.matches(b),
        _ => true,
    };
    is_near && is_same_build && !printed.is_sent
}

fn all(search: LineSearch<'_>) -> Result<Decoded, Cancelled> {
    let mut decoded = Decoded::default();
    if let Some(at) = add_all(search, 0, &mut decoded.boots)? {
        decoded.warnings.push(Warning::at(
            "FS-BOOT-001",
            at,
            format!("the file tells of more than {MOST_BOOTS} boots; those from about here on were left out"),
        ));
    }
    Ok(decoded)
}

/// Adds the boots that lines of a text tell of, which begins at byte `start`; where it was given up, if there were too many.
fn add_all(
    mut search: LineSearch<'_>,
    start: usize,
    boots: &mut Vec<BootRecord>,
) -> Result<Option<u64>, Cancelled> {
    while let Some(hit) = search.next()? {
        let at = as_u64(start.saturating_add(hit.line.start));
        let text = readable(hit.line.text);
        if boots.len() > MOST_BOOTS {
            boots.truncate(MOST_BOOTS);
            return Ok(Some(at));
        }
        if let Some(record) = record(&text, at) {
            add(boots, record);
        }
    }
    Ok(None)
}

/// What one line tells of a boot.
fn record(text: &str, offset: u64) -> Option<BootRecord> {
    // Cheap looks before the patterns: a log may say "Booting" on every line.
    let may_reset = text.contains("rst:0x") || text.contains("eset ") || text.contains("ESET ");
    let may_build = text.contains("uild") || text.contains("UILD");
    let may_banner = text.contains("***");
    let may_hash = text.contains(ESP_FILE_HASH);
    if !(may_reset || may_build || may_banner || may_hash) {
        return None;
    }
    let build_id = BUILD_ID
        .as_ref()
        .filter(|_| may_build)
        .and_then(|p| p.captures(text))
        .and_then(|c| BuildId::from_hex(c.get(1)?.as_str()))
        .or_else(|| esp_file_hash(text));
    let banner = BANNER
        .as_ref()
        .filter(|_| may_banner)
        .and_then(|p| p.captures(text));
    let is_banner = banner.is_some() && (text.contains("oot") || build_id.is_some());
    let reset_reason = RESET
        .as_ref()
        .filter(|_| may_reset)
        .and_then(|p| p.captures(text))
        .and_then(|c| {
            let said = c.name("esp").or(c.name("said"))?.as_str().trim();
            (!said.is_empty()).then(|| said.to_owned())
        });
    if !is_banner && build_id.is_none() && reset_reason.is_none() {
        return None;
    }
    Some(BootRecord {
        offset,
        build_id,
        version: banner
            .filter(|_| is_banner)
            .and_then(|c| version(c.name("said")?.as_str())),
        text: text.trim().to_owned(),
        reset_reason,
        ..BootRecord::default()
    })
}

/// The hash of the application's ELF as ESP-IDF logs it at start-up (`I (31) app_init: ELF file SHA256:  1b43c5e74...`).
/// A panic prints the same words without a tag: that is no boot.
fn esp_file_hash(text: &str) -> Option<BuildId> {
    let (tag, hash) = text.split_once(ESP_FILE_HASH)?;
    if !tag.trim_end().ends_with(':') {
        return None;
    }
    let hash = hash.trim_start_matches([':', ' ']);
    let n_digits = hash.bytes().take_while(u8::is_ascii_hexdigit).count();
    BuildId::from_hex(hash.get(..n_digits & !1)?)
}

/// The first thing in a banner that looks like a version.
fn version(banner: &str) -> Option<String> {
    let found = VERSION.as_ref()?.captures(banner)?;
    Some(found.name("version")?.as_str().to_owned())
}

/// Adds a record, or completes the one before it when both tell of the same boot.
fn add(boots: &mut Vec<BootRecord>, new: BootRecord) {
    let is_banner = new.text.contains("***");
    if let Some(last) = boots.last_mut() {
        let is_near = new.offset.saturating_sub(last.offset) <= NEAR;
        let adds_something = (last.build_id.is_none() || new.build_id.is_none())
            && (last.reset_reason.is_none() || new.reset_reason.is_none());
        // A second banner is a second boot, unless the first was the bootloader's or no banner at all.
        let is_same_boot =
            !is_banner || last.text.contains("MCUboot") || !last.text.contains("***");
        // A reset reason without a banner begins a boot when the banner is long past.
        if is_near && adds_something && is_same_boot {
            if is_banner {
                last.text = new.text;
                last.version = new.version.or(last.version.take());
            }
            last.build_id = last.build_id.take().or(new.build_id);
            last.reset_reason = last.reset_reason.take().or(new.reset_reason);
            return;
        }
    }
    boots.push(new);
}

#[cfg(test)]
mod tests {
    use super::{BootBanner, BootRecord};
    use crate::formats::Format as _;
    use crate::model::progress::Unattended;

    fn boots(text: &str) -> Vec<BootRecord> {
        BootBanner
            .decode(text.as_bytes(), &Unattended)
            .unwrap()
            .boots
    }

    #[test]
    fn banners_build_ids_and_reset_reasons_are_found() {
        let found = boots(
            "\r\n*** spike boot, build id 8631d12a50f997b81a875cd8f0b1c6ef9bb95b50 ***\r\n[100] INF app: tick\r\n",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].offset, 2);
        assert_eq!(found[0].build_id.as_ref().unwrap().short(), "8631d12a");
        let product = boots(
            "*** hearth 1.4.2 (mps2-an386), build id 56e24a716eeb9f84 ***\n[0:00] I boot: boot 2, reset reason: fault\n",
        );
        assert_eq!(product.len(), 1);
        assert_eq!(product[0].version.as_deref(), Some("1.4.2"));
        assert_eq!(product[0].reset_reason.as_deref(), Some("fault"));
        let zephyr = boots(
            "rst:0x7 (TG0WDT_SYS_RESET),boot:0x13\n*** Booting MCUboot v2.1.0 ***\n*** Booting Zephyr OS build v3.4.0 ***\nI: build-id: 56e24a716eeb9f84\nticking\n",
        );
        assert_eq!(zephyr.len(), 1);
        assert_eq!(zephyr[0].version.as_deref(), Some("v3.4.0"));
        assert_eq!(
            zephyr[0].build_id.as_ref().unwrap().to_string(),
            "56e24a716eeb9f84"
        );
        assert_eq!(zephyr[0].reset_reason.as_deref(), Some("TG0WDT_SYS_RESET"));
    }

    #[test]
    fn an_esp_idf_boot_has_its_reset_reason_and_the_hash_of_its_elf() {
        let log = "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\nrst:0xc (RTC_SW_CPU_RST),boot:0xd (SPI_FAST_FLASH_BOOT)\r\n\
                   I (31) app_init: ELF file SHA256:  1b43c5e74...\r\nI (40) app: up\r\n";
        let found = boots(log);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].reset_reason.as_deref(), Some("RTC_SW_CPU_RST"));
        assert_eq!(found[0].build_id.as_ref().unwrap().to_string(), "1b43c5e7");
        assert_eq!(boots("ELF file SHA256: 1b43c5e74\r\n"), []);
    }

    #[test]
    fn a_log_that_only_boots_gives_a_bounded_number_of_boots() {
        let log = "*** Booting Zephyr OS build v3.4.0 ***\n".repeat(super::MOST_BOOTS + 50);
        let decoded = BootBanner.decode(log.as_bytes(), &Unattended).unwrap();
        assert_eq!(decoded.boots.len(), super::MOST_BOOTS);
        assert_eq!(decoded.warnings[0].code, "FS-BOOT-001");
    }

    #[test]
    fn each_banner_is_a_boot_and_other_lines_are_none() {
        let two = "*** Booting Zephyr OS build v3.4.0 ***\nReset reason: watchdog\n".repeat(2);
        let found = boots(&two);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].reset_reason.as_deref(), Some("watchdog"));
        assert_eq!(
            boots("Booting the modem\nbuild id unknown\n***** BUS FAULT *****\n"),
            []
        );
    }
}
