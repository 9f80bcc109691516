//! What comes over links, printed as rows of logs.

use super::watch_output::WatchOutput;
use crate::engine::live::unsent_in_words as in_words;
use crate::engine::live::{Heard, LinkState, Stream};
use crate::engine::logs::LogDictionariesRef;
use crate::engine::logs::follow::Follower;
use crate::engine::logs::open_log::LogStyle;
use crate::engine::logs::selection::Selection;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::LazyLock;

/// Of several streams each row begins with the name of its own, but in JSON and raw.
pub(super) struct LiveOutput<'o> {
    streams: BTreeMap<u8, Open<'o>>,
    dictionaries: &'o LogDictionariesRef,
    watch: WatchOutput,
    style: LogStyle,
    out: &'o mut dyn Write,
    /// The first that went wrong; nothing is printed after it.
    failed: Option<io::Error>,
}

struct Open<'o> {
    title: String,
    follower: Follower<'o>,
}

impl<'o> Open<'o> {
    fn new(stream: &Stream, style: LogStyle, dictionaries: &'o LogDictionariesRef) -> Self {
        Self {
            title: stream.title.clone(),
            follower: Follower::new(&ALL, style, None, dictionaries, &stream.title),
        }
    }
}

static ALL: LazyLock<Selection> = LazyLock::new(Selection::default);

impl<'o> LiveOutput<'o> {
    pub(super) fn new(
        streams: &BTreeMap<u8, Stream>,
        style: LogStyle,
        dictionaries: &'o LogDictionariesRef,
        out: &'o mut dyn Write,
    ) -> Self {
        let said = streams.iter().filter(|(_, stream)| stream.is_said());
        let said = said.map(|(number, stream)| (*number, Open::new(stream, style, dictionaries)));
        let numbers = streams.values().find(|stream| !stream.numbers.is_empty());
        let numbers = numbers.map(|stream| stream.numbers.clone());
        Self {
            watch: WatchOutput::new(numbers.unwrap_or_default(), style),
            streams: said.collect(),
            dictionaries,
            style,
            out,
            failed: None,
        }
    }

    /// True once nothing can be printed any more.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn tell(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Received(number, bytes) => {
                if !self.streams.contains_key(&number) {
                    // Of a recording whose announcement of it is damaged.
                    self.open(number, &Stream::default());
                }
                self.print(Some(number), |follower, out| follower.push(bytes, out));
            }
            Heard::Silence => self.print(None, Follower::settle),
            Heard::State(number, state) => self.say(number, state),
            Heard::Opened(number, stream) if stream.is_said() => self.open(number, stream),
            Heard::Opened(_, stream) => self.watch.set_numbers(&stream.numbers),
            Heard::Looked(_, look) if self.failed.is_none() => {
                self.failed = self.watch.look(look, self.out).err();
            }
            Heard::Looked(..) | Heard::Cost(..) | Heard::Waiting => {}
            Heard::LeftOut(n_bytes) => {
                let what = "were recorded and not printed: standard output is read too slowly";
                // Nobody is left to tell when standard error is closed.
                let _closed = writeln!(io::stderr(), "fieldscope: {n_bytes} bytes {what}").is_err();
            }
        }
    }

    /// Prints what is left of rows that did not end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.print(None, Follower::finish);
        self.failed.map_or(Ok(()), Err)
    }

    fn open(&mut self, number: u8, stream: &Stream) {
        let open = Open::new(stream, self.style, self.dictionaries);
        self.streams.insert(number, open);
    }

    fn print(
        &mut self,
        number: Option<u8>,
        mut print: impl FnMut(&mut Follower<'o>, &mut dyn Write) -> io::Result<()>,
    ) {
        let is_named = self.streams.len() > 1 && self.style == LogStyle::Text;
        for (at, open) in &mut self.streams {
            if number.is_some_and(|number| number != *at) || self.failed.is_some() {
                continue;
            }
            let printed = if is_named {
                let mut rows = Vec::new();
                print(&mut open.follower, &mut rows)
                    .and_then(|()| write_named(&open.title, &rows, self.out))
            } else {
                print(&mut open.follower, self.out)
            };
            self.failed = printed.err();
        }
    }

    fn say(&mut self, number: u8, state: &LinkState) {
        let Some(open) = self.streams.get(&number) else {
            return;
        };
        let what = match state {
            LinkState::Connected => "listening".to_owned(),
            LinkState::Lost { why } => format!("{why}. It is opened again when it is there"),
            LinkState::Identified { .. } => identified(state),
            LinkState::Halted { why } => format!("the processor stopped: {why}"),
            LinkState::Faulted { what } => {
                format!("the board faulted: {what}")
            }
            LinkState::Unsent(unsent) => format!("not sent yet: {}", in_words(unsent)),
            LinkState::Refused { why } => format!("not done: {why}"),
            LinkState::Acted { what } => format!("the processor was {what}"),
            LinkState::Ended => return,
        };
        // Nobody is left to tell when standard error is closed.
        let _closed = writeln!(io::stderr(), "fieldscope: {}: {what}", open.title).is_err();
    }
}

/// What runs on the board, and whether it is what the ELF file is of.
fn identified(state: &LinkState) -> String {
    let LinkState::Identified {
        chip,
        board,
        elf,
        differs_at,
    } = state
    else {
        return String::new();
    };
    let build = match (board, elf) {
        (Some(board), Some(elf)) if state.is_wrong_elf() => format!(
            "the board runs build {board}, and the ELF file is of build {elf}: its names are not used. Give the ELF of that build"
        ),
        (Some(board), Some(_)) => format!("the board runs build {board}, as the ELF file says"),
        (Some(board), None) => format!("the board runs build {board}"),
        (None, Some(elf)) => match differs_at {
            Some(at) => format!(
                "the board's memory at {at:#010x} is not that of the ELF file (build {elf}): its names are not used. Give the ELF of what runs"
            ),
            None => format!(
                "whether the board runs the build of the ELF file ({elf}) is not known: not verified"
            ),
        },
        (None, None) => "no ELF file was given (--elf)".to_owned(),
    };
    format!("{chip}; {build}")
}

fn write_named(title: &str, rows: &[u8], out: &mut dyn Write) -> io::Result<()> {
    for row in rows.split_inclusive(|byte| *byte == b'\n') {
        write!(out, "{title}: ")?;
        out.write_all(row)?;
    }
    out.flush()
}
