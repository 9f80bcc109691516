//! `fieldscope demo --out FILE`.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::terminal::Terminal;
use crate::engine::demo_fleet::{DemoError, DemoFleet, store};
use crate::engine::workspace::Workspace;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

// `fieldscope demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The workspace to make; it must not be there yet
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Devices
    #[arg(long, default_value_t = 400, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub devices: u32,
    /// Days
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    pub days: u32,
    /// The same seed makes the same fleet
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
}

/// Makes a workspace with a fleet that never was; what was planted in it is printed as JSON.
pub fn run(args: &DemoArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    if args.out.exists() {
        return Err(Failure::wrong(format!(
            "{} is there already and was left as it is: choose another name",
            args.out.display()
        )));
    }
    let fleet = DemoFleet {
        n_devices: args.devices,
        n_days: args.days,
        seed: args.seed,
    };
    let progress = Terminal::new("making devices");
    let workspace = Workspace::open(Some(&args.out), common.cache()).map_err(Failure::wrong)?;
    if let Err(error) = store(&workspace.context(), fleet, &progress) {
        drop(workspace);
        // Half of a demo is none.
        drop(std::fs::remove_file(&args.out));
        return Err(match error {
            DemoError::Cancelled(cancelled) => Failure::from(cancelled),
            error @ DemoError::Store(_) => Failure::wrong(error),
        });
    }
    serde_json::to_writer_pretty(&mut *out, &fleet.truth())?;
    writeln!(out)?;
    Ok(Exit::Done)
}
