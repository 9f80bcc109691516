//! A backtrace of ours against gdb's answer (`scripts/oracle.py`), frame by frame and variable by variable.

use fieldscope::model::report::{Frame, Local, Thread, Unavailable};
use serde_json::Value;

/// What is wrong with the frames of a thread.
pub(crate) fn compare_frames(
    what: &str,
    thread: &Thread,
    expected: &[&Value],
    lost: &[String],
    wrong: &mut Vec<String>,
) {
    let ours: Vec<&Frame> = thread.frames.iter().collect();
    let shown = |frame: &Frame| frame.function.clone().unwrap_or_default();
    if ours.len() != expected.len() {
        let names: Vec<String> = ours.iter().map(|f| shown(f)).collect();
        let theirs: Vec<&str> = expected
            .iter()
            .map(|f| f["function"].as_str().unwrap_or("??"))
            .collect();
        wrong.push(format!("{what}: frames {names:?}, gdb {theirs:?}"));
        return;
    }
    for (idx, (ours, theirs)) in ours.iter().zip(expected).enumerate() {
        let at = format!("{what} #{idx} {}", shown(ours));
        let mut check = |field: &str, ours: Value, theirs: &Value| {
            if &ours != theirs {
                wrong.push(format!("{at}: {field} {ours}, gdb {theirs}"));
            }
        };
        if !theirs["pc"].is_null() {
            check("pc", Value::from(ours.pc.to_string()), &theirs["pc"]);
        }
        check(
            "function",
            Value::from(ours.function.clone()),
            &theirs["function"],
        );
        check("line", Value::from(ours.line), &theirs["line"]);
        check("inlined", Value::from(ours.inlined), &theirs["inlined"]);
        if let Some(file) = theirs["file"].as_str() {
            check("file", Value::from(ours.file.clone()), &Value::from(file));
        }
        for (kind, is_argument) in [("args", true), ("locals", false)] {
            compare_variables(&at, ours, &theirs[kind], is_argument, lost, wrong);
        }
    }
}

fn compare_variables(
    at: &str,
    frame: &Frame,
    theirs: &Value,
    is_argument: bool,
    lost: &[String],
    wrong: &mut Vec<String>,
) {
    for (name, theirs) in theirs.as_object().unwrap() {
        let ours = frame
            .locals
            .iter()
            .find(|l| &l.name == name && l.argument == is_argument);
        let Some(ours) = ours else {
            wrong.push(format!("{at}: {name} is missing"));
            continue;
        };
        if lost.contains(&format!(
            "{}:{name}",
            frame.function.clone().unwrap_or_default()
        )) {
            if ours.unavailable != Some(Unavailable::RegisterNotStored) {
                wrong.push(format!(
                    "{at}: {name} was never stored, ours {:?}",
                    ours.value
                ));
            }
            continue;
        }
        if let Some(problem) = variable_problem(ours, theirs) {
            wrong.push(format!("{at}: {name} {problem}"));
        }
    }
}

/// gdb prints a pointer without the symbol in this form of its answer; strings behind pointers it leaves out too.
fn without_symbols(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(start) = rest.find(" <") {
        let tail = &rest[start..];
        let Some(end) = tail.find('>') else { break };
        out.push_str(&rest[..start]);
        if tail[..end].contains("repeats") {
            out.push_str(&tail[..=end]);
        }
        rest = &tail[end + 1..];
    }
    out.push_str(rest);
    out
}

fn variable_problem(ours: &Local, theirs: &Value) -> Option<String> {
    let said = theirs["unavailable"].as_str();
    if theirs["value"] == "<unavailable>" && ours.value.is_some() {
        // A floating-point register that gdb was not given; the task's saved context holds it.
        return None;
    }
    match (&ours.value, theirs["value"].as_str(), said) {
        (Some(ours), Some(theirs), _) => {
            let (a, b) = (without_symbols(ours), without_symbols(theirs));
            (a != b && !a.starts_with(&format!("{b} \""))).then(|| format!("= {a}, gdb {b}"))
        }
        (None, Some(theirs), _) => Some(format!("is {:?}, gdb {theirs}", ours.unavailable)),
        // Registers that gdb was never given: we may know better (from the stack), or say that it was not stored.
        (Some(_), None, Some(said)) if said.contains("DWARF register") => None,
        (None, None, Some(said)) if said.contains("DWARF register") => {
            (ours.unavailable != Some(Unavailable::RegisterNotStored)).then(|| {
                format!(
                    "is {:?}, but its register was never stored",
                    ours.unavailable
                )
            })
        }
        (Some(ours), None, said) => Some(format!("= {ours}, gdb {said:?}")),
        (None, None, _) => None,
    }
}
