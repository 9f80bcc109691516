//! Whether a file lies on another machine: SQLite's write-ahead log needs shared memory, which a
//! network share does not have.
//!
//! Linux: the mount table (`/proc/self/mountinfo`, proc(5)). Windows: a UNC path. Elsewhere nothing
//! is known, and the lock alone decides.

use std::path::{Component, Path, Prefix};

/// File systems that are not shared memory between their users.
const NETWORK_FILE_SYSTEMS: &[&str] = &[
    "9p",
    "afs",
    "ceph",
    "cifs",
    "fuse.sshfs",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// The kind of network share that `path` lies on; `None` for a local disk.
pub(super) fn share_of(path: &Path) -> Option<String> {
    if let Some(Component::Prefix(prefix)) = path.components().next()
        && matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..))
    {
        return Some("a Windows share".to_owned());
    }
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    network_mount(&table, path)
}

/// Finds the mount with the longest matching mount point.
fn network_mount(table: &str, path: &Path) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for line in table.lines() {
        // "36 35 98:0 /root /mount/point options ... - type source options"
        let Some((before, after)) = line.split_once(" - ") else {
            continue;
        };
        let (Some(point), Some(kind)) = (
            before.split_ascii_whitespace().nth(4),
            after.split_ascii_whitespace().next(),
        ) else {
            continue;
        };
        let point = unescape(point);
        let depth = Path::new(&point).components().count();
        // A later line covers an earlier one of the same point.
        if path.starts_with(&point) && best.is_none_or(|(deepest, _)| depth >= deepest) {
            best = Some((depth, kind));
        }
    }
    let (_, kind) = best?;
    NETWORK_FILE_SYSTEMS
        .contains(&kind)
        .then(|| kind.to_owned())
}

/// Undoes the mount table's octal escapes of space, tab, newline and backslash.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::network_mount;
    use std::path::Path;

    #[test]
    fn the_deepest_mount_decides_and_the_last_of_equals() {
        let table = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
40 22 0:35 / /mnt/team\\040share rw - cifs //server/x rw\n\
41 40 0:36 / /mnt/team\\040share/local rw - ext4 /dev/sdb1 rw\n\
42 22 0:37 / /home rw - autofs systemd-1 rw\n\
43 22 0:38 / /home rw - nfs4 server:/home rw\n\
broken line\n";
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(
                network_mount(table, Path::new(path)).as_deref(),
                expected,
                "{path}"
            );
        };
        check("/var/a.fieldscope", None);
        check("/mnt/team share/a.fieldscope", Some("cifs"));
        check("/mnt/team shared/a.fieldscope", None);
        check("/mnt/team share/local/a.fieldscope", None);
        check("/home/me/a.fieldscope", Some("nfs4"));
    }
}
