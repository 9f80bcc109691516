//! One issue, and the issues that look like it, each with a frame-by-frame difference.

use super::crash_list::CrashRow;
use super::issue_list::{Issue, IssueListQuery};
use crate::analysis::similarity::{AlignedPair, Alignment, Side, compare};
use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::model::report::{CrashReport, Frame};
use crate::store::ids::CrashId;

/// Issues that are compared with one; the newest ones count.
const MAX_COMPARED: usize = 400;
/// Similar issues that are suggested.
const MAX_SIMILAR: usize = 6;
/// From this share on an issue is suggested.
const LEAST_SHARE: f64 = 0.5;

/// Asks for one issue.
#[derive(Clone, Debug)]
pub struct IssueDetailQuery {
    /// Its key.
    pub key: String,
}

/// One issue with what looks like it.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueDetail {
    /// The issue, with all its crashes.
    pub issue: Issue,
    /// Why its crashes were grouped: the rule of the newest fingerprint, in words.
    pub rule: Option<String>,
    /// The frames that went into it.
    pub frames_used: Vec<String>,
    /// Issues that look like it, the most alike first.
    pub similar: Vec<SimilarIssue>,
}

/// An issue that looks like another.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarIssue {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Its crashes.
    pub n_crashes: usize,
    /// How alike, from 0 to 1.
    pub share: f64,
    /// How alike, in words.
    pub sentence: String,
    /// Both stacks side by side, innermost frame first.
    pub diff: Vec<DiffRow>,
}

/// One line of the difference of two stacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffRow {
    /// What it says.
    pub kind: DiffKind,
    /// The frame of this issue.
    pub here: Option<DiffFrame>,
    /// The frame of the other issue.
    pub there: Option<DiffFrame>,
}

/// What a line of the difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffKind {
    /// The same function and line.
    Same,
    /// The same function at another line.
    OtherLine,
    /// Only in this issue.
    OnlyHere,
    /// Only in the other issue.
    OnlyThere,
}

impl DiffKind {
    /// The word on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::OtherLine => "other line",
            Self::OnlyHere => "only here",
            Self::OnlyThere => "only there",
        }
    }
}

/// A frame in a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffFrame {
    /// Function, or the address where it has no name.
    pub function: String,
    /// `main.c:151`.
    pub place: Option<String>,
}

impl Query for IssueDetailQuery {
    type Output = IssueDetail;

    fn run(&self, context: &QueryContext) -> Result<IssueDetail, QueryError> {
        let mut issues = IssueListQuery::default().run(context)?;
        let at = issues.iter().position(|issue| issue.key == self.key);
        let Some(at) = at else {
            return Err(QueryError::NotFound(
                "This issue is no longer there: it was merged into another one, or its captures were removed."
                    .to_owned(),
            ));
        };
        let issue = issues.remove(at);
        let report = representative(context, &issue)?;
        issues.sort_by_key(|other| std::cmp::Reverse(other.crashes.first().map(|row| row.id)));
        let mut similar = Vec::new();
        if let Some((row, report)) = &report {
            for other in issues.iter().take(MAX_COMPARED) {
                similar.extend(compared(context, row, report, other)?);
            }
        }
        similar.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.key.cmp(&b.key)));
        similar.truncate(MAX_SIMILAR);
        let fingerprint = report.and_then(|(_, report)| report.fingerprint);
        Ok(IssueDetail {
            issue,
            rule: fingerprint
                .as_ref()
                .map(|fingerprint| fingerprint.rule.clone()),
            frames_used: fingerprint.map_or_else(Vec::new, |fingerprint| fingerprint.frames_used),
            similar,
        })
    }
}

/// The crash that stands for an issue, with its report.
fn representative(
    context: &QueryContext,
    issue: &Issue,
) -> Result<Option<(CrashRow, CrashReport)>, QueryError> {
    let Some(row) = issue.representative() else {
        return Ok(None);
    };
    let report = context.reader()?.crash_report(CrashId(row.id))?;
    Ok(Some((row.clone(), report)))
}

fn compared(
    context: &QueryContext,
    row: &CrashRow,
    report: &CrashReport,
    other: &Issue,
) -> Result<Option<SimilarIssue>, QueryError> {
    let Some((other_row, other_report)) = representative(context, other)? else {
        return Ok(None);
    };
    let (here, there) = (frames(report), frames(&other_report));
    let similarity = compare(
        &Side {
            frames: here,
            build: row.build_id.as_deref(),
            kind: row.kind,
        },
        &Side {
            frames: there,
            build: other_row.build_id.as_deref(),
            kind: other_row.kind,
        },
    );
    if similarity.share < LEAST_SHARE {
        return Ok(None);
    }
    Ok(Some(SimilarIssue {
        key: other.key.clone(),
        title: other.title.clone(),
        n_crashes: other.crashes.len(),
        share: similarity.share,
        sentence: similarity.sentence,
        diff: similarity
            .pairs
            .iter()
            .map(|pair| diff_row(pair, here, there))
            .collect(),
    }))
}

fn frames(report: &CrashReport) -> &[Frame] {
    let mut threads = report.threads.iter();
    let crashed = threads
        .find(|thread| thread.crashed)
        .or_else(|| report.threads.first());
    crashed.map_or(&[][..], |thread| thread.frames_of_crash())
}

fn diff_row(pair: &AlignedPair, here: &[Frame], there: &[Frame]) -> DiffRow {
    DiffRow {
        kind: match pair.alignment {
            Alignment::Same => DiffKind::Same,
            Alignment::OtherLine => DiffKind::OtherLine,
            Alignment::OnlyHere => DiffKind::OnlyHere,
            Alignment::OnlyThere => DiffKind::OnlyThere,
        },
        here: pair.here.and_then(|at| here.get(at)).map(diff_frame),
        there: pair.there.and_then(|at| there.get(at)).map(diff_frame),
    }
}

fn diff_frame(frame: &Frame) -> DiffFrame {
    let name = frame.qualified.as_ref().or(frame.function.as_ref());
    let place = frame.file.as_deref().map(|file| {
        let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
        match frame.line {
            Some(line) => format!("{file}:{line}"),
            None => file.to_owned(),
        }
    });
    DiffFrame {
        function: name.cloned().unwrap_or_else(|| frame.pc.to_string()),
        place,
    }
}
