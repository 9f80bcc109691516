//! `fieldscope symbols cache`: the symbol indexes that are kept on this computer.

use super::args::Common;
use super::exit::{Exit, Failure, Outcome};
use super::symbols::json_line;
use super::terminal::Terminal;
use crate::engine::cached_indexes::CacheListing;
use crate::engine::index_cache::IndexCache;
use crate::engine::one_shot::open_symbol_files;
use crate::model::build_id::BuildId;
use clap::Subcommand;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

// What to do with the cache.
#[derive(Debug, Subcommand)]
pub enum CacheAction {
    #[command(
        about = "List the indexes, with the folder and how large it may grow (FIELDSCOPE_CACHE_MB)"
    )]
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the indexes of ELF files now, so that the first answer is fast
    Add {
        /// ELF files
        #[arg(required = true, value_name = "ELF")]
        elfs: Vec<PathBuf>,
        /// As JSON, one line an ELF
        #[arg(long)]
        json: bool,
    },
    /// Remove the indexes of some builds, or all of them; they are made again when they are needed
    Clear {
        /// Build ids or their beginnings
        #[arg(value_name = "BUILD_ID")]
        build_ids: Vec<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// An index that is in the cache now.
#[derive(Serialize)]
struct Added<'a> {
    build_id: &'a BuildId,
    elf: &'a str,
    size_bytes: usize,
    is_new: bool,
}

/// Runs the action. No workspace is opened.
pub fn run(action: &CacheAction, common: &Common, out: &mut dyn Write) -> Outcome {
    let cache = common.cache();
    let Some(listing) = cache.listing() else {
        return Err(Failure::wrong(if common.no_cache {
            "--no-cache uses no cache, so there is none to look at. Leave it out"
        } else {
            "there is no cache folder for this user. Name one with FIELDSCOPE_CACHE"
        }));
    };
    match action {
        CacheAction::List { json: true } => json_line("fieldscope.symbols.cache/1", &listing, out)?,
        CacheAction::List { json: false } => print(&listing, out)?,
        CacheAction::Add { elfs, json } => add(&cache, &listing, elfs, common, *json, out)?,
        CacheAction::Clear { build_ids, json } => {
            let builds = build_ids
                .iter()
                .map(|hex| {
                    BuildId::from_hex(hex).ok_or_else(|| {
                        Failure::wrong(format!(
                            "{hex} is not a build id. Give at least 8 hex digits of one, an even number of them"
                        ))
                    })
                })
                .collect::<Result<Vec<_>, _>>()?;
            let cleared = cache.clear(&builds).map_err(Failure::wrong)?;
            if *json {
                json_line("fieldscope.symbols.cache.cleared/1", &cleared, out)?;
            } else {
                let freed = megabytes(cleared.freed_bytes);
                match cleared.n_removed {
                    1 => writeln!(out, "1 index removed, {freed} free.")?,
                    n => writeln!(out, "{n} indexes removed, {freed} free.")?,
                }
            }
        }
    }
    Ok(Exit::Done)
}

fn add(
    cache: &IndexCache,
    listing: &CacheListing,
    elfs: &[PathBuf],
    common: &Common,
    is_json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let files = open_symbol_files(elfs, &common.debug_dir).map_err(Failure::wrong)?;
    let progress = Terminal::new("indexing");
    for file in files {
        let known = cache.open(&file).is_some();
        cache.keep(&file, &progress)?;
        let index = cache.open(&file).ok_or_else(|| {
            Failure::wrong(format!(
                "the index of {} could not be kept in {}: the disk is full, the folder cannot be written, or the ELF is too large for an index",
                file.name(),
                listing.folder
            ))
        })?;
        progress.clear();
        let added = Added {
            build_id: file.build_id(),
            elf: file.name(),
            size_bytes: index.size_bytes(),
            is_new: !known,
        };
        if is_json {
            json_line("fieldscope.symbols.cache.added/1", &added, out)?;
        } else {
            let size = megabytes(index.size_bytes() as u64);
            let words = if known { "was there" } else { "made" };
            writeln!(out, "{}  {size:>9}  {words}  {}", added.build_id, added.elf)?;
        }
    }
    Ok(())
}

fn print(listing: &CacheListing, out: &mut dyn Write) -> Result<(), Failure> {
    for index in &listing.indexes {
        let build_id = index.build_id.as_ref().map(BuildId::to_string);
        // Date and time to the second say enough here.
        let used = index.last_used.get(..19).unwrap_or(&index.last_used);
        writeln!(
            out,
            "{:<40}  {:>9}  {}  {}",
            build_id.as_deref().unwrap_or("unknown"),
            megabytes(index.size_bytes),
            used.replace('T', " "),
            index.elf.as_deref().unwrap_or("unknown ELF")
        )?;
    }
    let n = match listing.indexes.len() {
        1 => "1 index".to_owned(),
        n => format!("{n} indexes"),
    };
    writeln!(
        out,
        "{n} in {}: {} of {} (FIELDSCOPE_CACHE_MB), times in UTC",
        Path::new(&listing.folder).display(),
        megabytes(listing.size_bytes),
        megabytes(listing.cap_bytes)
    )?;
    Ok(())
}

/// `1.5 MB`, as `FIELDSCOPE_CACHE_MB` counts them.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10).div_ceil(1 << 20);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
