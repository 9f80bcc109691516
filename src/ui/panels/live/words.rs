//! What is said of a session, in sentences.

use crate::engine::live::board::{Board, BoardBuild, BoardLink};
use crate::engine::live::{Cost, LinkState};
use crate::ui::words;
use std::time::{Duration, SystemTime};

/// The one sentence of the screen: whether the board is there.
pub(super) fn headline(board: &Board, now: SystemTime) -> String {
    let lost: Vec<&BoardLink> = board.links.iter().filter(|link| is_lost(link)).collect();
    match (board.links.as_slice(), lost.as_slice()) {
        ([one], []) => format!("Connected to {}", name(one)),
        (links, []) => format!("Connected over {} links", links.len()),
        ([one], [_]) => format!("{} has been gone for {}", name(one), since(one, now)),
        (links, [one]) => {
            let others = words::count(links.len() as u64 - 1, "link is", "links are");
            format!(
                "{} has been gone for {}; {others} there",
                name(one),
                since(one, now)
            )
        }
        (links, lost) => format!("{} of {} links are gone", lost.len(), links.len()),
    }
}

/// The first part of what a link is called: `/dev/ttyUSB0`.
pub(super) fn name(link: &BoardLink) -> &str {
    link.title.split(", ").next().unwrap_or(&link.title)
}

/// True for a link that is to come back.
pub(super) fn is_lost(link: &BoardLink) -> bool {
    matches!(link.state, LinkState::Lost { .. })
}

/// Why links are gone, and that nobody has to do anything in the window.
pub(super) fn why_lost(board: &Board) -> Option<String> {
    let whys = board.links.iter().filter_map(|link| {
        let LinkState::Lost { why } = &link.state else {
            return None;
        };
        Some(why.as_str())
    });
    let whys: Vec<&str> = whys.collect();
    let again = "It is opened again as soon as it is there, and the session goes on.";
    (!whys.is_empty()).then(|| format!("{}. {again}", whys.join("; ")))
}

/// What has become of a link, and since when.
pub(super) fn state(link: &BoardLink, now: SystemTime) -> String {
    let since = since(link, now);
    if is_lost(link) {
        return format!("lost for {since}");
    }
    if link.state == LinkState::Ended {
        return "closed".to_owned();
    }
    let note = link.note.as_ref();
    let note = note.map_or_else(String::new, |note| format!(", {note}"));
    let cost = link.cost.as_ref();
    let cost = cost.map(|(cost, of)| format!(", {}", share_halted(cost, *of)));
    let note = cost.unwrap_or_default() + &note;
    if link.n_lost > 0 {
        let times = words::count(link.n_lost, "time", "times");
        return format!("connected again for {since}, was lost {times}{note}");
    }
    format!("connected for {since}{note}")
}

/// What observing costs: `halted 1.9 % of the time`.
fn share_halted(cost: &Cost, of: Duration) -> String {
    if cost.n_halts == 0 {
        let busy = 100.0 * cost.busy.as_secs_f64() / of.as_secs_f64().max(1e-9);
        return format!("never halted, link busy {busy:.1} %");
    }
    let halted = 100.0 * cost.halted.as_secs_f64() / of.as_secs_f64().max(1e-9);
    format!("halted {halted:.1} % of the time to be read")
}

fn since(link: &BoardLink, now: SystemTime) -> String {
    length(link.since, now)
}

/// The time between two moments, in whole seconds.
pub(super) fn length(from: SystemTime, to: SystemTime) -> String {
    let seconds = to.duration_since(from).map_or(0, |past| past.as_secs());
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / NS);
    words::span(seconds.saturating_mul(NS))
}

const NS: i64 = 1_000_000_000;

/// The firmware of the board, and whether its names are known.
pub(super) fn build(build: &BoardBuild) -> Option<(bool, String)> {
    match build {
        BoardBuild::Unknown => None,
        BoardBuild::Assumed { elf } => Some((
            true,
            format!("Its build is not known yet; format strings are those of {elf}"),
        )),
        BoardBuild::Matching { build, elf } => Some((true, format!("{elf} matches build {build}"))),
        BoardBuild::Missing { build } => Some((
            false,
            format!("No ELF of build {build}: names and format strings are missing"),
        )),
    }
}

/// The same for the bar at the bottom: which link, which ELF.
pub(in crate::ui) fn status(board: &Board) -> (bool, String) {
    if board.replay.is_some() {
        let path = board.recording.display().to_string();
        return (true, format!("Replay of {}", words::file_name(&path)));
    }
    let n_lost = board.links.iter().filter(|link| is_lost(link)).count();
    let link = match board.links.as_slice() {
        [one] => name(one).to_owned(),
        links => format!("{} links", links.len()),
    };
    let link = match (n_lost, board.links.len()) {
        (0, _) => format!("Live: {link}"),
        (_, 1) => format!("Live: {link} is gone"),
        (n, _) => format!("Live: {n} of {link} gone"),
    };
    match &board.build {
        BoardBuild::Unknown => (n_lost == 0, link),
        BoardBuild::Assumed { elf } => (n_lost == 0, format!("{link}, {elf} not verified")),
        BoardBuild::Matching { elf, .. } => (n_lost == 0, format!("{link}, {elf} matches")),
        BoardBuild::Missing { build } => (false, format!("{link}, no ELF of build {build}")),
    }
}
