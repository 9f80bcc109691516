//! Which issue a crash belongs to: the rules of `mod.rs`, over what was done by hand.

use crate::store::{
    crash::{CrashRow, FingerprintKey},
    error::StoreError,
    reader::list,
    sha256::Sha256,
};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Keys that follow keys: symbols do not arrive more often than this for one crash.
const MAX_FOLLOWED: usize = 16;

/// Where a crash belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// An issue with a row of its own.
    Made(i64),
    /// The crashes of one fingerprint.
    Key(String),
    /// A crash without a fingerprint, by its identity.
    Alone(String),
}

impl Place {
    /// The key of an issue without a row.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Made(id) => format!("issue:{id}"),
            Self::Key(key) => key.clone(),
            Self::Alone(identity) => short_key("alone", identity),
        }
    }
}

/// `alone:0123456789abcdef`: a name made of what it names.
pub(super) fn short_key(prefix: &str, of: &str) -> String {
    let hash: String = Sha256::of(of.as_bytes())
        .to_string()
        .chars()
        .take(16)
        .collect();
    format!("{prefix}:{hash}")
}

/// `v1:1:0123456789abcdef`: a fingerprint with the version of its rule.
pub(super) fn key_text(fingerprint: &FingerprintKey) -> String {
    let version = format!("v{}:", fingerprint.version);
    if fingerprint.key.starts_with(&version) {
        fingerprint.key.clone()
    } else {
        format!("{version}{}", fingerprint.key)
    }
}

/// An issue's row.
pub(super) struct Record {
    pub(super) key: String,
    pub(super) title: Option<String>,
    pub(super) closed: bool,
    pub(super) note: Option<String>,
}

enum Owner {
    Issue(i64),
    Follows(String),
}

/// Everything that was done by hand.
pub(super) struct Hand {
    records: BTreeMap<i64, Record>,
    keys: BTreeMap<String, Owner>,
    members: BTreeMap<String, i64>,
    former: BTreeMap<String, Vec<String>>,
}

impl Hand {
    /// Reads it.
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let records = list(
            connection,
            "SELECT id, key, title, closed, note FROM issues",
            [],
            |row| {
                let record = Record {
                    key: row.get("key")?,
                    title: row.get("title")?,
                    closed: row.get("closed")?,
                    note: row.get("note")?,
                };
                Ok((row.get("id")?, record))
            },
        )?;
        let keys = list(
            connection,
            "SELECT key, issue, follows FROM issue_keys",
            [],
            |row| {
                let issue: Option<i64> = row.get("issue")?;
                let owner = match issue {
                    Some(issue) => Owner::Issue(issue),
                    None => Owner::Follows(row.get("follows")?),
                };
                Ok((row.get("key")?, owner))
            },
        )?;
        let members = list(
            connection,
            "SELECT identity, issue FROM issue_members",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let mut former: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let pairs: Vec<(String, String)> = list(
            connection,
            "SELECT identity, key FROM former_keys ORDER BY identity, key",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (identity, key) in pairs {
            former.entry(identity).or_default().push(key);
        }
        Ok(Self {
            records: records.into_iter().collect(),
            keys: keys.into_iter().collect(),
            members: members.into_iter().collect(),
            former,
        })
    }

    /// Where a crash belongs.
    pub(super) fn place(&self, row: &CrashRow) -> Place {
        if let Some(issue) = self.members.get(&row.identity) {
            return Place::Made(*issue);
        }
        let mut former = self.former.get(&row.identity).into_iter().flatten();
        if let Some(issue) = former.find_map(|key| self.owner(key)) {
            return Place::Made(issue);
        }
        match &row.fingerprint {
            None => Place::Alone(row.identity.clone()),
            Some(fingerprint) => {
                let key = key_text(fingerprint);
                self.owner(&key).map_or(Place::Key(key), Place::Made)
            }
        }
    }

    /// The row of an issue that has one.
    pub(super) fn record(&self, place: &Place) -> Option<&Record> {
        match place {
            Place::Made(id) => self.records.get(id),
            Place::Key(_) | Place::Alone(_) => None,
        }
    }

    /// A crash was put into this issue by itself.
    pub(super) fn has_members(&self, place: &Place) -> bool {
        matches!(place, Place::Made(id) if self.members.values().any(|issue| issue == id))
    }

    fn owner(&self, key: &str) -> Option<i64> {
        let mut key = key;
        for _ in 0..MAX_FOLLOWED {
            match self.keys.get(key)? {
                Owner::Issue(issue) => return Some(*issue),
                Owner::Follows(other) => key = other,
            }
        }
        None
    }
}
