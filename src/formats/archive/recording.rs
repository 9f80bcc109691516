//! Recordings of live sessions: each stream is a file with the bytes that came, and the manifest says when.

use super::{Inflated, Unpacking};
use crate::formats::manifest::{MANIFEST_FILE_NAME, MANIFEST_SCHEMA};
use crate::formats::recording::{CORE, Kind, Recording, Session, Stream, UNSENT, WATCH};
use crate::formats::watch;
use crate::model::progress::Cancelled;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Cursor;
use std::time::{Duration, SystemTime};

/// What came over one stream.
#[derive(Default)]
struct Came {
    stream: Stream,
    first_ns: Option<i64>,
    bytes: Vec<u8>,
}

impl Unpacking<'_> {
    pub(super) fn recording(
        &mut self,
        bytes: &[u8],
        prefix: &str,
        depth: usize,
    ) -> Result<(), Cancelled> {
        let mut session = Session::default();
        let mut streams: BTreeMap<u8, Came> = BTreeMap::new();
        let mut recording = Recording::new(bytes);
        for record in recording.by_ref() {
            match record.kind {
                Kind::Session => {
                    session = serde_json::from_slice(record.payload).unwrap_or_default();
                }
                Kind::Stream => {
                    let stream = serde_json::from_slice(record.payload).unwrap_or_default();
                    streams.entry(record.stream).or_default().stream = stream;
                }
                Kind::Received => {
                    let came = streams.entry(record.stream).or_default();
                    came.first_ns.get_or_insert(record.time_ns);
                    came.bytes.extend_from_slice(record.payload);
                }
                Kind::Sent | Kind::State | Kind::Other(_) => {}
            }
        }
        self.out.warnings.extend(recording.warnings());
        let began = humantime::parse_rfc3339(&session.started_at).ok();
        let mut files: Vec<Value> = Vec::new();
        let mut of_kind: BTreeMap<String, usize> = BTreeMap::new();
        for came in streams.into_values().filter(|came| !came.bytes.is_empty()) {
            if self.is_one_too_many(prefix) {
                break;
            }
            let number = of_kind.entry(came.stream.link.clone()).or_default();
            *number += 1;
            let name = file_name(&came.stream.link, *number);
            let kind = match came.stream.link.as_str() {
                WATCH => "other",
                CORE => "coredump",
                UNSENT => UNSENT,
                _ => "log",
            };
            let since = came.first_ns.and_then(|ns| u64::try_from(ns).ok());
            let first = began.zip(since).and_then(|(began, ns)| time_of(began, ns));
            files.push(json!({
                "path": name,
                "kind": kind,
                "started_at": first,
                "link": came.stream.title,
            }));
            let mut came_bytes = came.bytes;
            if kind == "other" {
                let head = watch::head(&session.started_at, &came.stream.numbers);
                came_bytes.splice(0..0, head);
            }
            let n_bytes = came_bytes.len() as u64;
            let mut bytes = Cursor::new(came_bytes);
            match self.inflate(&mut bytes, n_bytes)? {
                Inflated::Whole(bytes) | Inflated::Partial(bytes, _) => {
                    self.unpacked(format!("{prefix}{name}"), bytes, depth)?;
                }
                Inflated::Refused(reason) => self.refuse(&format!("{prefix}{name}"), &reason),
            }
        }
        let captured_at = began.and_then(|began| time_of(began, 0));
        let manifest = json!({
            "schema": MANIFEST_SCHEMA,
            "captured_at": captured_at,
            "files": files,
        });
        let path = format!("{prefix}{MANIFEST_FILE_NAME}");
        let manifest = manifest.to_string().into_bytes();
        self.unpacked(path, manifest, depth)
    }
}

/// A time of a session, RFC 3339; `None` of one that no year of four digits holds.
fn time_of(began: SystemTime, since_ns: u64) -> Option<String> {
    let time = began.checked_add(Duration::from_nanos(since_ns))?;
    let mut text = String::new();
    let time = humantime::format_rfc3339_nanos(time);
    write!(text, "{time}").is_ok().then_some(text)
}

/// `uart.log`, `uart-2.log`. The kind of link comes from a file: only letters and digits of it are used.
fn file_name(link: &str, number: usize) -> String {
    let link: String = link
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    let link = if link.is_empty() { "stream" } else { &link };
    let ending = match link {
        WATCH => "fswatch",
        CORE => "elf",
        _ => "log",
    };
    match number {
        1 => format!("{link}.{ending}"),
        _ => format!("{link}-{number}.{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ArchiveLimits, Unpacked, unpack};
    use crate::formats::recording::{
        Kind, Session, Stream, header, session_record, stream_record, traffic_record,
    };
    use crate::model::progress::Unattended;

    fn unpacked(started_at: &str, time_ns: i64) -> Unpacked {
        let mut bytes = header();
        bytes.extend(session_record(&Session {
            started_at: started_at.to_owned(),
            recorded_by: String::new(),
        }));
        let stream = Stream {
            link: "../uart".to_owned(),
            ..Stream::default()
        };
        bytes.extend(stream_record(9, 0, &stream));
        bytes.extend(traffic_record(Kind::Received, 9, time_ns, b"a row\n"));
        unpack("s.fscap", &bytes, &ArchiveLimits::default(), &Unattended).unwrap()
    }

    #[test]
    fn a_stream_is_a_file_and_the_manifest_has_its_time_where_it_is_one() {
        for (started_at, time_ns, first) in [
            (
                "2026-11-29T20:00:00Z",
                1_500_000_000,
                "\"2026-11-29T20:00:01.500000000Z\"",
            ),
            // No year of four digits, before the session, no time at all.
            ("9999-12-31T23:59:59Z", i64::MAX, "null"),
            ("2026-11-29T20:00:00Z", -1, "null"),
            ("yesterday", 1, "null"),
        ] {
            let unpacked = unpacked(started_at, time_ns);
            let [stream, manifest] = unpacked.entries.as_slice() else {
                panic!("{:?}", unpacked.entries);
            };
            assert_eq!(
                (stream.path.as_str(), &stream.bytes[..]),
                ("uart.log", &b"a row\n"[..])
            );
            let manifest = std::str::from_utf8(&manifest.bytes).unwrap();
            assert!(
                manifest.contains(&format!("\"started_at\":{first}")),
                "{manifest}"
            );
        }
    }
}
