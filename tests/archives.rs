//! Archives from strangers, through the real program: refused or partly read, in words, within time and memory.

mod common;

use common::{Answer, Place, fixture};
use flate2::Compression;
use flate2::Crc;
use flate2::write::DeflateEncoder;
use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

/// No archive may take longer (a debug build on a busy machine included).
const LONGEST: Duration = Duration::from_secs(30);
/// Address space of the program, in KiB: its own image and 512 MB of data fit.
const MOST_KIB: u64 = 1 << 20;

/// A zip writer that checks nothing: names, sizes and offsets are as the test says.
#[derive(Default)]
struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    n_entries: u64,
}

/// One entry as it will stand in the archive.
struct Entry<'a> {
    name: &'a str,
    method: u16,
    data: &'a [u8],
    unpacked_len: u32,
    crc: u32,
}

impl<'a> Entry<'a> {
    fn stored(name: &'a str, data: &'a [u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(data);
        Self {
            name,
            method: 0,
            data,
            unpacked_len: len(data),
            crc: crc.sum(),
        }
    }
}

impl Zip {
    fn add(&mut self, entry: &Entry<'_>) -> &mut Self {
        let at = len(&self.bytes);
        self.bytes.extend_from_slice(b"PK\x03\x04\x14\0\0\0");
        Self::facts(&mut self.bytes, entry);
        self.bytes.extend_from_slice(entry.name.as_bytes());
        self.bytes.extend_from_slice(entry.data);
        self.list(entry, at)
    }

    /// Only in the directory: several names for one place.
    fn list(&mut self, entry: &Entry<'_>, at: u32) -> &mut Self {
        self.directory
            .extend_from_slice(b"PK\x01\x02\x14\x03\x14\0\0\0");
        Self::facts(&mut self.directory, entry);
        self.directory.extend_from_slice(&[0; 6]); // comment, disk, internal attributes
        self.directory.extend_from_slice(&[0; 4]); // external attributes
        self.directory.extend_from_slice(&at.to_le_bytes());
        self.directory.extend_from_slice(entry.name.as_bytes());
        self.n_entries += 1;
        self
    }

    /// From the method to the length of the extra field.
    fn facts(into: &mut Vec<u8>, entry: &Entry<'_>) {
        into.extend_from_slice(&entry.method.to_le_bytes());
        into.extend_from_slice(&[0, 0, 0x21, 0x54]); // time and date
        for word in [entry.crc, len(entry.data), entry.unpacked_len] {
            into.extend_from_slice(&word.to_le_bytes());
        }
        into.extend_from_slice(
            &u16::try_from(entry.name.len())
                .expect("a name")
                .to_le_bytes(),
        );
        into.extend_from_slice(&[0, 0]);
    }

    fn finish(&self) -> Vec<u8> {
        let mut out = self.bytes.clone();
        let at = u64::from(len(&out));
        out.extend_from_slice(&self.directory);
        let n = u16::try_from(self.n_entries).unwrap_or(u16::MAX);
        if n == u16::MAX {
            // Zip64: end record, and where it is.
            let record = out.len() as u64;
            out.extend_from_slice(b"PK\x06\x06");
            out.extend_from_slice(&44_u64.to_le_bytes());
            out.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for word in [
                self.n_entries,
                self.n_entries,
                self.directory.len() as u64,
                at,
            ] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            out.extend_from_slice(&record.to_le_bytes());
            out.extend_from_slice(&1_u32.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        out.extend_from_slice(&n.to_le_bytes());
        out.extend_from_slice(&n.to_le_bytes());
        out.extend_from_slice(&len(&self.directory).to_le_bytes());
        out.extend_from_slice(&u32::try_from(at).expect("a small archive").to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out
    }
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a small archive")
}

/// Zeros, deflated.
fn deflated_zeros(n_bytes: usize) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let block = vec![0; 1 << 20];
    for _ in 0..n_bytes >> 20 {
        encoder.write_all(&block).expect("memory");
    }
    encoder.finish().expect("memory")
}

fn dump() -> Vec<u8> {
    fs::read(fixture("qemu-bare/an386-1.core")).expect("a fixture")
}

fn log() -> Vec<u8> {
    fs::read(fixture("qemu-bare/an386-1.uart")).expect("a fixture")
}

/// Runs the program with little memory, and watches the clock.
fn run_bounded(place: &Place, words: &[&str]) -> Answer {
    let started = Instant::now();
    let program = place.command();
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("ulimit -v {MOST_KIB}; exec \"$0\" \"$@\""))
        .arg(program.get_program())
        .args(words)
        .current_dir(place.path(""));
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.output().expect("a shell");
    let answer = Answer {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    let took = started.elapsed();
    assert!(took < LONGEST, "{words:?} took {took:?}");
    assert!(matches!(answer.code, Some(0..=3)), "{words:?}: {answer:?}");
    answer
}

/// An archive, and what must be said of it.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// Crashes that are found all the same.
    n_crashes: u64,
    /// In the findings of the import report.
    words: &'static [&'static str],
}

/// Imports the archive and checks what is said of it; the report must name what was left out.
fn check(case: &Case) {
    let place = Place::new();
    fs::write(place.path("in.zip"), &case.bytes).unwrap();
    let answer = run_bounded(
        &place,
        &["import", "in.zip", "--json", "--workspace", "w.fieldscope"],
    );
    let summary = answer.json();
    assert_eq!(
        summary["n_crashes"], case.n_crashes,
        "{}: {summary}",
        case.name
    );
    let refused = summary["refused"].as_array().expect("what was refused");
    let said: Vec<String> = refused.iter().map(ToString::to_string).collect();
    for word in case.words {
        assert!(
            said.join("\n").contains(word),
            "{}: no {word:?} in {said:?}",
            case.name
        );
    }
    let text = place
        .run(&["import", "in.zip", "--workspace", "other.fieldscope"])
        .out;
    assert!(
        refused.is_empty() || text.contains("not read: "),
        "{}: {text}",
        case.name
    );

    let shown = run_bounded(&place, &["backtrace", "in.zip", "--json", "--no-cache"]);
    if case.n_crashes == 0 {
        assert_eq!(
            (shown.code, shown.out.as_str()),
            (Some(2), ""),
            "{}: {shown:?}",
            case.name
        );
        assert_eq!(shown.err.lines().count(), 1, "{}: {shown:?}", case.name);
    } else {
        assert_eq!(shown.json()["n_crashes"], case.n_crashes, "{}", case.name);
    }
    let outside: Vec<String> = fs::read_dir(place.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("evil"))
        .collect();
    assert!(outside.is_empty(), "{}: {outside:?}", case.name);
}

#[test]
fn paths_that_lead_out_of_the_archive_are_refused_and_the_rest_is_read() {
    let (dump, log) = (dump(), log());
    for name in [
        "../evil.core",
        "a/../../evil.core",
        "/evil.core",
        "C:\\evil.core",
        "..\\evil.core",
        "evil\u{1}.core",
    ] {
        let mut zip = Zip::default();
        zip.add(&Entry::stored(name, &dump));
        zip.add(&Entry::stored("good.uart", &log));
        check(&Case {
            name: "path",
            bytes: zip.finish(),
            n_crashes: 1,
            words: &["evil"],
        });
    }
}

#[test]
fn a_bomb_is_refused_and_the_rest_is_read() {
    let zeros = deflated_zeros(64 << 20);
    let bomb = Entry {
        name: "zeros.bin",
        method: 8,
        data: &zeros,
        unpacked_len: 64 << 20,
        crc: 0,
    };
    // The claimed size is not believed.
    let liar = Entry {
        unpacked_len: 10,
        ..bomb
    };
    let log = log();
    let cases = [
        (&bomb, &["zeros.bin", "200 times", "bomb"][..]),
        (&liar, &["zeros.bin", "larger than its declared"]),
    ];
    for (entry, words) in cases {
        let mut zip = Zip::default();
        zip.add(entry).add(&Entry::stored("good.uart", &log));
        check(&Case {
            name: "bomb",
            bytes: zip.finish(),
            n_crashes: 1,
            words,
        });
    }
    // Many names for one place.
    let mut zip = Zip::default();
    zip.add(&Entry::stored("good.uart", &log));
    let at = len(&zip.bytes);
    zip.add(&bomb);
    for index in 0..10 {
        zip.list(
            &Entry {
                name: &format!("{index:05}.bin"),
                ..bomb
            },
            at,
        );
    }
    check(&Case {
        name: "overlap",
        bytes: zip.finish(),
        n_crashes: 1,
        words: &["bomb"],
    });
}

#[test]
fn a_hundred_thousand_entries_are_refused_in_words() {
    let mut zip = Zip::default();
    for index in 0..100_000 {
        zip.add(&Entry::stored(&format!("f/{index}"), b""));
    }
    let whole = zip.finish();
    check(&Case {
        name: "entries",
        bytes: whole,
        n_crashes: 0,
        words: &["100000 entries", "20000"],
    });
    // The same without its directory.
    let place = Place::new();
    fs::write(place.path("in.zip"), &zip.bytes).unwrap();
    let shown = run_bounded(&place, &["backtrace", "in.zip"]);
    assert_eq!((shown.code, shown.out.as_str()), (Some(2), ""), "{shown:?}");
    assert_eq!(shown.err.lines().count(), 1, "{shown:?}");
}

#[test]
fn a_cut_off_archive_is_read_as_far_as_it_goes() {
    let (dump, log) = (dump(), log());
    let mut zip = Zip::default();
    zip.add(&Entry::stored("a.uart", &log))
        .add(&Entry::stored("b.core", &dump));
    let whole = zip.finish();
    let first_end = 30 + "a.uart".len() + log.len();
    let cases = [
        (whole.len(), 1, &[][..]),
        (whole.len() - 1, 1, &["cut off"]),
        (first_end + 2000, 1, &["cut off"]),
        (first_end, 1, &["cut off"]),
        (40, 0, &["cut off"]),
        (4, 0, &["cut off"]),
    ];
    for (len, n_crashes, words) in cases {
        check(&Case {
            name: "cut",
            bytes: whole[..len].to_vec(),
            n_crashes,
            words,
        });
    }
}

#[test]
fn archives_in_archives_are_read_to_a_depth_and_refused_below() {
    let log = log();
    let mut inner = log;
    for depth in 1..=6 {
        let name = if depth == 1 {
            "good.uart".to_owned()
        } else {
            format!("level{depth}.zip")
        };
        let mut zip = Zip::default();
        zip.add(&Entry::stored(&name, &inner));
        inner = zip.finish();
        let (n_crashes, words) = if depth <= 3 {
            (1, &[][..])
        } else {
            (0, &["too many archives"][..])
        };
        check(&Case {
            name: "nested",
            bytes: inner.clone(),
            n_crashes,
            words,
        });
    }
}

#[test]
fn what_is_no_good_archive_at_all_is_kept_and_said_so() {
    let (dump, log) = (dump(), log());
    let encrypted = Entry {
        method: 99,
        ..Entry::stored("secret.core", &dump)
    };
    let mut zip = Zip::default();
    zip.add(&encrypted).add(&Entry::stored("good.uart", &log));
    check(&Case {
        name: "method",
        bytes: zip.finish(),
        n_crashes: 1,
        words: &["secret.core"],
    });

    let mut zip = Zip::default();
    zip.add(&Entry {
        crc: 1,
        ..Entry::stored("bent.uart", &log)
    });
    check(&Case {
        name: "checksum",
        bytes: zip.finish(),
        n_crashes: 1,
        words: &["bent.uart"],
    });

    let empty = Zip::default().finish();
    check(&Case {
        name: "empty",
        bytes: empty,
        n_crashes: 0,
        words: &[],
    });
    let mut noise = b"PK\x03\x04".to_vec();
    noise.extend((0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8));
    check(&Case {
        name: "noise",
        bytes: noise,
        n_crashes: 0,
        words: &["cut off"],
    });
}
