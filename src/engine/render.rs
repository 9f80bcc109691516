//! A report as text and as Markdown: what the command line prints and what the window copies.

use super::render_rtos;
use crate::analysis::deadlock::sentence;
use crate::model::report::{CrashReport, Frame, FrameTrust, Local, Thread};
use std::fmt::Write as _;

/// The whole report as plain text, ending in a newline.
pub fn text(report: &CrashReport) -> String {
    let mut out = String::new();
    let headline = headline(report);
    line(&mut out, &headline);
    line(&mut out, &identity(report));
    for deadlock in &report.deadlocks {
        line(&mut out, &format!("Deadlock: {}", sentence(deadlock)));
    }
    if let Some(fault) = &report.fault {
        if let Some(advice) = &fault.advice {
            line(&mut out, advice);
        }
        for reason in &fault.evidence {
            line(&mut out, &format!("  because: {reason}"));
        }
    }
    for thread in &report.threads {
        line(&mut out, "");
        line(&mut out, &thread_title(thread));
        frames_text(&mut out, thread);
    }
    for text in render_rtos::lines(report) {
        line(&mut out, &text);
    }
    if let Some(fingerprint) = &report.fingerprint {
        line(&mut out, "");
        line(
            &mut out,
            &format!("Fingerprint {} ({})", fingerprint.key, fingerprint.rule),
        );
    }
    if !report.warnings.is_empty() {
        line(&mut out, "");
        for warning in &report.warnings {
            let at = warning
                .offset
                .map(|o| format!(" (byte {o})"))
                .unwrap_or_default();
            line(
                &mut out,
                &format!("{}{at}: {}", warning.code, warning.message),
            );
        }
    }
    out
}

/// The report as Markdown for a ticket: headline, crashed thread, the other threads by name.
pub fn markdown(report: &CrashReport) -> String {
    let mut out = String::new();
    line(&mut out, &format!("**{}**", headline(report)));
    line(&mut out, "");
    line(&mut out, &identity(report));
    for deadlock in &report.deadlocks {
        line(&mut out, "");
        line(&mut out, &format!("Deadlock: {}", sentence(deadlock)));
    }
    if let Some(fault) = &report.fault {
        line(&mut out, "");
        for reason in &fault.evidence {
            line(&mut out, &format!("- {reason}"));
        }
    }
    for thread in report.threads.iter().filter(|thread| thread.crashed) {
        line(&mut out, "");
        line(&mut out, "```");
        line(&mut out, &thread_title(thread));
        frames_text(&mut out, thread);
        line(&mut out, "```");
    }
    let others: Vec<String> = report
        .threads
        .iter()
        .filter(|thread| !thread.crashed)
        .map(|thread| format!("`{}` {}", thread_name(thread), thread_doing(thread)))
        .collect();
    if !others.is_empty() {
        line(&mut out, "");
        line(&mut out, &format!("Other threads: {}", others.join(", ")));
    }
    if let Some(fingerprint) = &report.fingerprint {
        line(&mut out, "");
        line(&mut out, &format!("Fingerprint `{}`", fingerprint.key));
    }
    out
}

/// The headline sentence.
pub fn headline(report: &CrashReport) -> String {
    match &report.fault {
        Some(fault) => fault.summary.clone(),
        None => "The target was stopped; the capture names no fault.".to_owned(),
    }
}

/// Which build, and whether the symbols are proven to be its own.
pub fn identity(report: &CrashReport) -> String {
    let build = report
        .build_id
        .as_ref()
        .map(|id| format!("build {}", id.short()));
    let symbols = match (&report.elf_build_id, report.verified) {
        (Some(_), true) => "symbols match".to_owned(),
        (Some(elf), false) => format!("symbols of build {}, not verified", elf.short()),
        (None, _) => "no symbols".to_owned(),
    };
    let kind = report
        .fault
        .as_ref()
        .map(|fault| fault.kind.label().to_owned());
    let which = (report.n_crashes > 1)
        .then(|| format!("crash {} of {}", report.crash_index + 1, report.n_crashes));
    let parts = [
        kind,
        Some(report.arch.as_str().to_owned()),
        build,
        Some(symbols),
        which,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The name of a thread, or what it is without one.
pub fn thread_name(thread: &Thread) -> String {
    match (&thread.name, thread.id) {
        (Some(name), _) => name.clone(),
        (None, Some(id)) => format!("thread {id}"),
        (None, None) if thread.crashed => "the only thread".to_owned(),
        (None, None) => "thread".to_owned(),
    }
}

/// State and what it waits on.
pub fn thread_doing(thread: &Thread) -> String {
    match &thread.waits_on {
        Some(what) => format!("{}, waits on {what}", thread.state.as_str()),
        None => thread.state.as_str().to_owned(),
    }
}

fn thread_title(thread: &Thread) -> String {
    let mut title = format!("Thread {} ({}", thread_name(thread), thread_doing(thread));
    if let Some(priority) = thread.priority {
        // Writing to a String cannot fail.
        let _infallible = write!(title, ", priority {priority}");
    }
    if let (Some(used), Some(size)) = (thread.stack_used, thread.stack_size) {
        let _infallible = write!(title, ", stack {used} of {size} bytes");
    }
    if let Some(unused) = thread.stack_unused_min {
        let _infallible = write!(title, ", {unused} never used");
    }
    title.push(')');
    if thread.crashed {
        title.push_str(" crashed");
    }
    title
}

fn frames_text(out: &mut String, thread: &Thread) {
    for (idx, frame) in thread.frames.iter().enumerate() {
        if let Some(exception) = &frame.interrupted {
            line(out, &format!("      -- {exception} interrupted --"));
        }
        line(out, &format!("  #{idx:<3}{}", frame_line(frame)));
        for local in &frame.locals {
            line(out, &format!("          {}", local_line(local)));
        }
    }
    if let Some(reason) = &thread.stopped {
        line(out, &format!("      ({reason})"));
    }
}

/// One frame as one line: address, function, place, trust.
pub fn frame_line(frame: &Frame) -> String {
    let name = frame.qualified.as_ref().or(frame.function.as_ref());
    let arguments: Vec<String> = frame
        .locals
        .iter()
        .filter(|local| local.argument)
        .map(local_line)
        .collect();
    let mut text = format!("{} {}", frame.pc, name.map_or("??", String::as_str));
    if name.is_some() {
        let _infallible = write!(text, "({})", arguments.join(", "));
    }
    if let Some(place) = place(frame) {
        let _infallible = write!(text, " at {place}");
    }
    let inlined = if frame.inlined { "inlined, " } else { "" };
    let tail_call = if frame.tail_call { "tail call, " } else { "" };
    let handler = if frame.fault_handler {
        "fault handler, "
    } else {
        ""
    };
    let trust = trust_label(frame.trust);
    let _infallible = write!(text, "  [{handler}{inlined}{tail_call}{trust}]");
    text
}

/// `main.c:16`.
pub fn place(frame: &Frame) -> Option<String> {
    let file = frame.file.as_ref()?;
    Some(
        frame
            .line
            .map_or_else(|| file.clone(), |line| format!("{file}:{line}")),
    )
}

/// How a frame was found, in words for a reader.
pub fn trust_label(trust: FrameTrust) -> &'static str {
    match trust {
        FrameTrust::Context => "registers",
        FrameTrust::Cfi => "cfi",
        FrameTrust::ExceptionFrame => "exception frame",
        FrameTrust::FramePointer => "frame pointer",
        FrameTrust::Scan => "scan",
    }
}

/// `name = value`, or why there is none.
pub fn local_line(local: &Local) -> String {
    let value = match (&local.value, local.unavailable) {
        (Some(value), _) => value.clone(),
        (None, Some(why)) => format!("<{}>", why.label()),
        (None, None) => "<no value>".to_owned(),
    };
    format!("{} = {value}", local.name)
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
