//! What a person does to issues, with a sentence that says what came of it.

use super::queries::issue_list::{Issue, IssueListQuery};
use super::query::QueryError;
use super::workspace::{Workspace, now};
use crate::store::ids::CrashId;

impl Workspace {
    pub(super) fn merge_issues(&self, from: &[String], into: &str) -> Result<String, QueryError> {
        let issues = self.run(&IssueListQuery::default())?;
        let target = find(&issues, into)?;
        let mut names = Vec::new();
        for key in from.iter().filter(|key| *key != into) {
            names.push(quoted(&find(&issues, key)?.title));
        }
        if names.is_empty() {
            return Err(QueryError::Unanswerable(
                "FS-ISSUE-001: an issue cannot be merged with itself. Choose another one."
                    .to_owned(),
            ));
        }
        let what = format!("merge {} into {}", names.join(", "), quoted(&target.title));
        self.store().merge_issues(from, into, &what, &now())?;
        Ok(format!(
            "Merged into {}. Undo takes it back.",
            quoted(&target.title)
        ))
    }

    pub(super) fn split_crash(&self, crash: i64) -> Result<String, QueryError> {
        let issues = self.run(&IssueListQuery::default())?;
        let issue = issues
            .iter()
            .find(|issue| issue.crashes.iter().any(|row| row.id == crash))
            .ok_or_else(|| gone("crash"))?;
        let what = format!("split a crash off {}", quoted(&issue.title));
        self.store()
            .split_crashes(&[CrashId(crash)], &what, &now())?;
        Ok(format!(
            "The crash left {}. Undo takes it back.",
            quoted(&issue.title)
        ))
    }

    pub(super) fn rename_issue(
        &self,
        key: &str,
        title: Option<&str>,
    ) -> Result<String, QueryError> {
        let title = title.map(str::trim).filter(|title| !title.is_empty());
        let what = title.map_or_else(
            || "take the title of an issue back".to_owned(),
            |title| format!("rename an issue to {}", quoted(title)),
        );
        self.store().rename_issue(key, title, &what, &now())?;
        Ok("Title changed. Undo takes it back.".to_owned())
    }

    pub(super) fn close_issue(&self, key: &str, closed: bool) -> Result<String, QueryError> {
        let issues = self.run(&IssueListQuery::default())?;
        let title = quoted(&find(&issues, key)?.title);
        let verb = if closed { "close" } else { "open" };
        self.store()
            .close_issue(key, closed, &format!("{verb} {title}"), &now())?;
        Ok(if closed {
            "Issue closed: it moves to the end of the list. Undo takes it back.".to_owned()
        } else {
            "Issue open again. Undo takes it back.".to_owned()
        })
    }

    pub(super) fn note_issue(&self, key: &str, note: Option<&str>) -> Result<String, QueryError> {
        let note = note.map(str::trim).filter(|note| !note.is_empty());
        self.store()
            .note_issue(key, note, "change the note of an issue", &now())?;
        Ok("Note kept. Undo takes it back.".to_owned())
    }

    pub(super) fn undo_issues(&self) -> Result<String, QueryError> {
        let what = self.store().undo_issue_step()?;
        Ok(what.map_or_else(
            || "There is nothing to undo.".to_owned(),
            |what| format!("Undone: {what}."),
        ))
    }

    pub(super) fn redo_issues(&self) -> Result<String, QueryError> {
        let what = self.store().redo_issue_step()?;
        Ok(what.map_or_else(
            || "There is nothing to do again.".to_owned(),
            |what| format!("Done again: {what}."),
        ))
    }
}

fn find<'a>(issues: &'a [Issue], key: &str) -> Result<&'a Issue, QueryError> {
    issues
        .iter()
        .find(|issue| issue.key == key)
        .ok_or_else(|| gone("issue"))
}

fn gone(what: &str) -> QueryError {
    QueryError::NotFound(format!("This {what} is no longer in the workspace."))
}

fn quoted(title: &str) -> String {
    format!("\u{201c}{}\u{201d}", title.replace('`', ""))
}
