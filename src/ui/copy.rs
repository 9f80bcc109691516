//! A crash as text and as Markdown, for the clipboard.

use super::words;
use crate::model::report::{CrashReport, Frame, Thread};
use std::fmt::Write as _;

/// The crash as plain text.
pub fn text(headline: &str, report: &CrashReport) -> String {
    let mut out = headline.replace('`', "");
    out.push('\n');
    if let Some(advice) = advice(report) {
        push(&mut out, &advice.replace('`', ""));
    }
    push(&mut out, &facts(report));
    for thread in &report.threads {
        out.push('\n');
        push(&mut out, &thread_line(thread));
        for (idx, frame) in thread.frames.iter().enumerate() {
            push(&mut out, &format!("  {}", frame_line(idx, frame)));
        }
    }
    if let Some(fault) = &report.fault {
        out.push_str("\nWhy we believe this\n");
        for line in &fault.evidence {
            push(&mut out, &format!("  {}", line.replace('`', "")));
        }
    }
    out
}

/// The crash for a ticket: the crashed thread in full, the others folded.
pub fn markdown(headline: &str, report: &CrashReport) -> String {
    let mut out = format!("### {headline}\n\n");
    if let Some(advice) = advice(report) {
        push(&mut out, &format!("{advice}\n"));
    }
    push(&mut out, &format!("{}\n", facts(report)));
    let (crashed, others): (Vec<&Thread>, Vec<&Thread>) =
        report.threads.iter().partition(|thread| thread.crashed);
    for thread in crashed {
        push(&mut out, &format!("{}\n", thread_line(thread)));
        fenced(&mut out, thread);
    }
    if let Some(fault) = &report.fault
        && !fault.evidence.is_empty()
    {
        out.push_str("\nWhy we believe this:\n");
        for line in &fault.evidence {
            push(&mut out, &format!("- {line}"));
        }
    }
    if !others.is_empty() {
        let count = words::count(others.len() as u64, "other thread", "other threads");
        let _written = write!(out, "\n<details><summary>{count}</summary>\n\n");
        for thread in others {
            push(&mut out, &format!("{}\n", thread_line(thread)));
            fenced(&mut out, thread);
        }
        out.push_str("</details>\n");
    }
    out
}

fn fenced(out: &mut String, thread: &Thread) {
    out.push_str("```\n");
    for (idx, frame) in thread.frames.iter().enumerate() {
        push(out, &frame_line(idx, frame));
    }
    out.push_str("```\n");
}

fn advice(report: &CrashReport) -> Option<&str> {
    report.fault.as_ref()?.advice.as_deref()
}

fn facts(report: &CrashReport) -> String {
    let mut facts = Vec::new();
    if let Some(fault) = &report.fault {
        facts.push(fault.kind.label().to_owned());
    }
    facts.push(report.arch.as_str().to_owned());
    facts.push(match &report.build_id {
        Some(id) => format!("build {id}"),
        None => "build unknown".to_owned(),
    });
    facts.push(
        if report.verified {
            "symbols match"
        } else {
            "symbols not verified"
        }
        .to_owned(),
    );
    facts.join(" · ")
}

fn thread_line(thread: &Thread) -> String {
    let name = thread
        .name
        .clone()
        .or_else(|| thread.id.map(|id| id.to_string()));
    let mut line = format!(
        "Thread {}, {}",
        name.unwrap_or_else(|| "CPU".to_owned()),
        thread.state.as_str()
    );
    if let Some(what) = &thread.waits_on {
        let _written = write!(line, ", waits on {what}");
    }
    if thread.crashed {
        line.push_str(", crashed");
    }
    if let (Some(used), Some(size)) = (thread.stack_used, thread.stack_size) {
        let _written = write!(line, ", stack {used} of {size} bytes");
    }
    line
}

fn frame_line(idx: usize, frame: &Frame) -> String {
    let name = frame.qualified.as_ref().or(frame.function.as_ref());
    let name = name.cloned().unwrap_or_else(|| "?".to_owned());
    let place = match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!(" at {file}:{line}"),
        (Some(file), None) => format!(" at {file}"),
        _ => String::new(),
    };
    let inlined = if frame.inlined { " (inlined)" } else { "" };
    let interrupted = frame
        .interrupted
        .as_ref()
        .map_or(String::new(), |name| format!(" (interrupted by {name})"));
    format!(
        "#{idx} {} {name}{place}{inlined}{interrupted} [{}]",
        frame.pc,
        frame.trust.as_str()
    )
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
