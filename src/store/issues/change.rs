//! What a person does to issues: merge, split, rename, close, note. Each is one logged step.

use super::resolve::{Hand, Place, key_text, short_key};
use super::{IssueGroup, grouped};
use crate::store::{
    crash::{CrashFilter, CrashRow},
    error::StoreError,
    ids::CrashId,
    open::Store,
};
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::BTreeSet;

impl Store {
    /// Makes one issue of several: the crashes of `from`, and those that will come, belong to `into`.
    pub fn merge_issues(
        &self,
        from: &[String],
        into: &str,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        let groups = self.groups()?;
        let (into_place, _) = find(&groups, into)?;
        let mut places = Vec::new();
        for key in from.iter().filter(|key| *key != into) {
            places.push(find(&groups, key)?.0.clone());
        }
        self.issue_step(what, now, |transaction| {
            let target = row_of(transaction, into_place, now)?;
            for place in &places {
                move_to(transaction, place, target)?;
            }
            Ok(())
        })
    }

    /// Takes crashes out of their issue into a new one. When they are all that have their fingerprint, and the issue
    /// has others, the fingerprint goes with them. Answers the key of the new issue.
    pub fn split_crashes(
        &self,
        crashes: &[CrashId],
        what: &str,
        now: &str,
    ) -> Result<String, StoreError> {
        let groups = self.groups()?;
        let first = crashes.first().copied().unwrap_or(CrashId(0));
        let holds = |group: &IssueGroup, id: CrashId| group.crashes.iter().any(|row| row.id == id);
        let (_, group) = groups
            .iter()
            .find(|(_, group)| holds(group, first))
            .ok_or(StoreError::NoSuchCrash { crash: first })?;
        if let Some(other) = crashes.iter().find(|id| !holds(group, **id)) {
            return Err(StoreError::Invalid {
                what: format!("crash {other} belongs to another issue"),
            });
        }
        let identities: BTreeSet<&str> = group
            .crashes
            .iter()
            .filter(|row| crashes.contains(&row.id))
            .map(|row| row.identity.as_str())
            .collect();
        let goes = |row: &CrashRow| identities.contains(row.identity.as_str());
        if group.crashes.iter().all(goes) {
            return Err(StoreError::Invalid {
                what: "these are all crashes of the issue, so that nothing would be left"
                    .to_owned(),
            });
        }
        let keys: Vec<String> = group
            .fingerprints
            .iter()
            .filter(|key| {
                let mut rows = group.crashes.iter();
                rows.all(|row| row.fingerprint.as_ref() != Some(*key) || goes(row))
            })
            .map(key_text)
            .collect();
        let joined: Vec<&str> = identities.iter().copied().collect();
        let key = match keys.as_slice() {
            [one] if *one != group.key => one.clone(),
            _ => short_key("split", &joined.join("\n")),
        };
        self.issue_step(what, now, |transaction| {
            let target = made(transaction, &key, now)?;
            for key in &keys {
                own(transaction, key, target)?;
            }
            for identity in &identities {
                put_member(transaction, identity, target)?;
            }
            Ok(())
        })?;
        Ok(key)
    }

    /// Gives an issue a title; `None` takes it back.
    pub fn rename_issue(
        &self,
        key: &str,
        title: Option<&str>,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        self.set(key, "title", &title.map(str::to_owned), what, now)
    }

    /// Closes an issue or opens it again.
    pub fn close_issue(
        &self,
        key: &str,
        closed: bool,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        self.set(key, "closed", &closed, what, now)
    }

    /// Replaces the note of an issue; `None` takes it away.
    pub fn note_issue(
        &self,
        key: &str,
        note: Option<&str>,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        self.set(key, "note", &note.map(str::to_owned), what, now)
    }

    fn set(
        &self,
        key: &str,
        column: &'static str,
        value: &dyn rusqlite::ToSql,
        what: &str,
        now: &str,
    ) -> Result<(), StoreError> {
        let groups = self.groups()?;
        let (place, _) = find(&groups, key)?;
        self.issue_step(what, now, |transaction| {
            let issue = row_of(transaction, place, now)?;
            let sql = format!("UPDATE issues SET {column} = ?2 WHERE id = ?1");
            transaction.execute(&sql, params![issue, value])?;
            Ok(())
        })
    }

    fn groups(&self) -> Result<Vec<(Place, IssueGroup)>, StoreError> {
        let reader = self.reader()?;
        let rows = reader.crashes(&CrashFilter::default())?;
        let hand = reader.ask(Hand::read)?;
        Ok(grouped(rows, &hand))
    }
}

fn find<'a>(
    groups: &'a [(Place, IssueGroup)],
    key: &str,
) -> Result<&'a (Place, IssueGroup), StoreError> {
    groups
        .iter()
        .find(|(_, group)| group.key == key)
        .ok_or_else(|| StoreError::NoSuchIssue {
            key: key.to_owned(),
        })
}

/// The row of an issue, made if it has none.
fn row_of(transaction: &Transaction<'_>, place: &Place, now: &str) -> Result<i64, StoreError> {
    match place {
        Place::Made(id) => Ok(*id),
        Place::Key(key) => {
            let id = made(transaction, key, now)?;
            own(transaction, key, id)?;
            Ok(id)
        }
        Place::Alone(identity) => {
            let id = made(transaction, &place.key(), now)?;
            put_member(transaction, identity, id)?;
            Ok(id)
        }
    }
}

/// The row with this key: a new one, or the one that was merged away.
fn made(transaction: &Transaction<'_>, key: &str, now: &str) -> Result<i64, StoreError> {
    let there: Option<i64> = transaction
        .query_row("SELECT id FROM issues WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(id) = there {
        transaction.execute("UPDATE issues SET merged_into = NULL WHERE id = ?1", [id])?;
        return Ok(id);
    }
    transaction.execute(
        "INSERT INTO issues (key, created_at) VALUES (?1, ?2)",
        params![key, now],
    )?;
    Ok(transaction.last_insert_rowid())
}

fn move_to(transaction: &Transaction<'_>, place: &Place, target: i64) -> Result<(), StoreError> {
    match place {
        Place::Made(id) => {
            for sql in [
                "UPDATE issue_keys SET issue = ?2 WHERE issue = ?1",
                "UPDATE issue_members SET issue = ?2 WHERE issue = ?1",
                "UPDATE issues SET merged_into = ?2 WHERE id = ?1",
            ] {
                transaction.execute(sql, params![id, target])?;
            }
            Ok(())
        }
        Place::Key(key) => own(transaction, key, target),
        Place::Alone(identity) => put_member(transaction, identity, target),
    }
}

fn own(transaction: &Transaction<'_>, key: &str, issue: i64) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO issue_keys (key, issue) VALUES (?1, ?2) \
         ON CONFLICT (key) DO UPDATE SET issue = excluded.issue, follows = NULL",
        params![key, issue],
    )?;
    Ok(())
}

fn put_member(transaction: &Transaction<'_>, identity: &str, issue: i64) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO issue_members (identity, issue) VALUES (?1, ?2) \
         ON CONFLICT (identity) DO UPDATE SET issue = excluded.issue",
        params![identity, issue],
    )?;
    Ok(())
}
