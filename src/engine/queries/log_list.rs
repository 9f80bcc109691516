//! Every log of the workspace.

use crate::engine::context::QueryContext;
use crate::engine::logs::view::LogKey;
use crate::engine::merged_logs::offsets;
use crate::engine::query::{Query, QueryError};
use crate::store::capture::FileKind;

/// Asks for the logs, those of the newest capture first.
#[derive(Clone, Debug)]
pub struct LogListQuery;

/// One log in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLog {
    /// Which.
    pub key: LogKey,
    /// Path inside its capture.
    pub name: String,
    /// Name of the capture.
    pub capture: String,
    /// Serial number of the device, if known.
    pub device: Option<String>,
    /// Bytes.
    pub size_bytes: u64,
    /// Lines, of a text.
    pub n_rows: Option<u64>,
    /// Added to its times when it is merged with others, in nanoseconds.
    pub offset_ns: i64,
}

impl Query for LogListQuery {
    type Output = Vec<ListedLog>;

    fn run(&self, context: &QueryContext) -> Result<Vec<ListedLog>, QueryError> {
        let reader = context.reader()?;
        let mut logs: Vec<ListedLog> = context
            .live_logs()
            .all()
            .into_iter()
            .map(|live| {
                let (name, capture) = match live.link {
                    Some(link) => (link, "live"),
                    None => (live.path.display().to_string(), "file on disk"),
                };
                ListedLog {
                    name,
                    capture: capture.to_owned(),
                    device: None,
                    size_bytes: live.log.summary().n_bytes.1,
                    n_rows: Some(live.log.summary().n_rows),
                    offset_ns: 0,
                    key: LogKey::OnDisk { path: live.path },
                }
            })
            .collect();
        for capture in reader.captures()? {
            for file in reader.files(capture.id)? {
                if file.kind == FileKind::Log && file.is_kept {
                    logs.push(ListedLog {
                        key: LogKey::InCapture {
                            capture: capture.id.0,
                            path: file.path.clone(),
                        },
                        name: file.path,
                        capture: capture.name.clone(),
                        device: capture.serial.clone(),
                        size_bytes: file.size,
                        n_rows: file.n_lines,
                        offset_ns: 0,
                    });
                }
            }
        }
        let offsets = offsets(context)?;
        for log in &mut logs {
            let set = offsets.iter().find(|set| set.key == log.key);
            log.offset_ns = set.map_or(0, |set| set.offset_ns);
        }
        Ok(logs)
    }
}
