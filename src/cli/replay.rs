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

// `fieldscope replay`.
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
    let speed = speed_of(&args.speed).map_err(Failure::wrong)?;
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

/// A number of times, or `max`, which is none; in words, what is wrong with anything else.
fn speed_of(text: &str) -> Result<Option<f64>, String> {
    if text == "max" {
        return Ok(None);
    }
    let speed = text.parse().ok();
    let speed = speed.filter(|speed| (SPEED_MIN..=SPEED_MAX).contains(speed));
    speed.map(Some).ok_or_else(|| {
        format!("{text} is no speed: give a number from {SPEED_MIN} to {SPEED_MAX}, or max")
    })
}

/// Sets the pace by what is typed, on a thread of its own: it ends with the program.
fn listen_to_keys(script: Script, pace: Arc<Pace>) {
    say(KEYS);
    let listen = move || {
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
                "n" => step(&script, &pace),
                text => match speed_of(text) {
                    Ok(speed) => pace.set_speed(speed),
                    Err(why) => say(&format!("{why}. {KEYS}")),
                },
            }
        }
    };
    let thread = std::thread::Builder::new().name("keys".to_owned());
    if let Err(error) = thread.spawn(listen) {
        say(&format!("keys are not listened to: {error}"));
    }
}

/// Goes on to the next thing that happened.
fn step(script: &Script, pace: &Pace) {
    if let Some(event) = script.next_event(pace.position().at_ns) {
        pace.go_to(event.ns);
        let at = event.ns as f64 / 1e9;
        say(&format!("to {at:.3} s: {}", event.in_words()));
    } else {
        pace.set_paused(true);
        say("nothing happens after this; Enter goes on to the end");
    }
}

fn say(what: &str) {
    // Nobody is left to tell when standard error is closed.
    let _closed = writeln!(std::io::stderr(), "fieldscope: {what}").is_err();
}
