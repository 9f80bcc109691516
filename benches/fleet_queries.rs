//! The questions about heartbeats, in one process on an open connection: what `scripts/bench.sh metrics` measures. Prints one
//! JSON object: milliseconds of each run, the first of which has nothing of the workspace in memory, and the answers.
//!
//!     fleet_queries WORKSPACE QUESTION DEVICE RUNS
//!
//! QUESTION is one of Q1 to Q6 or `screens` (each question of the Fleet and Device screens).

use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::queries::device_timeline::DeviceTimelineQuery;
use fieldscope::engine::queries::fleet_compared::ComparedQuery;
use fieldscope::engine::queries::heartbeats::{
    BandQuery, FleetSummaryQuery, HistogramQuery, RankingQuery,
};
use fieldscope::engine::query::Query;
use fieldscope::engine::workspace::Workspace;
use fieldscope::store::error::StoreError;
use fieldscope::store::open::{OpenOptions, Store};
use fieldscope::store::reader::Reader;
use fieldscope::store::series::{Bucket, LineSpan, RowFilter, TopOrder};
use serde_json::{Map, Value, json};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// The line of Q1: twice a week in twice 1,000 pixels, so that a pixel is what it is in a week.
const LINE_BEGIN_S: i64 = 1_760_000_000;
const LINE_S: i64 = 2 * 604_800;
const LINE_PIXELS: u32 = 2000;
const SECOND_NS: i64 = 1_000_000_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [workspace, question, device, n_runs] = arguments.as_slice() else {
        return Err("fleet_queries WORKSPACE QUESTION DEVICE RUNS".into());
    };
    let n_runs: usize = n_runs.parse()?;
    let told = if question == "screens" {
        screens(Path::new(workspace), device, n_runs)?
    } else {
        let store = Store::open(Path::new(workspace), &OpenOptions::read_only(""))?;
        let reader = store.reader()?;
        let (times, answer) = timed(n_runs, || answer(&reader, question, device))?;
        json!({ "ms": times, "answer": answer })
    };
    writeln!(std::io::stdout(), "{told}")?;
    Ok(())
}

/// Milliseconds of each run, and the last answer.
fn timed<T, E>(
    n_runs: usize,
    mut ask: impl FnMut() -> Result<T, E>,
) -> Result<(Vec<f64>, Option<T>), E> {
    let mut times = Vec::with_capacity(n_runs);
    let mut last = None;
    for _ in 0..n_runs {
        let started = Instant::now();
        last = Some(ask()?);
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok((times, last))
}

fn answer(reader: &Reader, question: &str, device: &str) -> Result<Vec<Value>, StoreError> {
    let all = RowFilter::default();
    Ok(match question {
        "Q1" => {
            let span = LineSpan {
                from_ns: LINE_BEGIN_S * SECOND_NS,
                to_ns: (LINE_BEGIN_S + LINE_S) * SECOND_NS,
                n_pixels: LINE_PIXELS,
            };
            let line = reader.device_line(device, "rssi", span)?;
            let pixels = line.pixels.into_iter();
            pixels
                .map(|pixel| json!([pixel.pixel, pixel.min, pixel.max, pixel.mean]))
                .collect()
        }
        "Q2" => {
            let band = reader.fleet_band("rssi", Bucket::Hour, &[0.05, 0.5, 0.95], &all)?;
            let buckets = band.buckets.into_iter();
            buckets
                .map(|bucket| json!([bucket.start_ns / (3600 * SECOND_NS), bucket.quantiles]))
                .collect()
        }
        "Q3" => {
            let means = reader.mean_by_version("wifi_disconnects", &all)?;
            let means = means.into_iter();
            means
                .map(|row| json!([row.version, row.mean, row.n_values]))
                .collect()
        }
        "Q4" => {
            let hours = reader.fleet_hours_alone(&all)?;
            let events = reader.events_by_version("crash", None)?;
            let rates = hours.versions.iter().filter_map(|row| {
                let own = events.iter().find(|of| of.version == row.version)?;
                let rate = own.n_events as f64 * 1000.0 / row.hours;
                Some(json!([row.version, rate]))
            });
            rates.collect()
        }
        "Q5" => {
            let top = reader.top_devices("wifi_disconnects", TopOrder::MostSum, 20, &all)?;
            top.into_iter()
                .map(|row| json!([row.serial, row.sum]))
                .collect()
        }
        "Q6" => {
            let filter = RowFilter {
                versions: Some(["3".to_owned()].into()),
                ..all
            };
            let histogram = reader.histogram("main_task_ms", 4.0, &filter)?;
            let bins = histogram.bins.into_iter();
            bins.map(|bin| json!([bin.bin, bin.count])).collect()
        }
        other => vec![json!(format!("{other} is no question"))],
    })
}

/// Milliseconds of each question of the Fleet and Device screens, each run as the window's workers run it.
fn screens(path: &Path, device: &str, n_runs: usize) -> Result<Value, Failure> {
    let workspace = Workspace::open_to_read(path, IndexCache::disabled())?;
    let mut told = Map::new();
    ask(&mut told, &workspace, "summary", &FleetSummaryQuery, n_runs)?;
    // Integers of a small and of a large range, and floats of all bits.
    for metric in ["rssi", "main_task_ms", "wifi_disconnects", "flt_03"] {
        let named = |what: &str| format!("{what} of {metric}");
        let metric = metric.to_owned();
        for (what, by_day, version) in [
            ("band by hour", false, None),
            ("band by day", true, None),
            ("band of one version", false, Some("3".to_owned())),
        ] {
            let query = BandQuery {
                metric: metric.clone(),
                by_day,
                version,
            };
            ask(&mut told, &workspace, &named(what), &query, n_runs)?;
        }
        let query = ComparedQuery {
            metric: metric.clone(),
            span_ns: None,
        };
        ask(&mut told, &workspace, &named("means"), &query, n_runs)?;
        for (what, version) in [
            ("histogram", None),
            ("histogram of one version", Some("3".to_owned())),
        ] {
            let query = HistogramQuery {
                metric: metric.clone(),
                version,
                span_ns: None,
            };
            ask(&mut told, &workspace, &named(what), &query, n_runs)?;
        }
        for (what, from_top) in [("top devices", true), ("bottom devices", false)] {
            let query = RankingQuery {
                metric: metric.clone(),
                from_top,
                span_ns: None,
            };
            ask(&mut told, &workspace, &named(what), &query, n_runs)?;
        }
    }
    let query = DeviceTimelineQuery {
        serial: device.to_owned(),
        metrics: ["rssi", "main_task_ms", "battery_soc", "batt_v", "flt_03"]
            .map(str::to_owned)
            .to_vec(),
    };
    ask(&mut told, &workspace, "device", &query, n_runs)?;
    Ok(Value::Object(told))
}

fn ask<Q: Query>(
    told: &mut Map<String, Value>,
    workspace: &Workspace,
    name: &str,
    query: &Q,
    n_runs: usize,
) -> Result<(), Failure> {
    let (times, _answer) = timed(n_runs, || workspace.run(query))?;
    told.insert(name.to_owned(), json!(times));
    Ok(())
}
