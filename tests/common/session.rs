//! `fieldscope monitor` as a process of its own.

use super::common::Place;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// A session that runs.
pub(crate) struct Monitor {
    pub(crate) child: Child,
    pub(crate) said: BufReader<ChildStderr>,
    /// What it prints, where that is read while it runs.
    out: Option<JoinHandle<String>>,
}

impl Monitor {
    /// Starts one and waits until it listens.
    pub(crate) fn start(place: &Place, args: &[&str]) -> Self {
        let mut child = monitor(place)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let said = BufReader::new(child.stderr.take().expect("its words"));
        let mut monitor = Self {
            child,
            said,
            out: None,
        };
        monitor.wait_for("listening");
        monitor
    }

    /// Reads what it prints while it runs: a session whose output fills a pipe waits with what it says.
    pub(crate) fn reading(mut self) -> Self {
        let mut stdout = self.child.stdout.take().expect("its output");
        self.out = Some(std::thread::spawn(move || {
            let mut out = String::new();
            stdout.read_to_string(&mut out).expect("text");
            out
        }));
        self
    }

    /// Reads what is told until a line holds a text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let n = self.said.read_line(&mut line).expect("its words");
            assert!(n > 0, "{text} was never said");
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();
        assert!(sent.expect("kill starts").success());
    }

    /// Waits for its end: how it ended, what it printed, and what it said.
    pub(crate) fn end(mut self) -> (ExitStatus, String, String) {
        let mut out = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut out).expect("text");
        } else if let Some(read) = self.out.take() {
            out = read.join().expect("it was read");
        }
        let mut said = String::new();
        self.said.read_to_string(&mut said).expect("text");
        (self.child.wait().expect("it ends"), out, said)
    }
}

pub(crate) fn monitor(place: &Place) -> Command {
    let mut command = place.command();
    command.args(["monitor", "--no-cache", "--workspace", "w.fieldscope"]);
    command
}
