//! A display for pictures where there is none: Xvfb, if it is installed.

use super::window::WindowError;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Set for the process that runs inside, so that it never starts another.
const INSIDE: &str = "FIELDSCOPE_IN_XVFB";

/// True when a window would have nowhere to go.
pub(super) fn is_needed() -> bool {
    let is_unset = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    cfg!(all(unix, not(target_os = "macos")))
        && is_unset("DISPLAY")
        && is_unset("WAYLAND_DISPLAY")
        && is_unset(INSIDE)
}

/// Runs this same command again on a display of its own. Answers how it ended.
pub(super) fn run_again(size: [f32; 2]) -> Result<Option<i32>, WindowError> {
    let mut display = Display::start(size)?;
    let program = std::env::current_exe().map_err(|error| no_display(&error.to_string()))?;
    let mut command = Command::new(program);
    command
        .args(std::env::args_os().skip(1))
        .env("DISPLAY", &display.name)
        .env(INSIDE, "1");
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Without it the OpenGL libraries complain on standard error about a Wayland that is not there.
        command.env("XDG_RUNTIME_DIR", "/tmp");
    }
    let status = command.status();
    display.stop();
    let status = status.map_err(|error| no_display(&error.to_string()))?;
    Ok(status.code())
}

/// A running Xvfb.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start(size: [f32; 2]) -> Result<Self, WindowError> {
        let screen = format!("{:.0}x{:.0}x24", size[0].max(640.0), size[1].max(480.0));
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-nolisten",
                "tcp",
                "-screen",
                "0",
                &screen,
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| no_display(&error.to_string()))?;
        let mut number = String::new();
        if let Some(out) = server.stdout.take() {
            // A server that dies closes its end, and nothing is read.
            let _unreadable = BufReader::new(out).read_line(&mut number).is_err();
        }
        let name = format!(":{}", number.trim());
        let mut display = Self { server, name };
        if number.trim().is_empty() {
            display.stop();
            return Err(no_display("Xvfb did not start"));
        }
        Ok(display)
    }

    fn stop(&mut self) {
        // It may have ended by itself.
        let _ended = self.server.kill().is_err() || self.server.wait().is_err();
    }
}

fn no_display(why: &str) -> WindowError {
    WindowError::NoDisplay(why.to_owned())
}
