//! `fieldscope man`: the pages that packages install.

use super::args::Cli;
use super::exit::{Exit, Outcome};
use clap::{Args, CommandFactory as _};
use std::io::Write;
use std::path::PathBuf;

// `fieldscope man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages, one for the program and one for each command
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Writes the pages and says where they are.
pub fn run(args: &ManArgs, out: &mut dyn Write) -> Outcome {
    std::fs::create_dir_all(&args.out)?;
    clap_mangen::generate_to(Cli::command(), &args.out)?;
    writeln!(out, "{}", args.out.display())?;
    Ok(Exit::Done)
}
