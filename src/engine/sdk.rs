//! The device-side SDK, in this program: what it writes is of the version that reads what devices send.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file of the SDK: its path in the folder, and its text.
macro_rules! sdk_files {
    ($($path:literal),* $(,)?) => {
        &[
            $(($path, include_str!(concat!("../../assets/sdk/", $path))),)*
            ("wire-format.md", include_str!("../../docs/wire-format.md")),
        ]
    };
}

/// Every file, by its path in the folder that is written.
pub static FILES: &[(&str, &str)] = sdk_files![
    "README.md",
    "fieldscope.c",
    "fieldscope.h",
    "ports/bare_metal/fs_port_bare_metal.c",
    "ports/bare_metal/fs_port_bare_metal.h",
    "ports/freertos/fs_port_freertos.c",
    "ports/freertos/fs_port_freertos.h",
    "ports/fs_fault_cortex_m.c",
    "ports/fs_store_noinit.c",
    "ports/zephyr/fieldscope.cmake",
    "ports/zephyr/fieldscope.ld",
    "ports/zephyr/fs_port_zephyr.c",
    "ports/zephyr/fs_port_zephyr.h",
];

/// Why the SDK was not written.
#[derive(Debug, thiserror::Error)]
pub enum SdkError {
    /// Files of these names are there with another content.
    #[error("{} has other files of these names: {}. Nothing was written; --force writes over them", folder.display(), names.join(", "))]
    InTheWay {
        /// The folder.
        folder: PathBuf,
        /// Their paths in it.
        names: Vec<String>,
    },
    /// A file could not be read or written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes the SDK into a folder, which is made if need be. A file that differs is written over only when `overwrites`.
pub fn write(folder: &Path, overwrites: bool) -> Result<(), SdkError> {
    let differs = |(name, text): &&(&str, &str)| match fs::read(folder.join(name)) {
        Ok(found) => found != text.as_bytes(),
        Err(_missing) => false,
    };
    let names: Vec<String> = FILES
        .iter()
        .filter(differs)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if !names.is_empty() && !overwrites {
        let folder = folder.to_owned();
        return Err(SdkError::InTheWay { folder, names });
    }
    for (name, text) in FILES {
        let path = folder.join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        written
            .and_then(|()| fs::write(&path, text))
            .map_err(|source| SdkError::Io { path, source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FILES, SdkError, write};
    use std::fs;
    use std::path::{Path, PathBuf};

    fn files_below(folder: &Path, names: &mut Vec<PathBuf>, root: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path, names, root);
            } else {
                names.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_sdk_is_in_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sdk");
        let mut there = vec![PathBuf::from("wire-format.md")];
        files_below(&root, &mut there, &root);
        let mut here: Vec<PathBuf> = FILES.iter().map(|(name, _)| PathBuf::from(name)).collect();
        there.sort();
        here.sort();
        assert_eq!(there, here);
    }

    #[test]
    fn it_is_written_once_more_and_over_what_somebody_changed_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("third party/fieldscope");
        write(&folder, false).unwrap();
        write(&folder, false).unwrap();
        let header = folder.join("fieldscope.h");
        fs::write(&header, "mine").unwrap();
        match write(&folder, false) {
            Err(SdkError::InTheWay { names, .. }) => assert_eq!(names, ["fieldscope.h"]),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read_to_string(&header).unwrap(), "mine");
        write(&folder, true).unwrap();
        assert!(
            fs::read_to_string(&header)
                .unwrap()
                .contains("FS_METRIC_DEFINE")
        );
    }
}
