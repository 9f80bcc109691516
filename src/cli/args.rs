//! The words of the command line.

use super::{
    backtrace, completions, demo, export, import, logs, man, metrics, monitor, query, replay, sdk,
    symbolize, symbols,
};
use crate::engine::index_cache::IndexCache;
use crate::engine::source_map::SourceMapping;
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};

/// See where firmware crashed, what it logged and how it was doing. Offline; nothing is sent anywhere.
#[derive(Debug, Parser)]
#[command(
    name = "fieldscope",
    version,
    about,
    subcommand_precedence_over_arg = true
)]
pub struct Cli {
    /// What to do; without a command the window opens.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Files, folders and archives to import into the window; a workspace (.fieldscope) to open.
    pub files: Vec<PathBuf>,
    /// Log file to open in the window, which shows what is appended to it; may be repeated
    #[arg(long, value_name = "LOG")]
    pub follow: Vec<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

// What every command takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// Workspace file; by default the one in your data folder.
    #[arg(long, global = true, value_name = "FILE")]
    pub workspace: Option<PathBuf>,
    /// Folder with separate debug files (.build-id/ab/cdef.debug); may be repeated
    #[arg(long, global = true, value_name = "DIR")]
    pub debug_dir: Vec<PathBuf>,
    /// Keep no symbol index on disk and use none.
    #[arg(long, global = true)]
    pub no_cache: bool,
}

// What every command takes that shows source paths.
#[derive(Clone, Debug, Default, Args)]
pub struct SourceMap {
    /// Show source paths that begin with FROM as if they began with TO; may be repeated, the first that fits counts
    #[arg(long = "source-map", value_name = "FROM=TO")]
    pub mappings: Vec<SourceMapping>,
}

/// The commands, one file each. What holds their arguments has no doc comments: clap would show those as the help of a
/// command, in place of the lines here.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Print the backtrace and the explanation of a crash
    Backtrace(backtrace::BacktraceArgs),
    /// Print shell completions
    Completions(completions::CompletionsArgs),
    /// Write the table of a query to a Parquet or CSV file
    Export(Box<export::ExportArgs>),
    /// Take files, folders and archives into the workspace
    Import(import::ImportArgs),
    /// Print a log: decoded, filtered, searched
    Logs(Box<logs::LogsArgs>),
    /// Write the manual pages
    #[command(hide = true)]
    Man(man::ManArgs),
    /// Print the heartbeats of devices: metrics with their names and units
    Metrics(metrics::MetricsArgs),
    /// Listen to boards: what they say, decoded as it comes, and recorded
    Monitor(monitor::MonitorArgs),
    /// Print what a query of the window answers
    Query(query::QueryArgs),
    /// Print a recorded session as it was when it was live
    Replay(replay::ReplayArgs),
    /// Draw a screen of the window into a PNG file
    Screenshot(ScreenshotArgs),
    /// Write the device-side SDK of this version: metrics, events, logs and coredumps from your firmware
    Sdk(sdk::SdkArgs),
    /// Make a workspace with a fleet that never was: a planted regression to find
    Demo(demo::DemoArgs),
    /// Name the addresses in any text
    Symbolize(symbolize::SymbolizeArgs),
    /// Add, list or look for symbol files
    Symbols(symbols::SymbolsArgs),
}

// `fieldscope screenshot`.
#[derive(Clone, Debug, Args)]
pub struct ScreenshotArgs {
    /// Screen: home, crash, issues, logs, live, device, fleet, symbols, symbolizer, import
    pub panel: String,
    /// PNG file to write
    #[arg(long, value_name = "PNG")]
    pub out: PathBuf,
    /// Files to import first
    #[arg(long = "import", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Part to open: a tab of the crash (registers, heap, ...), the key of an issue, `first` or `compare`; `messages`, `compare`, `fold`, `export` of a log, or `merge` of the first two logs
    #[arg(long, value_name = "PART")]
    pub show: Option<String>,
    /// Link to open before a picture of live is taken: gdb:HOST:PORT, uart:PORT, probe:CHIP; may be repeated
    #[arg(long, value_name = "KIND:WHAT")]
    pub connect: Vec<String>,
    /// Number to watch meanwhile, as in state.rssi@10; may be repeated
    #[arg(long, value_name = "NAME@HZ", requires = "connect")]
    pub watch: Vec<String>,
    /// How long the board is listened to before the picture is taken
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub seconds: u16,
    /// Size in points, before scaling
    #[arg(long, default_value = "1440x900", value_name = "WxH")]
    pub size: String,
    /// Pixels per point
    #[arg(long, default_value_t = 1.0)]
    pub scale: f32,
    /// dark or light
    #[arg(long, default_value = "dark")]
    pub theme: String,
}

impl Cli {
    /// A workspace among the files is opened and not imported: what a double-click on one asks for.
    pub fn take_workspace(&mut self) -> Result<(), String> {
        let (workspaces, files) = std::mem::take(&mut self.files)
            .into_iter()
            .partition::<Vec<_>, _>(|path| is_workspace(path));
        self.files = files;
        let mut workspaces = workspaces.into_iter().chain(self.common.workspace.take());
        self.common.workspace = workspaces.next();
        match workspaces.next() {
            None => Ok(()),
            Some(second) => Err(format!(
                "FS-WIN-007: one window shows one workspace, and {} is a second one. Open it on its own",
                second.display()
            )),
        }
    }
}

/// By its name alone: a folder, or what is not there, is told by whoever opens it.
fn is_workspace(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("fieldscope"))
        && path.is_file()
}

impl Common {
    /// Where symbol indexes are kept.
    pub fn cache(&self) -> IndexCache {
        if self.no_cache {
            return IndexCache::disabled();
        }
        let megabytes = std::env::var("FIELDSCOPE_CACHE_MB").ok();
        let megabytes = megabytes.and_then(|text| text.trim().parse::<u64>().ok());
        IndexCache::for_user(std::env::var_os("FIELDSCOPE_CACHE").map(PathBuf::from))
            .with_cap(megabytes.map(|n| n.saturating_mul(1 << 20)))
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::Parser as _;
    use std::path::{Path, PathBuf};

    /// The workspace that is opened and the files that are imported.
    fn opened(words: &[&Path]) -> Result<(Option<PathBuf>, Vec<PathBuf>), String> {
        let words = std::iter::once(Path::new("fieldscope")).chain(words.iter().copied());
        let mut cli = Cli::parse_from(words);
        cli.take_workspace()?;
        Ok((cli.common.workspace, cli.files))
    }

    #[test]
    fn a_workspace_among_the_files_is_opened_and_a_second_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a.fieldscope", "B.FIELDSCOPE"].map(|name| folder.path().join(name));
        std::fs::write(&first, "").unwrap();
        std::fs::write(&second, "").unwrap();
        let absent = folder.path().join("absent.fieldscope");
        let log = PathBuf::from("uart.log");
        let flag = Path::new("--workspace");

        let both = Ok((Some(first.clone()), vec![log.clone()]));
        assert_eq!(opened(&[&log, &first]), both);
        assert_eq!(opened(&[&second]), Ok((Some(second.clone()), vec![])));
        assert_eq!(
            opened(&[flag, &absent, &log]),
            Ok((Some(absent.clone()), vec![log]))
        );
        assert_eq!(opened(&[&absent]), Ok((None, vec![absent])));
        assert!(
            opened(&[&first, &second])
                .unwrap_err()
                .contains("FS-WIN-007")
        );
        assert!(opened(&[flag, &second, &first]).is_err());
    }
}
