//! `fieldscope logs`, run as a user does.

use std::process::{Command, Output};

pub(crate) fn logs(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .arg("logs")
        .args(arguments)
        .arg("--no-cache")
        .output()
        .unwrap()
}

/// Standard output of a call that ends well.
pub(crate) fn printed(arguments: &[&str]) -> String {
    let output = logs(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
