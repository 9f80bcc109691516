//! `fieldscope sdk --out DIR`.

use super::exit::{Exit, Failure, Outcome};
use crate::engine::sdk;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

// `fieldscope sdk`.
#[derive(Debug, Args)]
pub struct SdkArgs {
    /// Folder to write it to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write over files that differ
    #[arg(long)]
    pub force: bool,
}

/// Writes the device-side SDK of this version.
pub fn run(args: &SdkArgs, out: &mut dyn Write) -> Outcome {
    sdk::write(&args.out, args.force).map_err(Failure::wrong)?;
    for (name, _) in sdk::FILES {
        writeln!(out, "{}", args.out.join(name).display())?;
    }
    Ok(Exit::Done)
}
