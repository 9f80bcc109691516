//! Issues with their crashes and a similar one.

use super::report::fault;
use crate::engine::queries::crash_list::CrashRow;
use crate::engine::queries::issue_detail::{
    DiffFrame, DiffKind, DiffRow, IssueDetail, SimilarIssue,
};
use crate::engine::queries::issue_list::{Issue, Seen, VersionCount};
use crate::model::report::FaultKind;

pub(super) fn row(id: i64) -> CrashRow {
    CrashRow {
        id,
        capture: 1,
        capture_name: "customer-4711.zip".to_owned(),
        imported_at: "2026-11-23T12:00:00Z".to_owned(),
        captured_at: (id < 8).then(|| "2026-11-20T08:30:00Z".to_owned()),
        device_id: id % 2,
        device: Some("DA143532".to_owned()),
        boot: Some(7),
        version: Some("1.4.3".to_owned()),
        build_id: Some("a1e688f256e24a716eeb9f842b28f2dcd2335ff7".to_owned()),
        kind: Some(FaultKind::NullPointer),
        summary: fault().summary,
        thread: Some("logger".to_owned()),
        function: Some("prv_write_page".to_owned()),
        is_symbolized: true,
        is_verified: true,
        fingerprint: Some("b2d1f0a4".to_owned()),
        dump_key: None,
        n_seen: 1,
    }
}

fn issue(
    key: &str,
    title: &str,
    kind: FaultKind,
    ids: &[i64],
    (is_symbolized, is_verified): (bool, bool),
) -> Issue {
    let crashes: Vec<CrashRow> = ids
        .iter()
        .map(|id| CrashRow {
            is_symbolized,
            is_verified,
            kind: Some(kind),
            summary: title.to_owned(),
            capture: if *id == 8 { 2 } else { 1 },
            ..row(*id)
        })
        .collect();
    let seen = |row: Option<&CrashRow>| row.map(Seen::of).unwrap_or_default();
    Issue {
        key: key.to_owned(),
        title: title.to_owned(),
        is_titled: false,
        is_closed: false,
        note: None,
        is_by_hand: false,
        kind: Some(kind),
        n_devices: crashes.len().min(2),
        n_named: if is_symbolized { crashes.len() } else { 0 },
        versions: vec![VersionCount {
            version: Some("1.4.3".to_owned()),
            n_crashes: crashes.len(),
            n_devices: crashes.len().min(2),
        }],
        fingerprints: vec![key.to_owned()],
        first_seen: seen(crashes.last()),
        last_seen: seen(crashes.first()),
        crashes,
    }
}

/// Three issues: one with names and two versions, one not verified, one without names.
pub(super) fn all_issues() -> Vec<Issue> {
    let mut first = issue(
        "v1:1:b2d1f0a4",
        "`prv_write_page` wrote through a null pointer, in thread `logger`",
        FaultKind::NullPointer,
        &[8, 7],
        (true, true),
    );
    first.note = Some("FW-231, fixed in 1.4.4".to_owned());
    first.versions = ["1.4.3", "1.4.2"]
        .map(|version| VersionCount {
            version: Some(version.to_owned()),
            n_crashes: 1,
            n_devices: 1,
        })
        .to_vec();
    vec![
        issue(
            "v1:2:d4",
            "Hard fault at 0x0800a1b2",
            FaultKind::Unknown,
            &[6, 5, 4],
            (false, false),
        ),
        first,
        issue(
            "v1:1:c3",
            "The stack of task `sensor` overflowed in `format_reading`",
            FaultKind::StackOverflow,
            &[3],
            (true, false),
        ),
    ]
}

/// An issue with the last one as similar.
pub(super) fn issue_detail(at: usize) -> IssueDetail {
    let mut all = all_issues();
    let issue = all.remove(at.min(2));
    let frame = |function: &str, place: &str| {
        Some(DiffFrame {
            function: function.to_owned(),
            place: Some(place.to_owned()),
        })
    };
    let similar = all.pop().map(|other| SimilarIssue {
        key: other.key,
        title: other.title,
        n_crashes: other.crashes.len(),
        share: 0.72,
        sentence: "2 functions are the same, 1 of them at another line, 1 frame only here, 1 frame only there."
            .to_owned(),
        diff: vec![
            DiffRow {
                kind: DiffKind::OtherLine,
                here: frame("prv_write_page", "flash.c:212"),
                there: frame("prv_write_page", "flash.c:230"),
            },
            DiffRow {
                kind: DiffKind::OnlyHere,
                here: frame("flash_write_bytes", "flash.c:148"),
                there: None,
            },
            DiffRow {
                kind: DiffKind::OnlyThere,
                here: None,
                there: frame("flash_erase", "flash.c:90"),
            },
            DiffRow {
                kind: DiffKind::Same,
                here: frame("logger_thread", "logger.c:58"),
                there: frame("logger_thread", "logger.c:58"),
            },
        ],
    });
    IssueDetail {
        rule: Some("fault class `access` + 2 frames".to_owned()),
        frames_used: vec!["prv_write_page".to_owned(), "flash_write_bytes".to_owned()],
        similar: similar.into_iter().collect(),
        issue,
    }
}
