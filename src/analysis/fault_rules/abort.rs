//! The program ended itself.

use super::panic::of_role;
use super::{FaultRule, Finding};
use crate::analysis::crash_facts::Case;
use crate::analysis::known_functions::Role;
use crate::model::report::FaultKind;

/// "`check` called abort, main.c:12".
pub(super) const RULE: FaultRule = FaultRule {
    id: "abort",
    explain,
};

fn explain(case: &Case<'_>) -> Option<Finding> {
    of_role(case, Role::Abort, FaultKind::Abort, "called abort")
}

#[cfg(test)]
mod tests {
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::report::FrameTrust;

    #[test]
    fn the_caller_of_abort_is_named() {
        let scene = Scene::new(&[0xFE, 0xE7]).frames(vec![
            frame("abort", "", FrameTrust::Context),
            frame("check", "main.c:12", FrameTrust::Cfi),
        ]);
        assert_eq!(
            scene.headline(),
            (
                "abort".to_owned(),
                "`check` called abort, main.c:12".to_owned()
            )
        );
    }
}
