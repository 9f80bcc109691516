use super::read::Recording;
use super::write::record;
use super::{
    Kind, LinkState, Record, Session, Stream, header, session_record, state_record, stream_record,
    traffic_record,
};
use std::time::Instant;

fn recording() -> Vec<u8> {
    let mut bytes = header();
    bytes.extend(session_record(&Session {
        started_at: "2026-11-29T20:00:00Z".to_owned(),
        recorded_by: "fieldscope 0.1.0".to_owned(),
    }));
    let stream = Stream {
        link: "uart".to_owned(),
        title: "/dev/ttyUSB0".to_owned(),
        ..Stream::default()
    };
    bytes.extend(stream_record(3, 5, &stream));
    for part in 0..20_u8 {
        let time_ns = 1000 * i64::from(part);
        bytes.extend(traffic_record(Kind::Received, 3, time_ns, &[part; 50]));
    }
    bytes.extend(traffic_record(Kind::Sent, 3, 21_000, b"reset\n"));
    bytes.extend(state_record(3, 22_000, &LinkState::Ended));
    bytes
}

fn read(bytes: &[u8]) -> (Vec<Record<'_>>, Vec<String>) {
    let mut recording = Recording::new(bytes);
    let records = recording.by_ref().collect();
    let warnings = recording.warnings().into_iter();
    (records, warnings.map(|warning| warning.code).collect())
}

#[test]
fn what_was_written_is_read() {
    let bytes = recording();
    let (records, warnings) = read(&bytes);
    assert!(warnings.is_empty());
    assert_eq!(records.len(), 24);
    let session: Session = serde_json::from_slice(records[0].payload).unwrap();
    assert_eq!(session.started_at, "2026-11-29T20:00:00Z");
    let received: Vec<_> = records
        .iter()
        .filter(|record| record.kind == Kind::Received)
        .collect();
    assert_eq!(received.len(), 20);
    assert_eq!(received[7].time_ns, 7000);
    assert_eq!((received[7].stream, received[7].payload), (3, &[7; 50][..]));
    assert_eq!(records[22].payload, b"reset\n");
    let state: LinkState = serde_json::from_slice(records[23].payload).unwrap();
    assert_eq!(state, LinkState::Ended);
}

/// The layout as docs/recording-format.md gives it, byte by byte.
#[test]
fn a_record_is_laid_out_as_documented() {
    assert_eq!(header(), *b"FSCAP\r\n\x1a\x01\0\0\0\0\0\0\0");
    let bytes = record(Kind::Received, 2, 0x0102_0304, b"hi");
    let expected = [
        0xfc, 0x5c, 2, 2, 2, 0, 0, 0, 4, 3, 2, 1, 0, 0, 0, 0, b'h', b'i',
    ];
    assert_eq!(bytes[..18], expected);
    // python3 -c "import zlib; print(hex(zlib.crc32(bytes.fromhex('fc5c0202020000000403020100000000') + b'hi')))"
    assert_eq!(bytes[18..], 0x40d8_a82c_u32.to_le_bytes());
    assert_eq!(bytes.len(), 22);
}

#[test]
fn one_that_was_cut_off_has_everything_up_to_there() {
    let bytes = recording();
    let (all, _) = read(&bytes);
    for n_bytes in 0..bytes.len() {
        let (records, warnings) = read(&bytes[..n_bytes]);
        assert_eq!(records, all[..records.len()], "{n_bytes}");
        // Between two records nothing tells that more was to come.
        assert!(warnings.len() <= 1, "{n_bytes}: {warnings:?}");
        let mut ends = all.iter().scan(16, |end, record| {
            *end += 16 + record.payload.len() + 4;
            Some(*end)
        });
        let n_whole = ends.position(|end| end > n_bytes).unwrap_or(all.len());
        assert_eq!(records.len(), n_whole, "{n_bytes}");
    }
}

#[test]
fn a_changed_byte_costs_its_own_record() {
    let bytes = recording();
    let (all, _) = read(&bytes);
    for at in 16..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        let (records, warnings) = read(&changed);
        assert_eq!(records.len(), all.len() - 1, "{at}");
        assert!(records.iter().all(|record| all.contains(record)), "{at}");
        assert_eq!(warnings.len(), 1, "{at}");
    }
}

#[test]
fn marks_without_records_end_in_bounded_time() {
    let mut bytes = header();
    for _ in 0..200_000 {
        bytes.extend_from_slice(&[0xfc, 0x5c, 2, 0, 0, 0, 8, 0]);
    }
    let started = Instant::now();
    let (records, warnings) = read(&bytes);
    assert!(records.is_empty());
    assert_eq!(warnings, ["FS-REC-003"]);
    assert!(started.elapsed().as_secs() < 20);
    assert_eq!(read(b"FSCAP\r\n").1, ["FS-REC-001"]);
    assert_eq!(read(b"FSCAP\r\n\x1a").1, ["FS-REC-003"]);
    assert_eq!(read(b"FSCAP\r\n\x1a\x02\0\0\0\0\0\0\0").1, ["FS-REC-002"]);
}
