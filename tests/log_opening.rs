//! A large log is shown before it is open: its beginning at once, and the same rows once the whole is there.

#[path = "common/device_log.rs"]
mod device_log;

use device_log::{Numbers, device_log};
use fieldscope::engine::Engine;
use fieldscope::engine::command::Command;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::loadable::Loadable;
use fieldscope::engine::logs::filter::{FilterStack, LogFilter};
use fieldscope::engine::logs::view::LogKey;
use fieldscope::engine::queries::log_find::{LogFindQuery, Wanted};
use fieldscope::engine::queries::log_rows::LogRowsQuery;
use fieldscope::engine::queries::log_summary::{LogOverview, LogSummaryQuery};
use fieldscope::engine::query::Query;
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::log::LogLevel;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Larger than what is opened as a whole before anything is shown.
const N_BYTES: usize = 36 << 20;
/// So long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_mins(2);

fn wait<Q: Query>(
    engine: &Engine,
    query: &Q,
    is_wanted: impl Fn(&Q::Output) -> bool,
) -> Arc<Q::Output> {
    let begun = Instant::now();
    loop {
        match engine.query(query.clone()) {
            Loadable::Ready(answer) if is_wanted(&answer) => return answer,
            Loadable::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
        assert!(begun.elapsed() < PATIENCE, "no answer");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_beginning_of_a_large_log_is_shown_before_the_whole_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("uart.log");
    let bytes = device_log(N_BYTES);
    std::fs::write(&file, &bytes).unwrap();
    let workspace = folder.path().join("w.fieldscope");
    let opened = Workspace::open(Some(&workspace), IndexCache::disabled()).unwrap();
    let engine = Engine::new(opened, Arc::new(|| {}));
    engine.wait(engine.submit(Command::Import {
        paths: vec![file],
        asks: true,
    }));
    let key = LogKey::InCapture {
        capture: 1,
        path: "uart.log".to_owned(),
    };
    let summary = LogSummaryQuery {
        key: key.clone(),
        n_buckets: 100,
    };
    let rows = |stack: FilterStack| LogRowsQuery {
        key: key.clone(),
        stack,
        first: 0,
        count: 500,
        find: None,
    };
    // The first answer of all is of the beginning, and says so.
    let first = wait(&engine, &summary, |_: &LogOverview| true);
    assert!(!first.summary.is_complete);
    let (shown, all) = first.summary.n_bytes;
    assert_eq!(all, bytes.len() as u64);
    assert!(shown >= 4 << 20 && shown < all / 4, "{shown}");
    let n_lines = |bytes: &[u8]| bytes.split_inclusive(|byte| *byte == b'\n').count() as u64;
    let end = usize::try_from(shown).unwrap();
    assert_eq!(first.summary.n_rows, n_lines(&bytes[..end]));
    let beginning = wait(&engine, &rows(FilterStack::default()), |_| true);
    // Whoever asks for a place asks the whole log.
    let last = LogFindQuery {
        key: key.clone(),
        stack: FilterStack::default(),
        wanted: Wanted::Row(u64::MAX),
        from: 0,
        forward: true,
    };
    wait(&engine, &last, |_| true);
    let whole = wait(&engine, &summary, |overview| overview.summary.is_complete);
    assert_eq!(whole.summary.n_rows, n_lines(&bytes));
    assert_eq!(whole.summary.n_bytes, (all, all));
    // The rows that were in sight are where they were.
    let again = wait(&engine, &rows(FilterStack::default()), |page| {
        page.rows.n_visible > beginning.rows.n_visible
    });
    assert_eq!(again.rows.rows, beginning.rows.rows);
    // A filter counts all of it, as a command does, which waits for the whole.
    let errors = FilterStack {
        chips: vec![
            LogFilter::Level {
                at_least: LogLevel::Error,
            }
            .into(),
        ],
        ..FilterStack::default()
    };
    let asked = wait(&engine, &rows(errors.clone()), |_| true);
    let fresh = Workspace::open_to_read(&workspace, IndexCache::disabled()).unwrap();
    let waited = fresh.context().run(&rows(errors.clone())).unwrap();
    assert_eq!(asked.counts, waited.counts);
    assert!(waited.rows.n_visible > 0);
    let mut random = Numbers(11);
    for _ in 0..5 {
        let page = LogRowsQuery {
            first: random.below(waited.rows.n_visible),
            ..rows(errors.clone())
        };
        let asked = wait(&engine, &page, |_| true);
        assert_eq!(*asked, fresh.context().run(&page).unwrap());
    }
}
