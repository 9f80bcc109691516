//! Split DWARF: units of which the ELF has a skeleton only (addresses, lines), and the rest is in `.dwo` files or packed
//! into one `.dwp` (DWARF 5, sections 3.1.2 and 7.3; before it the GNU extension to DWARF 4).
//!
//! `skeleton` finds out what an ELF wants, `split_file` what a file has, `find` where such files are on disk, `attached`
//! brings them together: by id, never by name alone.

pub(super) mod attached;
pub(super) mod find;
pub(super) mod skeleton;
pub mod split_file;
