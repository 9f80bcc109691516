//! Gives the Windows program its icon, version and manifest. Of other systems it does nothing.

use std::env::var;
use std::error::Error;
use std::path::Path;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // Microsoft's linker would need Microsoft's resource compiler: such a build has no icon.
    if var("CARGO_CFG_WINDOWS").is_err() || var("CARGO_CFG_TARGET_ENV")? != "gnu" {
        return Ok(());
    }
    println!("cargo::rerun-if-changed=assets/icon/made/fieldscope.ico");
    println!("cargo::rerun-if-changed=packaging/windows/fieldscope.manifest");
    println!("cargo::rerun-if-changed=packaging/windows/fieldscope.rc");
    let object = Path::new(&var("OUT_DIR")?).join("resources.o");
    let numbers = ["MAJOR", "MINOR", "PATCH"].map(|part| var(format!("CARGO_PKG_VERSION_{part}")));
    let [major, minor, patch] = numbers;
    let status = Command::new("x86_64-w64-mingw32-windres")
        .arg(format!(
            "-DVERSION_NUMBERS={},{},{},0",
            major?, minor?, patch?
        ))
        .arg(format!("-DVERSION_TEXT={}", var("CARGO_PKG_VERSION")?))
        .args(["--input", "packaging/windows/fieldscope.rc", "--output"])
        .arg(&object)
        .status()
        .map_err(|error| format!("x86_64-w64-mingw32-windres (binutils-mingw-w64): {error}"))?;
    if !status.success() {
        return Err(format!("windres: {status}").into());
    }
    println!("cargo::rustc-link-arg-bins={}", object.display());
    Ok(())
}
