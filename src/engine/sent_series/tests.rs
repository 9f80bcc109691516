use super::{SentSeries, sent_series};
use crate::engine::examine::{Examined, ExaminedFile};
use crate::engine::input::InputFile;
use crate::formats::manifest::{Manifest, ManifestFile};
use crate::formats::scan::FileScan;
use crate::formats::sdk::definitions::{self, DefinedMetric};
use crate::model::build_id::BuildId;
use crate::model::device_message::{
    DeviceEvent, DeviceMessage, EventKind, Heartbeat, MessageBody, Reason, Sender, SentCoredump,
    SentValue,
};
use crate::model::progress::Unattended;
use crate::model::series::Values;

/// 2024-01-31T12:00:00Z.
const NOON: i64 = 1_706_702_400;
const S: i64 = 1_000_000_000;
const IMPORTED: &str = "2024-02-01T00:00:00.000000000Z";
const MIDNIGHT: i64 = 1_706_745_600 * S;

fn build() -> BuildId {
    BuildId::from_hex("00112233445566778899aabbccddeeff00112233").unwrap()
}

/// A message of device D1, which has no clock, at so many seconds since boot.
fn message(boot: u64, uptime_s: u64, body: MessageBody) -> DeviceMessage {
    DeviceMessage {
        place: 0..1,
        sequence: 0,
        sender: Sender {
            serial: Some("D1".to_owned()),
            software_version: Some("1.0".to_owned()),
            build_id: Some(build()),
            boot: Some(boot),
            uptime_ms: Some(uptime_s * 1000),
            ..Sender::default()
        },
        body,
    }
}

fn beat(boot: u64, uptime_s: u64) -> DeviceMessage {
    let heartbeat = Heartbeat {
        interval_ms: Some(60_000),
        values: [(0, SentValue::Integer(-57))].into(),
    };
    message(boot, uptime_s, MessageBody::Heartbeat(heartbeat))
}

fn event(boot: u64, uptime_s: u64, kind: EventKind, reason: Option<u64>) -> DeviceMessage {
    let event = DeviceEvent {
        kind,
        reason: reason.map(Reason),
        ..DeviceEvent::default()
    };
    message(boot, uptime_s, MessageBody::Event(event))
}

fn with_clock(mut message: DeviceMessage, time_s: i64) -> DeviceMessage {
    message.sender.time_s = u64::try_from(time_s).ok();
    message
}

/// A file of messages; `text` is what the lines around them say, a message a line.
fn file(text: &str, mut messages: Vec<DeviceMessage>, modified_ns: Option<i64>) -> ExaminedFile {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at as u64 + 1));
    for (message, start) in messages.iter_mut().zip(starts) {
        message.place = start..start + 1;
    }
    ExaminedFile {
        input: InputFile {
            path: "uart.log".to_owned(),
            on_disk: None,
            bytes: text.as_bytes().to_vec().into(),
            modified_ns,
        },
        scan: FileScan {
            messages,
            n_lines: Some(1),
            ..FileScan::default()
        },
        n_dumps: 0,
        sha256: None,
    }
}

fn examined(file: ExaminedFile, manifest: Option<Manifest>) -> Examined {
    Examined {
        files: vec![file],
        manifest,
        ..Examined::default()
    }
}

fn metrics(id: &BuildId) -> Option<Vec<DefinedMetric>> {
    (*id == build()).then(|| definitions::metrics(0, b"RSSI\0type=gauge_i32\0unit=dBm\0\0"))
}

fn read(examined: &Examined) -> SentSeries {
    sent_series(examined, IMPORTED, &metrics, &Unattended).unwrap()
}

fn times(sent: &SentSeries) -> Vec<i64> {
    let batches = sent.new.heartbeats.iter();
    batches.flat_map(|batch| batch.time_ns.clone()).collect()
}

fn events(sent: &SentSeries) -> Vec<(i64, &str, Option<&str>)> {
    let events = sent.new.events.iter();
    events
        .map(|event| (event.time_ns, event.kind.as_str(), event.issue.as_deref()))
        .collect()
}

#[test]
fn a_heartbeat_with_a_clock_has_its_time_and_one_before_the_clock_was_set_is_worked_out() {
    let messages = vec![
        event(1, 0, EventKind::Boot, Some(1)),
        beat(1, 60),
        with_clock(beat(1, 120), NOON),
        with_clock(beat(1, 180), NOON + 60),
    ];
    let sent = read(&examined(file("", messages, Some(1)), None));
    assert_eq!(times(&sent), [(NOON - 60) * S, NOON * S, (NOON + 60) * S]);
    assert_eq!(
        events(&sent),
        [((NOON - 120) * S, "boot", Some("power_on"))]
    );
    assert_eq!(sent.findings.len(), 1, "{:?}", sent.findings);
    assert!(sent.findings[0].message.contains("1 s"));
    assert_eq!(sent.device, Some(("D1".to_owned(), None)));
    let batch = &sent.new.heartbeats[0];
    assert_eq!(batch.metrics[0].0, "RSSI");
    assert_eq!(batch.metrics[0].1.values, Values::I32(vec![-57; 3]));
}

#[test]
fn a_clock_that_was_never_set_is_no_clock() {
    let messages = vec![with_clock(beat(1, 60), 60)];
    let sent = read(&examined(file("", messages, Some(NOON * S)), None));
    assert_eq!(times(&sent), [NOON * S], "the file was changed then");
    assert_eq!(sent.findings[0].code.as_deref(), Some("FS-SDK-022"));
    assert!(sent.findings[0].message.contains("2024-01-31T12:00:00"));
}

#[test]
fn lines_that_carry_messages_tell_their_time_and_the_soonest_one_counts() {
    // The second one came two seconds late.
    let text = "[2024-01-31 12:01:00.000] FS:x\n[2024-01-31 12:02:02.000] FS:x\n";
    let messages = vec![beat(1, 60), beat(1, 120)];
    let sent = read(&examined(file(text, messages, None), None));
    assert_eq!(times(&sent), [(NOON + 60) * S, (NOON + 120) * S]);
    assert!(sent.findings[0].message.contains("up to 2 s late"));
    // A line without a message, somewhere before.
    let text = "plain\n[2024-01-31 12:00:00.000] hello\n";
    let sent = read(&examined(file(text, vec![beat(1, 0)], None), None));
    assert_eq!(times(&sent), [NOON * S]);
    assert!(sent.findings[0].message.contains("far off"));
}

#[test]
fn boots_without_a_clock_are_placed_by_their_neighbours() {
    let messages = vec![
        beat(1, 60),
        event(2, 0, EventKind::Boot, Some(1)),
        with_clock(beat(2, 60), NOON),
        // It crashed at 100 s, said so after the reset, and ran on without a clock.
        event(2, 100, EventKind::Crash, Some(7)),
        event(3, 0, EventKind::Boot, Some(7)),
        beat(3, 60),
        message(2, 100, MessageBody::Coredump(Box::default())),
    ];
    let sent = read(&examined(file("", messages, Some(1)), None));
    let second = NOON - 60;
    assert_eq!(
        times(&sent),
        [second * S, NOON * S, (second + 100 + 60) * S],
        "the first ends where the second begins, the third begins at the crash"
    );
    assert_eq!(
        events(&sent),
        [
            (second * S, "boot", Some("power_on")),
            ((second + 100) * S, "crash", Some("fault")),
            ((second + 100) * S, "boot", Some("fault")),
        ],
        "a crash is told of by an event and a coredump"
    );
}

#[test]
fn a_crash_whose_event_was_lost_is_told_of_by_its_coredump() {
    let dump = SentCoredump {
        reason: Some(Reason(8)),
        ..SentCoredump::default()
    };
    let messages = vec![
        event(5, 0, EventKind::Boot, Some(8)),
        with_clock(message(4, 100, MessageBody::Coredump(Box::new(dump))), NOON),
    ];
    let sent = read(&examined(file("", messages, None), None));
    assert_eq!(
        events(&sent),
        [
            (NOON * S, "assert", Some("assert")),
            (NOON * S, "boot", Some("assert")),
        ]
    );
}

#[test]
fn the_manifest_and_then_the_file_and_then_the_import_say_when_it_was() {
    let of = |manifest: Option<Manifest>, modified| {
        let messages = vec![beat(1, 60), beat(1, 120)];
        times(&read(&examined(file("", messages, modified), manifest)))
    };
    let begun = Manifest {
        files: vec![ManifestFile {
            path: "uart.log".to_owned(),
            started_at: Some("2024-01-31T12:00:00Z".to_owned()),
            ..ManifestFile::default()
        }],
        ..Manifest::default()
    };
    assert_eq!(of(Some(begun), Some(1)), [NOON * S, (NOON + 60) * S]);
    let captured = Manifest {
        captured_at: Some("2024-01-31T12:00:00Z".to_owned()),
        ..Manifest::default()
    };
    assert_eq!(of(Some(captured), Some(1)), [(NOON - 60) * S, NOON * S]);
    assert_eq!(of(None, Some(NOON * S)), [(NOON - 60) * S, NOON * S]);
    assert_eq!(of(None, None), [MIDNIGHT - 60 * S, MIDNIGHT]);
}

#[test]
fn what_names_no_device_is_of_the_device_before_or_of_the_manifest() {
    let short = |boot, uptime| {
        let mut message = event(boot, uptime, EventKind::Disconnect, None);
        message.sender.serial = None;
        message.sender.software_version = None;
        message
    };
    let sent = read(&examined(
        file("", vec![short(1, 5), beat(1, 60)], None),
        None,
    ));
    assert_eq!(sent.new.events[0].serial, "D1");
    assert_eq!(sent.new.events[0].version.as_deref(), Some("1.0"));
    let manifest = Manifest {
        serial: Some("M7".to_owned()),
        ..Manifest::default()
    };
    let sent = read(&examined(file("", vec![short(1, 5)], None), Some(manifest)));
    assert_eq!(sent.new.events[0].serial, "M7");
    let sent = read(&examined(file("", vec![short(1, 5)], None), None));
    assert_eq!(
        (sent.new.events[0].serial.as_str(), sent.device),
        ("", None)
    );
}

#[test]
fn events_of_one_second_are_as_many_as_were_sent_and_repeated_ones_are_one() {
    let at = |uptime_ms| {
        let mut message = with_clock(event(1, 0, EventKind::Disconnect, None), NOON);
        message.sender.uptime_ms = Some(uptime_ms);
        message
    };
    let sent = read(&examined(file("", vec![at(5), at(5), at(900)], None), None));
    assert_eq!(
        events(&sent),
        [
            (NOON * S, "disconnect", None),
            (NOON * S + 1, "disconnect", None)
        ]
    );
}

#[test]
fn without_an_elf_rows_are_stored_and_their_values_wait() {
    let mut other = with_clock(beat(1, 120), NOON + 60);
    other.sender.build_id = BuildId::from_hex("ffeeddccbbaa99887766554433221100ffeeddcc");
    let mut nameless = with_clock(beat(1, 180), NOON + 120);
    nameless.sender.build_id = None;
    let messages = vec![with_clock(beat(1, 60), NOON), other.clone(), nameless];
    let sent = read(&examined(file("", messages, None), None));
    assert_eq!(times(&sent).len(), 3);
    let waiting: Vec<_> = sent
        .new
        .waiting
        .iter()
        .map(|w| (&w.build_id, w.n_heartbeats))
        .collect();
    assert_eq!(waiting, [(&None, 1), (&other.sender.build_id, 1)]);
    let n_codes = sent
        .findings
        .iter()
        .filter(|f| f.code.as_deref() == Some("FS-SDK-020"));
    assert_eq!(n_codes.count(), 2);
}

#[test]
fn a_boot_counter_that_begins_anew_is_another_boot() {
    // Power was lost twice: every run is boot 1.
    let messages = vec![beat(1, 60), beat(1, 120), beat(1, 60)];
    let sent = read(&examined(file("", messages, Some(NOON * S)), None));
    assert_eq!(times(&sent), [(NOON - 120) * S, (NOON - 60) * S, NOON * S]);
}
