//! Folders of ELFs.

use super::super::library::SymbolLibrary;
use super::super::quality::Quality;
use super::fixture;
use crate::model::build_id::BuildId;
use crate::model::progress::Unattended;

#[test]
fn a_folder_gives_its_linked_elfs_and_reports_the_damaged_ones() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("build/out");
    std::fs::create_dir_all(&deep).unwrap();
    let copy = |from: &str, to: &std::path::Path| {
        std::fs::copy(fixture(from), to).unwrap();
    };
    copy("symbols/dwarf5.elf", &deep.join("app.elf"));
    copy("symbols/names.elf", &folder.path().join("names.out"));
    copy("qemu-bare/an386-1.core", &folder.path().join("crash.core"));
    std::fs::write(folder.path().join("notes.txt"), "hello").unwrap();
    let whole = std::fs::read(fixture("symbols/dwarf4.elf")).unwrap();
    std::fs::write(folder.path().join("half.elf"), &whole[..3000]).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), deep.join("loop")).unwrap();

    let mut library = SymbolLibrary::default();
    let added = library.add_path(folder.path(), &Unattended).unwrap();
    let names: Vec<_> = library.entries().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["app.elf", "names.out"]);
    let refused: Vec<_> = added.iter().filter_map(|a| a.as_ref().err()).collect();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].path.ends_with("half.elf"));

    let id = library.entries().next().unwrap().build_id.clone();
    let short = BuildId::from_bytes(&id.as_bytes()[..4]).unwrap();
    assert_eq!(library.find(&short)[0].quality, Quality::Full);
    assert_eq!(
        library.find(&BuildId::from_hex("01020304").unwrap()).len(),
        0
    );
}

#[test]
fn a_file_that_is_named_is_refused_with_the_reason() {
    let mut library = SymbolLibrary::default();
    let core = fixture("qemu-bare/an386-1.core");
    let added = library.add_path(&core, &Unattended).unwrap();
    assert!(
        added[0]
            .as_ref()
            .unwrap_err()
            .error
            .to_string()
            .contains("core file")
    );
}
