//! Names for the addresses in rows, by the symbols of the build that each row's boot names.

use super::view::{LogBoot, LogRow, LogSpan, SpanKind};
use crate::engine::context::QueryContext;
use crate::engine::symbolize::{Symbolizer, candidates, names};
use crate::model::build_id::BuildId;
use std::collections::BTreeMap;

/// Addresses that are named in one row.
const MOST_ADDRESSES: usize = 32;

/// Marks the addresses of these rows that lie in code. Without symbols of its build a row stays as it is: what is missing
/// is said where symbols are added.
pub fn name_addresses(context: &QueryContext, boots: &[LogBoot], rows: &mut [LogRow]) {
    let mut by_build: BTreeMap<Option<&str>, Vec<&mut LogRow>> = BTreeMap::new();
    for row in rows {
        if candidates(&row.record.message).is_empty() {
            continue;
        }
        let boot = row
            .boot
            .and_then(|boot| boots.get(usize::try_from(boot).ok()?));
        let build = boot.and_then(|boot| boot.build_id.as_deref());
        by_build.entry(build).or_default().push(row);
    }
    for (build, rows) in by_build {
        let chosen = build.and_then(BuildId::from_hex);
        let Ok((matched, _why)) = context.build_for_text(chosen.as_ref(), "") else {
            continue;
        };
        let Some(build) = matched
            .files
            .first()
            .map(|file| file.build_id().to_string())
        else {
            continue;
        };
        context.with_matched(&matched, |symbols| {
            let mut symbolizer = Symbolizer::new(symbols, &[]);
            for row in rows {
                add_spans(&mut symbolizer, row, &build);
            }
        });
    }
}

fn add_spans(symbolizer: &mut Symbolizer<'_, '_>, row: &mut LogRow, build: &str) {
    let mut found = Vec::new();
    for (range, address) in candidates(&row.record.message) {
        let symbol = symbolizer.address(address);
        let Some(innermost) = symbol.frames.first() else {
            continue;
        };
        let place = innermost.file.clone().zip(innermost.line);
        found.push(LogSpan {
            range,
            kind: SpanKind::Address {
                address,
                symbol: names(&symbol),
                place,
                build: build.to_owned(),
            },
        });
        if found.len() >= MOST_ADDRESSES {
            break;
        }
    }
    row.spans.append(&mut found);
    row.spans.sort_by_key(|span| span.range.start);
}
