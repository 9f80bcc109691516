//! A fault inside the handler of a fault.

use super::{FAULT_RULES, FaultRule, Finding};
use crate::analysis::crash_facts::{Case, source_line};
use crate::analysis::wording::address;
use crate::arch::cortex_m::exception_name;
use crate::model::report::Frame;

/// "`calibrate` caused a `MemManage` fault, main.c:20, and its handler faulted too: `log_fault` wrote 130 to 0xF0000200,
/// where nothing is (precise bus fault), fault.c:51".
pub(super) const RULE: FaultRule = FaultRule {
    id: "nested_fault",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    let first = case.first_of_two_faults()?;
    let name = exception_name(first);
    let interrupted = case
        .frames()
        .iter()
        .position(|frame| frame.interrupted.as_deref() == Some(name.as_str()));
    let second = case.second_fault()?;
    let found = FAULT_RULES
        .iter()
        .filter(|rule| rule.id != RULE.id)
        .find_map(|rule| (rule.explain)(&second))?;
    let did = interrupted
        .map(|at| {
            format!(
                ", while {name} interrupted {}",
                quoted(case.frames().get(at))
            )
        })
        .and_then(|phrase| {
            let (before, after) = found.summary.split_once(&phrase)?;
            // A task's name may follow: the first fault is the place for it, the sentence is long enough.
            let line = after.rsplit_once(", ").map_or("", |(_, line)| line);
            Some(if line.is_empty() {
                before.to_owned()
            } else {
                format!("{before}, {line}")
            })
        })
        .unwrap_or_else(|| found.summary.clone());
    let cause = interrupted.and_then(|at| first_site(case.frames().get(at..)?));
    let summary = match cause {
        Some((function, Some(line))) => {
            format!(
                "`{function}` caused a {name} fault, {line}, and its handler faulted too: {did}"
            )
        }
        Some((function, None)) => {
            format!("`{function}` caused a {name} fault, and its handler faulted too: {did}")
        }
        None => format!("The handler of a {name} fault faulted itself: {did}"),
    };
    let mut evidence = vec![format!(
        "HFSR says FORCED, and the program was in the handler of {name}: two faults in a row"
    )];
    evidence.extend(first_address(case, first));
    evidence.extend(found.evidence);
    Some(Finding {
        summary,
        advice: Some(
            "Find the first fault's cause; and make the fault handler safe: it must not use pointers or locks of the program.",
        ),
        evidence,
        ..found
    })
}

fn quoted(frame: Option<&Frame>) -> String {
    frame
        .and_then(|frame| frame.function.as_ref())
        .map_or(String::new(), |name| format!("`{name}`"))
}

fn first_site(frames: &[Frame]) -> Option<(&str, Option<String>)> {
    let site = frames.iter().find(|frame| frame.function.is_some())?;
    Some((site.function.as_deref()?, source_line(site)))
}

/// The address of the first fault, if its register still holds it.
fn first_address(case: &Case<'_>, first: u32) -> Option<String> {
    let (valid, register) = match first {
        4 => ("MMARVALID", "mmfar"),
        5 => ("BFARVALID", "bfar"),
        _ => return None,
    };
    let value = case
        .facts
        .dump
        .fault
        .get(register)
        .filter(|_| case.cfsr(valid))?;
    let at = u64::from(value);
    Some(format!(
        "the first fault was an access to {}{} ({})",
        address(at),
        case.what_is_at(at),
        register.to_ascii_uppercase()
    ))
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn both_faults_are_named() {
        let mut below = frame("calibrate", "main.c:20", FrameTrust::ExceptionFrame);
        below.interrupted = Some("MemManage".to_owned());
        let scene = Scene::new(&[0x01, 0x60])
            .reg(0, 0xF000_0200)
            .reg(1, 130)
            .xpsr(4)
            .frames(vec![
                frame("log_fault", "fault.c:51", FrameTrust::Context),
                frame("MemManage_Handler", "fault.c:60", FrameTrust::Cfi),
                below,
            ])
            .fault("cfsr", 0x8282)
            .fault("hfsr", 0x4000_0000)
            .fault("mmfar", 0x2000_0100)
            .fault("bfar", 0xF000_0200);
        assert_eq!(
            scene.headline(),
            ("bus fault".to_owned(), "`calibrate` caused a MemManage fault, main.c:20, and its handler faulted too: `log_fault` wrote 130 to 0xF0000200, where nothing is (precise bus fault), fault.c:51".to_owned())
        );
        assert_eq!(
            scene.explain().unwrap().evidence[1],
            "the first fault was an access to 0x20000100 (MMFAR)"
        );
    }

    #[test]
    fn a_fault_that_only_escalated_is_one_fault() {
        let scene = Scene::bad_store()
            .xpsr(0)
            .fault("cfsr", 0x8200)
            .fault("hfsr", 0x4000_0000)
            .fault("bfar", 0xF000_0000);
        assert!(scene.headline().1.starts_with("`poke` wrote 13"));
    }
}
