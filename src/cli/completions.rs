//! `fieldscope completions SHELL`.

use super::args::Cli;
use super::exit::{Exit, Outcome};
use clap::{Args, CommandFactory as _};
use std::io::Write;

// `fieldscope completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: clap_complete::Shell,
}

/// Prints the completion script.
pub fn run(args: &CompletionsArgs, out: &mut dyn Write) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "fieldscope", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Done)
}
