//! `fieldscope replay`: a recorded session, printed as it was when it was live.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::live_output::LiveOutput;
use super::terminal::Terminal;
use crate::engine::file_bytes::{Access, FileBytes};
use crate::engine::live::{
    Pace, SPEED_MAX, SPEED_MIN, Script, is_link, is_recording, replay, streams_of,
};
use crate::engine::logs::dictionaries::from_elfs_mapped;
use crate::engine::logs::open_log::LogStyle;
use crate::engine::one_shot::open_symbol_files;
use crate::model::progress::Progress as _;
use clap::Args;
use std::io::{BufRead as _, IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// What somebody at a terminal may type.
const KEYS: &str = "Enter pauses and goes on; n and Enter goes to the next event; a number and Enter is another speed; Ctrl-C ends it";

/// `fieldscope replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Recording of a session (.fscap)
    #[arg(value_name = "FSCAP")]
    pub recording: PathBuf,
    /// So many times as fast as it was, from 0.1 to 1000, or max
    #[arg(long, value_name = "X", default_value = "1")]
    pub speed: String,
    /// ELF file of the firmware, for its format strings; may be repeated
    #[arg(long, value_name = "FILE")]
    pub elf: Vec<PathBuf>,
    /// As JSON Lines (fieldscope.log/1)
    #[arg(long)]
    pub json: bool,
}

/// Prints what the session heard, at its pace.
pub fn run(args: &ReplayArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let speed = speed_of(&args.speed).ok_or_else(|| {
        Failure::wrong(format!(
            "{} is no speed: give a number from {SPEED_MIN} to {SPEED_MAX}, or max",
            args.speed
        ))
    })?;
    let name = args.recording.display();
    let ctrl_c = Terminal::new("replaying");
    let bytes = FileBytes::of_file(&args.recording, Access::Map, &ctrl_c).map_err(|error| {
        Failure::wrong(format!("{error}: {name}. Check the path and try again"))
    })?;
    if !is_recording(&bytes) {
        return Err(Failure::wrong(format!(
            "{name} is no recording of a live session; fieldscope monitor makes them"
        )));
    }
    let elfs = open_symbol_files(&args.elf, &common.debug_dir).map_err(Failure::wrong)?;
    let dictionaries = from_elfs_mapped(&elfs, &[]);
    let style = if args.json {
        LogStyle::Json
    } else {
        LogStyle::Text
    };
    let mut streams = streams_of(&bytes);
    // The others are told when they begin, as they were then.
    streams.retain(|number, _| is_link(*number));
    let pace = Arc::new(Pace::new(speed));
    if std::io::stdin().is_terminal() {
        let script = Script::of(&bytes, &ctrl_c).map_err(|_cancelled| Exit::Cancelled);
        match script {
            Ok(script) => listen_to_keys(script, Arc::clone(&pace)),
            Err(exit) => return Ok(exit),
        }
    }
    let mut output = LiveOutput::new(&streams, style, &dictionaries, out);
    let is_over = || ctrl_c.tick(0, 0).is_err();
    let warnings = replay(&bytes, &pace, is_over, |heard| output.tell(heard));
    output.finish()?;
    for warning in warnings {
        let offset = warning.offset.unwrap_or_default();
        // Nobody is left to tell when standard error is closed.
        let _closed = writeln!(
            std::io::stderr(),
            "fieldscope: {}: {name}, byte {offset}: {}",
            warning.code,
            warning.message
        )
        .is_err();
    }
    Ok(if is_over() {
        Exit::Cancelled
    } else {
        Exit::Done
    })
}

/// `max`, or a number of times; `None` of anything else.
fn speed_of(text: &str) -> Option<Option<f64>> {
    if text == "max" {
        return Some(None);
    }
    let speed = text.parse().ok();
    let speed = speed.filter(|speed| (SPEED_MIN..=SPEED_MAX).contains(speed));
    speed.map(Some)
}

/// Sets the pace by what is typed, on a thread of its own: it ends with the program.
fn listen_to_keys(script: Script, pace: Arc<Pace>) {
    say(KEYS);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            match line.trim() {
                "" => {
                    let is_paused = pace.position().is_paused;
                    pace.set_paused(!is_paused);
                    if !is_paused {
                        say("paused");
                    }
                }
                "n" => match script.next_event(pace.position().at_ns) {
                    Some(event) => {
                        pace.go_to(event.ns);
                        say(&format!(
                            "to {:.3} s: {}",
                            event.ns as f64 / 1e9,
                            event.in_words()
                        ));
                    }
                    None => {
                        say("nothing happens after this; Enter goes on to the end");
                        pace.set_paused(true);
                    }
                },
                text => match speed_of(text) {
                    Some(speed) => pace.set_speed(speed),
                    None => say(KEYS),
                },
            }
        }
    });
}

fn say(what: &str) {
    // Nobody is left to tell when standard error is closed.
    let _closed = writeln!(std::io::stderr(), "fieldscope: {what}").is_err();
}
