//! The command line: one file a command.
//!
//! Must never do: open SQL, decode bytes; it asks the engine.

pub mod args;
pub mod backtrace;
pub mod completions;
pub mod console;
pub mod demo;
pub mod exit;
pub mod export;
pub mod import;
mod live_output;
mod log_filters;
mod log_templates;
pub mod logs;
pub mod man;
mod merged_logs;
pub mod metrics;
pub mod monitor;
mod monitor_input;
pub mod query;
pub mod replay;
pub mod sdk;
pub(crate) mod stored_logs;
pub mod symbolize;
pub mod symbols;
pub mod symbols_cache;
pub mod terminal;
mod watch_output;

use args::{Command, Common};
use clap::Parser as _;
use exit::{Exit, Failure, Outcome};
use std::io::Write;

/// What the words on the command line ask for.
pub enum Request {
    /// The window, with files to import.
    Window(Box<args::Cli>),
    /// A picture of the window.
    Screenshot(Box<args::ScreenshotArgs>, Common),
    /// Already answered here.
    Answered(Exit),
}

/// Reads the command line and answers it, unless it asks for the window.
pub fn run(out: &mut dyn Write, err: &mut dyn Write) -> Request {
    let mut cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return Request::Answered(usage(&error, out, err)),
    };
    if cli.command.is_none()
        && let Err(message) = cli.take_workspace()
    {
        return Request::Answered(finish(Err(Failure::wrong(message)), err));
    }
    let common = cli.common.clone();
    let Some(command) = cli.command else {
        return Request::Window(Box::new(cli));
    };
    let outcome = match &command {
        Command::Screenshot(args) => return Request::Screenshot(Box::new(args.clone()), common),
        Command::Backtrace(args) => backtrace::run(args, &common, out),
        Command::Completions(args) => completions::run(args, out),
        Command::Export(args) => export::run(args, &common, out),
        Command::Import(args) => import::run(args, &common, out),
        Command::Logs(args) => logs::run(args, &common, out),
        Command::Man(args) => man::run(args, out),
        Command::Metrics(args) => metrics::run(args, &common, out),
        Command::Monitor(args) => monitor::run(args, &common, out),
        Command::Query(args) => query::run(args, &common, out),
        Command::Replay(args) => replay::run(args, &common, out),
        Command::Sdk(args) => sdk::run(args, out),
        Command::Demo(args) => demo::run(args, &common, out),
        Command::Symbolize(args) => symbolize::run(args, &common, out),
        Command::Symbols(args) => symbols::run(args, &common, out),
    };
    Request::Answered(finish(outcome, err))
}

/// Prints a failure as one line.
pub fn finish(outcome: Outcome, err: &mut dyn Write) -> Exit {
    match outcome {
        Ok(exit) => exit,
        // Whoever read our output closed it: nothing is wrong.
        Err(Failure { message, .. }) if message.contains("Broken pipe") => Exit::Done,
        Err(failure) => {
            let line = failure.message.replace('\n', " ");
            // Nobody is left to tell when standard error is closed.
            let _closed = writeln!(err, "fieldscope: {line}").is_err();
            failure.exit
        }
    }
}

/// Help and version are answers; anything else that clap says is a wrong call, in one line.
fn usage(error: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    if error.use_stderr() {
        let text = error.to_string();
        // What follows the first paragraph is advice and usage.
        let words: Vec<&str> = text
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .flat_map(str::split_whitespace)
            .collect();
        let what = words.join(" ");
        let what = what.trim_start_matches("error: ");
        return finish(Err(Failure::wrong(format!("{what}. Try --help"))), err);
    }
    let _closed = write!(out, "{error}").is_err();
    Exit::Done
}
