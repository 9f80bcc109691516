//! The program: a command is answered by the command line, anything else opens the window.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use fieldscope::cli::exit::Exit;
use fieldscope::cli::{self, Request};
use std::io::{BufWriter, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

// The unwinder of the compiler inside the program, not as a shared library: one file less to find and to relocate, which
// every command would wait for (0.15 ms of the 2 ms that an answer for one address takes).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "names a library, declares nothing")]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

fn main() -> ExitCode {
    cli::console::attach();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut err = std::io::stderr();
        let request = cli::run(&mut out, &mut err);
        // A reader that went away is no error of ours.
        let _closed = out.flush().is_err();
        drop(out);
        match request {
            Request::Answered(exit) => exit,
            Request::Window(args) => window::open(&args),
            Request::Screenshot(args, common) => window::screenshot(&args, &common),
        }
    }));
    ExitCode::from(outcome.unwrap_or_else(|_panic| {
        // The panic's own message was printed by its hook.
        let _closed = writeln!(
            std::io::stderr(),
            "fieldscope: FS-BUG-001: a bug in Fieldscope; the input is untouched. Please report it"
        )
        .is_err();
        Exit::Bug
    }))
}

#[cfg(feature = "gui")]
mod window {
    //! The window, for those who built it in.

    use fieldscope::cli::args::{Cli, Common, ScreenshotArgs};
    use fieldscope::cli::exit::{Exit, Failure};
    use fieldscope::{cli, ui};

    /// Opens the window with the files that were named.
    pub(crate) fn open(args: &Cli) -> Exit {
        let outcome = ui::run(&ui::WindowOptions {
            workspace: args.common.workspace.clone(),
            cache: args.common.cache(),
            files: args.files.clone(),
            follow: args.follow.clone(),
        })
        .inspect_err(|error| ui::dialogs::tell(&error.to_string()));
        cli::finish(
            outcome.map(|()| Exit::Done).map_err(Failure::wrong),
            &mut std::io::stderr(),
        )
    }

    /// Draws one screen into a file.
    pub(crate) fn screenshot(args: &ScreenshotArgs, common: &Common) -> Exit {
        let outcome = ui::screenshot(&ui::ScreenshotOptions {
            panel: args.panel.clone(),
            out: args.out.clone(),
            files: args.files.clone(),
            show: args.show.clone(),
            connect: args.connect.clone(),
            watch: args.watch.clone(),
            seconds: args.seconds,
            size: args.size.clone(),
            scale: args.scale,
            theme: args.theme.clone(),
            workspace: common.workspace.clone(),
            cache: common.cache(),
        });
        cli::finish(
            outcome.map(|()| Exit::Done).map_err(Failure::wrong),
            &mut std::io::stderr(),
        )
    }
}

#[cfg(not(feature = "gui"))]
mod window {
    //! This build has no window, and says so.

    use fieldscope::cli;
    use fieldscope::cli::args::{Cli, Common, ScreenshotArgs};
    use fieldscope::cli::exit::{Exit, Failure};

    const NO_WINDOW: &str =
        "this build has no window (feature gui is off). Use a command: fieldscope --help";

    pub(crate) fn open(_args: &Cli) -> Exit {
        cli::finish(Err(Failure::wrong(NO_WINDOW)), &mut std::io::stderr())
    }

    pub(crate) fn screenshot(_args: &ScreenshotArgs, _common: &Common) -> Exit {
        cli::finish(Err(Failure::wrong(NO_WINDOW)), &mut std::io::stderr())
    }
}
