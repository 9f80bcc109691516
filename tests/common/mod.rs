//! The real program, run far from the user's own files: what every test of it shares.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder of its own for workspace, cache, home and inputs. Gone with the value.
pub(crate) struct Place {
    folder: TempDir,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("home")).expect("a home");
        Self { folder }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, with everything that it would keep of a user in this folder, and no screen.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldscope"));
        command
            .current_dir(self.path(""))
            .env("HOME", self.path("home"))
            .env("XDG_DATA_HOME", self.path("home/data"))
            .env("XDG_CACHE_HOME", self.path("home/cache"))
            .env("FIELDSCOPE_CACHE", self.path("cache"))
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Answer {
        let output = self
            .command()
            .args(args)
            .output()
            .expect("the program starts");
        Answer {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Answer {
    /// Standard output as JSON Lines. The call must have ended with one of the codes that print an answer.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let is_answer = matches!(self.code, Some(0 | 1 | 3));
        assert!(is_answer, "{:?}: {}{}", self.code, self.out, self.err);
        let read = |line| serde_json::from_str(line).expect("a line of JSON");
        self.out.lines().map(read).collect()
    }

    /// Standard output as one JSON object.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let mut lines = self.json_lines();
        assert_eq!(lines.len(), 1, "one object: {self:?}");
        lines.remove(0)
    }
}

/// Path of a fixture, as an argument.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path.display().to_string()
}
