//! `fieldscope symbolize`: names for addresses, in any text.

use super::args::{Common, SourceMap};
use super::exit::{Exit, Failure, Outcome};
use super::terminal::Terminal;
use crate::engine::name_source::{NameError, NameSource};
use crate::engine::named_text::Style;
use crate::engine::symbol_store::{BuildChoice, find_for_choice};
use crate::engine::symbolize::parse_address;
use crate::model::progress::{Cancelled, Progress};
use clap::Args;
use std::cell::OnceCell;
use std::io::Write;
use std::path::PathBuf;

// `fieldscope symbolize`.
#[derive(Debug, Args)]
pub struct SymbolizeArgs {
    /// ELF file with symbols; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["version_name", "build_id"])]
    pub elf: Vec<PathBuf>,
    /// Use the build of this software version, from the workspace
    #[arg(
        long = "version",
        value_name = "V",
        id = "version_name",
        conflicts_with = "build_id"
    )]
    pub version_name: Option<String>,
    /// Use the build with this id (or its beginning), from the workspace
    #[arg(long, value_name = "ID")]
    pub build_id: Option<String>,
    /// Addresses; `-` or nothing reads any text from standard input
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    #[command(flatten)]
    pub source_map: SourceMap,
    /// As JSON Lines (fieldscope.symbol/1), one line an address
    #[arg(long)]
    pub json: bool,
}

/// Names what was given.
pub fn run(args: &SymbolizeArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let addresses = addresses(args)?;
    let style = if args.json {
        Style::JsonLines
    } else {
        Style::Text
    };
    let cache = common.cache();
    let mut missing = None;
    let source = if args.elf.is_empty() {
        let choice = BuildChoice {
            version: args.version_name.clone(),
            build_id: args.build_id.clone(),
        };
        // Without names the addresses and the text around them are printed all the same.
        let found = find_for_choice(common.workspace.as_deref(), &choice);
        let files = found.unwrap_or_else(|error| {
            missing = Some(error);
            Vec::new()
        });
        NameSource::for_files(files, &cache)
    } else {
        NameSource::for_paths(&args.elf, &common.debug_dir, &cache).map_err(Failure::wrong)?
    };
    let mut source = source.with_source_map(&args.source_map.mappings);
    let progress = WhenNeeded::default();
    match &addresses {
        Some(addresses) => source.addresses(addresses, style, out),
        None => source.text(std::io::stdin(), style, &progress, out),
    }
    .map_err(|error| match error {
        NameError::Io(error) => Failure::from(error),
        NameError::Cancelled(cancelled) => Failure::from(cancelled),
    })?;
    out.flush()?;
    source.keep(&progress)?;
    missing.map_or(Ok(Exit::Done), |error| {
        Err(Failure {
            exit: Exit::SymbolsMissing,
            message: error.to_string(),
        })
    })
}

/// Progress that is set up when there is some: most answers are out before that would be done.
#[derive(Default)]
struct WhenNeeded {
    terminal: OnceCell<Terminal>,
}

impl Progress for WhenNeeded {
    fn tick(&self, done: u64, total: u64) -> Result<(), Cancelled> {
        let terminal = self.terminal.get_or_init(|| Terminal::new("indexing"));
        terminal.tick(done, total)
    }
}

/// The addresses on the command line; `None` when standard input is to be read.
fn addresses(args: &SymbolizeArgs) -> Result<Option<Vec<u64>>, Failure> {
    if args.addresses.is_empty() || args.addresses == ["-"] {
        return Ok(None);
    }
    args.addresses
        .iter()
        .map(|word| {
            parse_address(word).ok_or_else(|| {
                Failure::wrong(format!(
                    "{word} is not an address. Give hex digits, or - to read a text"
                ))
            })
        })
        .collect::<Result<Vec<u64>, Failure>>()
        .map(Some)
}
