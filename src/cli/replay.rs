//! `fieldscope replay`: a recorded session, printed as it was when it was live.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::live_output::LiveOutput;
use super::terminal::Terminal;
use crate::engine::file_bytes::{Access, FileBytes};
use crate::engine::live::{is_recording, replay, streams_of};
use crate::engine::logs::dictionaries::from_elfs_mapped;
use crate::engine::logs::open_log::LogStyle;
use crate::engine::one_shot::open_symbol_files;
use crate::model::progress::Progress as _;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// The fastest that still has a pace.
const SPEED_MAX: f64 = 1000.0;

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
    let speed = match args.speed.as_str() {
        "max" => None,
        text => {
            let speed = text.parse().ok();
            let speed = speed.filter(|speed| (0.1..=SPEED_MAX).contains(speed));
            Some(speed.ok_or_else(|| {
                Failure::wrong(format!(
                    "{text} is no speed: give a number from 0.1 to 1000, or max"
                ))
            })?)
        }
    };
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
    let streams = streams_of(&bytes);
    let mut output = LiveOutput::new(&streams, style, &dictionaries, out);
    let is_over = || ctrl_c.tick(0, 0).is_err();
    let warnings = replay(&bytes, speed, is_over, |heard| output.tell(heard));
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
