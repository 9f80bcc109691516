//! `fieldscope symbolize`: names for addresses, in any text.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::terminal::Terminal;
use crate::engine::matching::Matched;
use crate::engine::one_shot::open_symbol_files;
use crate::engine::reports::with_symbols;
use crate::engine::symbol_store::{BuildChoice, find_for_choice};
use crate::engine::symbolize::{Segment, SymbolizedAddress, Symbolizer, names, parse_address};
use clap::Args;
use std::io::{BufRead as _, Write};
use std::path::PathBuf;

/// `fieldscope symbolize`.
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
    /// As JSON Lines (fieldscope.symbol/1), one line an address
    #[arg(long)]
    pub json: bool,
}

/// Names what was given.
pub fn run(args: &SymbolizeArgs, common: &Common, out: &mut dyn Write) -> Outcome {
    let mut missing = None;
    let files = if args.elf.is_empty() {
        let choice = BuildChoice {
            version: args.version_name.clone(),
            build_id: args.build_id.clone(),
        };
        // Without names the addresses and the text around them are printed all the same.
        find_for_choice(common.workspace.as_deref(), &choice).unwrap_or_else(|error| {
            missing = Some(error);
            Vec::new()
        })
    } else {
        open_symbol_files(&args.elf, &common.debug_dir).map_err(Failure::wrong)?
    };
    let matched = Matched {
        files,
        ..Matched::default()
    };
    let cache = common.cache();
    with_symbols(&matched, &cache, |symbols| {
        let mut symbolizer = Symbolizer::new(symbols);
        if args.addresses.is_empty() || args.addresses == ["-"] {
            symbolize_input(&mut symbolizer, args.json, out)
        } else {
            symbolize_words(&mut symbolizer, args, out)
        }
    })?;
    out.flush()?;
    let progress = Terminal::new("indexing");
    for file in &matched.files {
        cache.keep(file, &progress)?;
    }
    missing.map_or(Ok(Exit::Done), |error| {
        Err(Failure {
            exit: Exit::SymbolsMissing,
            message: error.to_string(),
        })
    })
}

fn symbolize_words(
    symbolizer: &mut Symbolizer<'_, '_>,
    args: &SymbolizeArgs,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let addresses = args
        .addresses
        .iter()
        .map(|word| {
            parse_address(word).ok_or_else(|| {
                Failure::wrong(format!(
                    "{word} is not an address. Give hex digits, or - to read a text"
                ))
            })
        })
        .collect::<Result<Vec<u64>, Failure>>()?;
    for address in addresses {
        let symbol = symbolizer.address(address);
        if args.json {
            json_line(&symbol, out)?;
        } else if symbol.frames.is_empty() {
            writeln!(out, "{} ??", symbol.address)?;
        } else {
            writeln!(out, "{} {}", symbol.address, names(&symbol))?;
        }
    }
    Ok(())
}

/// Standard input is read line by line, so that a pipe is answered as it goes.
fn symbolize_input(
    symbolizer: &mut Symbolizer<'_, '_>,
    is_json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            // Bytes that are no text are passed on as they are.
            if !is_json {
                out.write_all(&line)?;
            }
            continue;
        };
        for segment in symbolizer.text(text) {
            match segment {
                Segment::Text(text) if !is_json => out.write_all(text.as_bytes())?,
                Segment::Text(_) => {}
                Segment::Address { symbol, .. } if is_json => json_line(&symbol, out)?,
                Segment::Address { text, symbol } => write!(out, "{text} ({})", names(&symbol))?,
            }
        }
    }
}

fn json_line(symbol: &SymbolizedAddress, out: &mut dyn Write) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, symbol)?;
    writeln!(out)?;
    Ok(())
}
