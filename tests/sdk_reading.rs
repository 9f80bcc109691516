//! What devices with the device-side SDK send, against the independent reader of docs/wire-format.md (`scripts/sdk_oracle.py`),
//! whose answers stand beside the captures in `tests/fixtures/sdk`; vectors, captures that are cut, flipped and rough.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its inputs are small"
)]

use fieldscope::formats::sdk::definitions::{self, DefinedMetric, LogEntryFormat, METRICS_SECTION};
use fieldscope::formats::sdk::{SdkCarrier, SdkRead, read, read_message};
use fieldscope::model::build_id::BuildId;
use fieldscope::model::device_message::{
    DeviceMessage, EventKind, LogEntry, LogText, MessageBody, SentValue,
};
use fieldscope::model::metric::MetricKind;
use fieldscope::model::progress::Unattended;
use fieldscope::symbols::symbol_file::SymbolFile;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn fixture(name: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(root.join("tests/fixtures/sdk").join(name)).unwrap()
}

fn answer(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

const CAPTURES: [&str; 7] = [
    "meadow-an386",
    "meadow-an386-dew-point",
    "rough",
    "sprout-an385",
    "sprout-an385-cobs",
    "sprout-an505",
    "sprout-nrf51",
];

fn carrier(name: &str) -> SdkCarrier {
    if name.ends_with("-cobs") {
        SdkCarrier::Cobs
    } else {
        SdkCarrier::Lines
    }
}

fn read_fixture(name: &str) -> SdkRead {
    read(
        &fixture(&format!("{name}.uart")),
        carrier(name),
        &Unattended,
    )
    .unwrap()
}

struct Elf {
    metrics: Vec<DefinedMetric>,
    logs: BTreeMap<u64, LogEntryFormat>,
}

fn elf(name: &str) -> Elf {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/sdk/{name}.elf"));
    let Ok(bytes) = std::fs::read(path) else {
        return Elf {
            metrics: Vec::new(),
            logs: BTreeMap::new(),
        };
    };
    let file = SymbolFile::parse(name, bytes).unwrap();
    let (address, section) = file.section(METRICS_SECTION).unwrap();
    let metrics = definitions::metrics(address, section);
    let (address, section) = file.section(definitions::LOGS_SECTION).unwrap();
    Elf {
        metrics,
        logs: definitions::log_formats(address, section),
    }
}

/// Removes what a message does not say.
fn said(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, field| !field.is_null());
    }
    value
}

fn value(sent: &SentValue) -> Value {
    match sent {
        SentValue::Unset => Value::Null,
        SentValue::Integer(number) => json!(i64::try_from(*number).unwrap()),
        // Read from its digits, as the numbers of the oracle are: the parser of JSON rounds.
        SentValue::Float(number) => serde_json::from_str(&format!("{number:?}")).unwrap(),
        SentValue::Text(text) => json!(text),
    }
}

fn entry(sent: &LogEntry, elf: &Elf) -> Value {
    let level = sent.level.map(|level| {
        if level.name() == "warn" {
            "warning"
        } else {
            level.name()
        }
    });
    let mut out = json!({"uptime_ms": sent.uptime_ms, "level": level});
    match &sent.text {
        LogText::Text(text) => out["message"] = json!(text),
        LogText::Format(id, arguments) => {
            if let Some(format) = elf.logs.get(id) {
                out["format"] = json!(format.format);
                out["file"] = json!(format.file);
                out["line"] = json!(format.line);
                out["n_arguments"] = json!(arguments.len());
            } else {
                out["id"] = json!(id);
                out["arguments"] = arguments.iter().map(value).collect();
            }
        }
    }
    out
}

fn hex(number: u64) -> String {
    format!("{number:#010x}")
}

/// A message as the oracle shows it.
fn shown(message: &DeviceMessage, elf: &Elf) -> Value {
    let sender = &message.sender;
    let mut out = json!({
        "kind": message.body.kind(), "sequence": message.sequence, "offset": message.place.start,
        "serial": sender.serial, "hardware": sender.hardware, "software_type": sender.software_type,
        "software_version": sender.software_version, "build_id": sender.build_id.as_ref().map(ToString::to_string),
        "boot": sender.boot, "uptime_ms": sender.uptime_ms, "time": sender.time_s,
    });
    match &message.body {
        MessageBody::Heartbeat(heartbeat) => {
            out["interval_ms"] = json!(heartbeat.interval_ms);
            let mut metrics = Vec::new();
            for metric in &elf.metrics {
                let definition = &metric.definition;
                let is_sum = matches!(definition.kind, MetricKind::Counter | MetricKind::Timer);
                let sent = heartbeat.values.get(&metric.id);
                let sent = match sent {
                    None if is_sum => json!(0),
                    sent => sent.map_or(Value::Null, value),
                };
                let mut one = json!({"name": definition.name, "value": sent});
                if definition.kind == MetricKind::Timer {
                    let share =
                        100.0 * sent.as_f64().unwrap() / heartbeat.interval_ms.unwrap() as f64;
                    one["percent"] = json!((share * 10.0).round() / 10.0);
                }
                if let (MetricKind::State, Some(index)) = (definition.kind, sent.as_u64()) {
                    one["value_name"] = json!(definition.values.get(index as usize));
                }
                metrics.push(one);
            }
            out["metrics"] = json!(metrics);
            let is_known = |id: &u64| elf.metrics.iter().any(|metric| metric.id == *id);
            let unknown = heartbeat.values.iter().filter(|(id, _)| !is_known(id));
            out["unknown"] = unknown
                .map(|(id, sent)| (id.to_string(), value(sent)))
                .collect();
        }
        MessageBody::Event(event) => {
            out["event"] = match event.kind {
                EventKind::Other(number) => json!(number),
                kind => json!(kind.name()),
            };
            out["reason"] =
                json!(
                    event
                        .reason
                        .map(|reason| match reason.id().strip_prefix("reason_") {
                            Some(_) => json!(reason.0),
                            None => json!(reason.id()),
                        })
                );
            out["code"] = json!(event.code.map(|code| i64::try_from(code).unwrap()));
            out["previous_uptime_ms"] = json!(event.previous_uptime_ms);
            out["pc"] = json!(event.pc.map(hex));
            out["lr"] = json!(event.lr.map(hex));
            out["text"] = json!(
                event
                    .text
                    .and_then(|id| elf.logs.get(&id))
                    .map(|format| &format.format)
            );
        }
        MessageBody::Logs(logs) => {
            out["lost"] = json!(logs.n_lost);
            out["entries"] = logs.entries.iter().map(|sent| entry(sent, elf)).collect();
        }
        MessageBody::Coredump(dump) => {
            out["reason"] = json!(dump.reason.unwrap().id());
            out["architecture"] = json!(if dump.architecture == Some(1) {
                "cortex_m"
            } else {
                "other"
            });
            out["registers"] = dump
                .registers
                .iter()
                .map(|word| json!(word.map(hex)))
                .collect();
            out["logs"] = dump.entries.iter().map(|sent| entry(sent, elf)).collect();
            let memory = dump.memory.iter().map(|(address, bytes)| {
                let digest = BuildId::from_bytes(&Sha256::digest(bytes))
                    .unwrap()
                    .to_string();
                json!({"address": hex(*address), "size": bytes.len(), "sha256": digest})
            });
            out["memory"] = memory.collect();
            out["left_out"] = json!(dump.n_left_out);
            assert!(dump.is_whole);
        }
        MessageBody::Device(state) => {
            out["sampled"] = json!(state.sampled_names());
            out["dropped"] = json!(state.n_lost);
        }
    }
    said(out)
}

/// The oracle's message, without what is compared elsewhere.
fn expected(oracle: &Value) -> Value {
    let mut out = oracle.clone();
    for entries in ["entries", "logs"] {
        for entry in out
            .get_mut(entries)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(format) = entry.get("format").and_then(Value::as_str) {
                entry["n_arguments"] = json!(format.replace("%%", "").matches('%').count());
                entry.as_object_mut().unwrap().remove("message");
            }
        }
    }
    if let Some(registers) = out.get("registers").and_then(Value::as_object) {
        // Their order is the one of the page, which the names in `coredump.rs` follow; see the crash report's test.
        out["registers"] = registers.values().cloned().collect();
    }
    for region in out
        .get_mut("memory")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        region.as_object_mut().unwrap().remove("begins");
    }
    said(out)
}

#[test]
fn every_capture_reads_as_the_independent_reader_reads_it() {
    let mut n_messages = 0;
    for name in CAPTURES {
        let elf = elf(name);
        let oracle = answer(&format!("{name}.json"));
        let found = read_fixture(name);
        let theirs = oracle["messages"].as_array().unwrap();
        for (message, theirs) in found.messages.iter().zip(theirs) {
            let mut ours = shown(message, &elf);
            let mut theirs = expected(theirs);
            if let Some(registers) = theirs.get_mut("registers").and_then(Value::as_array_mut) {
                // JSON objects of the oracle are read in the order of their names: compare as sets of words.
                registers.sort_by_key(ToString::to_string);
                ours["registers"]
                    .as_array_mut()
                    .unwrap()
                    .sort_by_key(ToString::to_string);
            }
            assert_eq!(ours, theirs, "{name}");
            n_messages += 1;
        }
        assert_eq!(found.messages.len(), theirs.len(), "{name}");
        // Lost messages are ours alone: the reader of the page does not look at sequence numbers.
        let warnings = found
            .warnings
            .iter()
            .filter(|warning| warning.code != "FS-SDK-006");
        let places: Vec<_> = warnings.map(|warning| warning.offset.unwrap()).collect();
        let theirs: Vec<_> = oracle["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|w| w["offset"].as_u64().unwrap())
            .collect();
        assert_eq!(places, theirs, "{name}: {:#?}", found.warnings);
    }
    assert!(n_messages > 60, "{n_messages}");
}

#[test]
fn definitions_are_those_that_the_independent_reader_finds() {
    let mut n_metrics = 0;
    for name in CAPTURES {
        let oracle = answer(&format!("{name}.json"));
        let ours: Vec<Value> = elf(name).metrics.iter().map(|metric| {
            let definition = &metric.definition;
            let mut out = json!({"id": metric.id, "name": definition.name, "type": metric.sent_type, "unit": definition.unit,
                "min": definition.min, "max": definition.max, "description": definition.description, "length": metric.length});
            if !definition.values.is_empty() {
                out["values"] = json!(definition.values);
            }
            said(out)
        }).collect();
        let theirs = oracle["definitions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| {
                let mut out = said(metric.clone());
                out.as_object_mut()
                    .unwrap()
                    .retain(|_, field| *field != json!(""));
                for limit in ["min", "max"] {
                    if let Some(number) = out.get(limit).and_then(Value::as_f64) {
                        out[limit] = json!(number);
                    }
                }
                out
            });
        n_metrics += ours.len();
        assert_eq!(ours, theirs.collect::<Vec<_>>(), "{name}");
    }
    assert!(n_metrics > 15, "{n_metrics}");
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn every_vector_reads_the_same_as_lines_as_frames_and_as_cbor() {
    let vectors = answer("vectors.json");
    let mut n_messages = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let name = &vector["name"];
        let lines: Vec<&str> = vector["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap())
            .collect();
        let of_lines = read(
            lines.join("\r\n").as_bytes(),
            SdkCarrier::Lines,
            &Unattended,
        )
        .unwrap();
        let of_frames = read(
            &bytes_of(vector["cobs"].as_str().unwrap()),
            SdkCarrier::Cobs,
            &Unattended,
        )
        .unwrap();
        assert_eq!(
            (&of_lines.warnings[..], &of_frames.warnings[..]),
            (&[][..], &[][..]),
            "{name}"
        );
        let sent = vector["messages"].as_array().unwrap();
        assert_eq!(
            (of_lines.messages.len(), of_frames.messages.len()),
            (sent.len(), sent.len()),
            "{name}"
        );
        for ((line, frame), sent) in of_lines.messages.iter().zip(&of_frames.messages).zip(sent) {
            let plain = read_message(
                sent["kind"].as_u64().unwrap() as u8,
                &bytes_of(sent["cbor"].as_str().unwrap()),
            )
            .unwrap();
            assert_eq!(json!(line.sequence), sent["sequence"], "{name}");
            assert_eq!(
                (&line.sender, &line.body),
                (&plain.sender, &plain.body),
                "{name}"
            );
            assert_eq!(
                (&frame.sender, &frame.body),
                (&plain.sender, &plain.body),
                "{name}"
            );
            n_messages += 1;
        }
    }
    assert!(n_messages > 10, "{n_messages}");
}

#[test]
fn a_capture_that_is_cut_gives_what_came_before_the_cut() {
    for name in CAPTURES {
        let bytes = fixture(&format!("{name}.uart"));
        let whole = read_fixture(name);
        for end in (0..bytes.len()).step_by(31) {
            let cut = read(&bytes[..end], carrier(name), &Unattended).unwrap();
            let n_before = whole
                .messages
                .iter()
                .take_while(|message| message.place.end <= end as u64)
                .count();
            assert!(cut.messages.len() >= n_before, "{name} at {end}");
            assert_eq!(
                cut.messages[..n_before],
                whole.messages[..n_before],
                "{name} at {end}"
            );
            // Only a coredump is shown in part.
            for message in &cut.messages[n_before..] {
                let MessageBody::Coredump(dump) = &message.body else {
                    panic!("{name} at {end}: {message:?}")
                };
                assert!(!dump.is_whole, "{name} at {end}");
            }
        }
    }
}

#[test]
fn a_flipped_bit_loses_one_message_and_never_invents_one() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for name in CAPTURES {
        let mut bytes = fixture(&format!("{name}.uart"));
        let whole = read_fixture(name).messages;
        for _ in 0..400 {
            let (at, bit) = (random() % bytes.len(), random() % 8);
            bytes[at] ^= 1 << bit;
            let found = read(&bytes, carrier(name), &Unattended).unwrap().messages;
            bytes[at] ^= 1 << bit;
            let is_partial = |message: &DeviceMessage| matches!(&message.body, MessageBody::Coredump(dump) if !dump.is_whole || !whole.iter().any(|w| w.body == message.body));
            let n_invented = found.iter().filter(|message| {
                !is_partial(message)
                    && !whole
                        .iter()
                        .any(|w| w.body == message.body && w.sequence == message.sequence)
            });
            assert_eq!(n_invented.count(), 0, "{name}: bit {bit} of {at}");
            // Two when the end of a line or of a frame is gone.
            assert!(found.len() + 2 >= whole.len(), "{name}: bit {bit} of {at}");
        }
    }
}
