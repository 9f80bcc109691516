//! `fieldscope monitor`: what boards say over their links, decoded as it comes and recorded.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::live_output::LiveOutput;
use super::monitor_input::{self, Input};
use super::terminal::Terminal;
use crate::engine::file_bytes::Access;
use crate::engine::import::import_paths;
use crate::engine::live::{
    LINKS, LinkKind, LiveSession, Observing, Recorder, Settings, Stream, Watch, WatchList,
    cost_in_words, link_kind, recording_beside,
};
use crate::engine::logs::dictionaries::from_elfs_mapped;
use crate::engine::logs::open_log::LogStyle;
use crate::engine::one_shot::open_symbol_files;
use crate::engine::workspace::{self, Workspace};
use crate::model::progress::Progress as _;
use clap::Args;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

// `fieldscope monitor`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct MonitorArgs {
    /// UART to listen to: /dev/ttyUSB0, COM7, a pseudo terminal; may be repeated
    #[arg(long, value_name = "PORT", required_unless_present_any = ["list", "gdb", "probe"])]
    pub uart: Vec<String>,
    /// GDB server to observe a board through: localhost:1234; may be repeated. The board is halted for each look, as briefly as can be
    #[arg(long, value_name = "HOST:PORT")]
    pub gdb: Vec<String>,
    /// Debug probe to observe a board through, with the name of its chip, or auto for any Cortex-M. The core is halted only where --halt-on-fault allows it
    #[arg(long, value_name = "CHIP")]
    pub probe: Option<String>,
    /// Which probe, where there are several: VID:PID or VID:PID:SERIAL, as --list says
    #[arg(long, value_name = "ID", requires = "probe", default_value = "auto")]
    pub probe_id: String,
    /// Speed of the debug probe in kilohertz
    #[arg(long, value_name = "KHZ", requires = "probe", default_value = "4000")]
    pub probe_speed: String,
    /// Read what the firmware writes by RTT, over a debug probe or a GDB server; how far it was read is written to the board
    #[arg(long)]
    pub rtt: bool,
    /// Halt a board behind a debug probe for a moment when it faulted, to read its registers
    #[arg(long, requires = "probe")]
    pub halt_on_fault: bool,
    /// Do to the board what lines of standard input say that begin with !: !halt, !run, !step, !reset, !NAME = VALUE, !undo. Without it a
    /// board is only observed
    #[arg(long)]
    pub control: bool,
    /// Number to watch while the board runs: a metric of the firmware, or a global variable with members and elements, as in
    /// state.rssi@10 (times a second, 5 without), or an address, as in 0x20001000:i16; may be repeated
    #[arg(long, value_name = "NAME@HZ")]
    pub watch: Vec<String>,
    /// Print what could be listened to, from the system's own list: nothing is opened
    #[arg(long, conflicts_with_all = ["uart", "gdb", "probe"])]
    pub list: bool,
    /// Baud rate, or auto to try the usual ones while the board talks; one for all UARTs, or one for each in their order
    #[arg(long, value_name = "N")]
    pub baud: Vec<String>,
    /// Data bits, parity and stop bits: 8N1, 8E1, 8O1, 8N2, 7E1, 7O1, 7N1
    #[arg(long, value_name = "BITS", default_value = "8N1")]
    pub framing: String,
    /// Flow control: none, hardware, software
    #[arg(long, value_name = "KIND", default_value = "none")]
    pub flow: String,
    /// Line DTR of the UARTs: leave, on, off; many boards reset by it
    #[arg(long, value_name = "LEVEL", default_value = "leave")]
    pub dtr: String,
    /// Line RTS of the UARTs: leave, on, off
    #[arg(long, value_name = "LEVEL", default_value = "leave")]
    pub rts: String,
    /// ELF file of the firmware, for its format strings, its numbers and whether it is what runs; may be repeated
    #[arg(long, value_name = "FILE")]
    pub elf: Vec<PathBuf>,
    /// File to record into; by default one in the folder recordings beside the workspace
    #[arg(long, value_name = "FSCAP")]
    pub record: Option<PathBuf>,
    /// End after so many seconds; without it Ctrl+C ends the session
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<f64>,
    /// Rows as they came, with their terminal escapes
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    /// As JSON Lines (fieldscope.log/1)
    #[arg(long)]
    pub json: bool,
    /// End with exit code 1 when a crash was recorded
    #[arg(long)]
    pub fail_on_crash: bool,
}

impl MonitorArgs {
    fn style(&self) -> LogStyle {
        match (self.json, self.raw) {
            (true, _) => LogStyle::Json,
            (false, true) => LogStyle::Raw,
            (false, false) => LogStyle::Text,
        }
    }

    /// The links that are asked for, in their order.
    fn links(&self) -> Result<Vec<(&'static dyn LinkKind, Settings)>, Failure> {
        let n_rates = self.baud.len();
        if n_rates > 1 && n_rates != self.uart.len() {
            return Err(Failure::wrong(format!(
                "{n_rates} baud rates for {} UARTs: give one for all of them, or one for each",
                self.uart.len()
            )));
        }
        let kind = |id: &str| {
            link_kind(id)
                .ok_or_else(|| Failure::wrong(format!("there are no links of kind {id} here")))
        };
        let uart = kind("uart")?;
        let uarts = self.uart.iter().enumerate().map(|(at, port)| {
            let mut settings = Settings::default()
                .with("port", port)
                .with("framing", &self.framing)
                .with("flow", &self.flow)
                .with("dtr", &self.dtr)
                .with("rts", &self.rts);
            if let Some(baud) = self.baud.get(at).or(self.baud.first()) {
                settings = settings.with("baud", baud);
            }
            (uart, settings)
        });
        let gdb = kind("gdb")?;
        let servers = self.gdb.iter();
        let rtt = if self.rtt { "on" } else { "off" };
        let servers = servers.map(|address| {
            let settings = Settings::default().with("address", address);
            (gdb, settings.with("rtt", rtt))
        });
        let mut links: Vec<_> = uarts.chain(servers).collect();
        if let Some(chip) = &self.probe {
            let settings = Settings::default()
                .with("chip", chip)
                .with("probe", &self.probe_id)
                .with("speed", &self.probe_speed)
                .with("rtt", rtt)
                .with(
                    "on_fault",
                    if self.halt_on_fault {
                        "halt"
                    } else {
                        "observe"
                    },
                );
            links.push((kind("probe")?, settings));
        }
        Ok(links)
    }
}

/// Listens, prints and records until the time is over or Ctrl+C.
pub fn run(args: &MonitorArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    if args.list {
        return list(out);
    }
    let elfs = open_symbol_files(&args.elf, &common.debug_dir).map_err(Failure::wrong)?;
    let dictionaries = from_elfs_mapped(&elfs, &[]);
    let duration = match args.duration {
        Some(seconds) => Some(
            Duration::try_from_secs_f64(seconds)
                .map_err(|_no_time| Failure::wrong(format!("{seconds} is no number of seconds")))?,
        ),
        None => None,
    };
    let watches: Result<Vec<Watch>, String> = args
        .watch
        .iter()
        .map(|name| Watch::find(&elfs, name))
        .collect();
    let watches = watches.map_err(|why| Failure::wrong(format!("--watch: {why}")))?;
    let mut session = LiveSession::open(args.links()?).map_err(Failure::wrong)?;
    if (!watches.is_empty() || args.rtt || args.control) && !session.has_target() {
        return Err(Failure::wrong(
            "--watch, --rtt and --control need a link to the processor: add --probe CHIP or --gdb HOST:PORT",
        ));
    }
    let observing = Observing {
        elfs,
        watches: WatchList::new(watches),
    };
    let session = session.observing(observing.clone());
    let started_at = workspace::now();
    let recorder = recorder(args, common, started_at)?;
    let recording = recorder.path().display().to_string();
    let begun = Instant::now();
    let streams: BTreeMap<u8, Stream> = session.streams().collect();
    // The links to processors come behind the UARTs.
    monitor_input::forward(Input {
        uart: session.orders(0).filter(|_| !args.uart.is_empty()),
        processor: session.orders(args.uart.len()).filter(|_| args.control),
        observing,
    });
    // The first one installs the handler of Ctrl+C.
    let ctrl_c = Terminal::new("listening");
    // One that no clock can hold never comes.
    let end = duration.and_then(|duration| Instant::now().checked_add(duration));
    let is_unread = AtomicBool::new(false);
    let is_unread = &is_unread;
    let is_over = move || {
        let is_due = end.is_some_and(|end| Instant::now() >= end);
        is_due || is_unread.load(Ordering::Relaxed) || ctrl_c.tick(0, 0).is_err()
    };
    let mut output = LiveOutput::new(&streams, args.style(), &dictionaries, out);
    let summary = session.run(recorder, is_over, |heard| {
        output.tell(heard);
        // Whoever read what is printed is gone, as of `monitor | head`.
        is_unread.store(output.has_failed(), Ordering::Relaxed);
    });
    let printed = output.finish();
    let summary = summary.map_err(Failure::wrong)?;
    let took = begun.elapsed();
    let say = |text: &str| {
        // Nobody is left to tell when standard error is closed.
        let _closed = writeln!(std::io::stderr(), "fieldscope: {text}").is_err();
    };
    if let Some(cost) = &summary.cost {
        say(&cost_in_words(cost, took));
    }
    for core in &summary.cores {
        say(&format!(
            "the board as it was at its fault: {}; fieldscope backtrace and gdb open it",
            core.display()
        ));
    }
    if summary.is_empty() {
        say(&format!(
            "nothing came; {recording} has only what became of the link"
        ));
        printed?;
        return Ok(Exit::Done);
    }
    let lost = match summary.n_lost {
        0 => String::new(),
        1 => "; the link was lost once".to_owned(),
        n => format!("; links were lost {n} times"),
    };
    match taken_in(&args.elf, common, &summary.recording) {
        Ok(n_crashes) => {
            say(&format!(
                "{} recorded in {recording}{lost}",
                summary.in_words()
            ));
            if args.fail_on_crash && n_crashes > 0 {
                return Ok(Exit::Judged);
            }
        }
        Err(failure) => say(&format!(
            "{} recorded in {recording}, which was not taken into the workspace: {}. Import it later",
            summary.in_words(),
            failure.message
        )),
    }
    printed?;
    Ok(Exit::Done)
}

/// Prints what is present, a line each: the kind of link and its name.
fn list(out: &mut dyn Write) -> Outcome {
    let mut n_present = 0;
    for kind in LINKS {
        for present in kind.present() {
            write!(out, "{}: {}", kind.title(), present.title)?;
            match &present.problem {
                Some(problem) => writeln!(out, "; {problem}")?,
                None => writeln!(out)?,
            }
            n_present += 1;
        }
    }
    if n_present == 0 {
        // Nobody is left to tell when standard error is closed.
        let _closed = writeln!(
            std::io::stderr(),
            "fieldscope: no debug probe and no serial port is there. Plug in a board; a path can be given with --uart all the same"
        )
        .is_err();
    }
    Ok(Exit::Done)
}

/// Imports a recording, with the ELF files that it was listened to with; answers how many crashes it has.
fn taken_in(elfs: &[PathBuf], common: &Common, recording: &Path) -> Result<usize, Failure> {
    // A session that Ctrl+C ended is imported as any other.
    let progress = crate::model::progress::Unattended;
    let workspace =
        Workspace::open(common.workspace.as_deref(), common.cache()).map_err(Failure::wrong)?;
    if !elfs.is_empty() {
        workspace.add_symbols(elfs, &progress)?;
    }
    let paths = [recording.to_owned()];
    let summary = import_paths(&workspace, &paths, Access::Map, &progress)?;
    Ok(summary.n_crashes)
}

fn recorder(args: &MonitorArgs, common: &Common, started_at: String) -> Result<Recorder, Failure> {
    let path = if let Some(path) = &args.record {
        path.clone()
    } else {
        let workspace = common.workspace.clone().or_else(workspace::default_path);
        let workspace = workspace.ok_or_else(|| {
            Failure::wrong("there is no data folder to record in; say where with --record FILE")
        })?;
        recording_beside(&workspace, &started_at)
    };
    Recorder::create(&path, started_at).map_err(|error| {
        let fix = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "it is there already; record into another file",
            _ => "record elsewhere with --record FILE",
        };
        Failure::wrong(format!("{}: {error}: {fix}", path.display()))
    })
}
