//! Pages asked of the disk before they are read. SQLite reads one page, waits for it and only then knows the next; a question
//! about heartbeats knows its rows from the start. The pages in which they lie are told by the inner pages of the table (SQLite
//! file format, section 1.6, "B-tree pages"), and the system is asked for all of them at once, without waiting for any.
//!
//! All of this is a hint: what is read ahead is read again through SQLite, so a page that a log has in a newer state, or that is
//! damaged, costs time and nothing else.

use crate::store::error::StoreError;
use crate::store::reader::list;
use rusqlite::{Connection, OptionalExtension as _};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::OnceLock;

/// First byte of an inner page of a table.
const INNER_TABLE_PAGE: u8 = 5;
/// Bytes of its header.
const HEADER_BYTES: usize = 12;
/// Inner pages above a row at most: eight are more than a file can have.
const LEVELS_MAX: usize = 8;
/// Pages that are asked for at once at most; what is behind them is read as it comes.
const PAGES_MAX: usize = 2048;
/// Inner pages of one level that are looked into.
const INNER_PAGES_MAX: usize = 64;
/// The system takes a request for so many bytes whole.
const REQUEST_BYTES: usize = 128 << 10;
/// A page below an inner one, and the greatest id in it; `None`: whatever is greater than all others.
type Child = (u32, Option<i64>);

/// Where the blocks of heartbeats lie in the file of a workspace; shared by all who read it.
#[derive(Default)]
pub(super) struct BlockPages(OnceLock<Option<Place>>);

#[derive(Clone, Copy)]
struct Place {
    file: &'static File,
    page_bytes: usize,
    /// Number of the root page of the table.
    root: u32,
}

impl BlockPages {
    /// Asks for what the first question will look into, whatever it is: where names are looked up, and where blocks lie.
    pub(super) fn expect_questions(
        &self,
        path: &Path,
        connection: &Connection,
    ) -> Result<(), StoreError> {
        let Some(ahead) = self.ahead(path, connection)? else {
            return Ok(());
        };
        let sql = "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0 AND tbl_name IN \
                   ('devices', 'series_devices', 'series_versions', 'series_hardware', 'metrics') ORDER BY rootpage";
        let roots: Vec<u32> = list(connection, sql, [], |row| row.get(0))?;
        ahead.ask_all(roots.into_iter());
        let below = ahead.children(ahead.place.root, &(i64::MIN..=i64::MAX));
        ahead.ask_all(below.iter().map(|(page, _)| *page).take(INNER_PAGES_MAX));
        Ok(())
    }

    /// For one question; `None` where the system cannot be asked.
    pub(super) fn ahead(
        &self,
        path: &Path,
        connection: &Connection,
    ) -> Result<Option<ReadAhead>, StoreError> {
        if let Some(known) = self.0.get() {
            return Ok(known.map(ReadAhead::new));
        }
        let place = place(path, connection)?;
        Ok(self.0.get_or_init(|| place).map(ReadAhead::new))
    }
}

fn place(path: &Path, connection: &Connection) -> Result<Option<Place>, StoreError> {
    let Some(file) = system::kept_open(path) else {
        return Ok(None);
    };
    let sql = "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'series_blocks'";
    let found: Option<(u32, u32)> = connection
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map(|(root, page_bytes)| Place {
        file,
        page_bytes: usize::try_from(page_bytes).unwrap_or(usize::MAX),
        root,
    }))
}

/// What one question will read.
pub(super) struct ReadAhead {
    place: Place,
    /// Inner pages by number; `None`: it is none.
    inner: RefCell<BTreeMap<u32, Option<Vec<u8>>>>,
    /// Levels from the root to the rows, once they are known.
    levels: Cell<Option<usize>>,
    n_asked: Cell<usize>,
}

impl ReadAhead {
    fn new(place: Place) -> Self {
        Self {
            place,
            inner: RefCell::default(),
            levels: Cell::new(None),
            n_asked: Cell::new(0),
        }
    }

    /// Asks for the pages in which blocks of these ids lie. Waits for inner pages alone, and once for a page of blocks.
    pub(super) fn blocks(&self, ids: &RangeInclusive<i64>) {
        self.visit_lowest(self.place.root, ids, 0, &mut |children| {
            self.ask_all(children.iter().map(|(page, _)| *page));
        });
    }

    /// Asks for the pages with the first block of each part of the table; `part_of` tells the part of an id. Of a table with many
    /// inner pages only for those of its beginning.
    pub(super) fn first_blocks(&self, part_of: impl Fn(i64) -> i64) {
        self.ask_all(self.first_pages(part_of).into_iter());
    }

    fn first_pages(&self, part_of: impl Fn(i64) -> i64) -> Vec<u32> {
        let (mut found, mut before) = (Vec::new(), None);
        let all = i64::MIN..=i64::MAX;
        self.visit_lowest(self.place.root, &all, 0, &mut |children| {
            for (page, greatest) in children {
                let part = greatest.map(&part_of);
                // The greatest id of the last child stands further up.
                if part.is_none() || part != before {
                    found.push(*page);
                }
                before = part.or(before);
            }
        });
        found
    }

    /// Shows the children of each lowest inner page that holds rows of these ids; those above are asked for first.
    fn visit_lowest(
        &self,
        page: u32,
        ids: &RangeInclusive<i64>,
        level: usize,
        visit: &mut impl FnMut(&[Child]),
    ) {
        let children = self.children(page, ids);
        let level = level + 1;
        let Some((first, _)) = children.first().filter(|_| level < LEVELS_MAX) else {
            return;
        };
        if self.levels.get().is_some_and(|levels| level >= levels) {
            return visit(&children);
        }
        if self.levels.get().is_none() && !self.is_inner(*first) {
            self.levels.set(Some(level));
            return visit(&children);
        }
        self.ask_all(children.iter().map(|(page, _)| *page).take(INNER_PAGES_MAX));
        for (child, _) in children.iter().take(INNER_PAGES_MAX) {
            self.visit_lowest(*child, ids, level, visit);
        }
    }

    fn is_inner(&self, page: u32) -> bool {
        let mut inner = self.inner.borrow_mut();
        let known = inner.entry(page).or_insert_with(|| self.inner_page(page));
        known.is_some()
    }

    /// Pages below an inner page that hold rows of these ids; none below another page.
    fn children(&self, page: u32, ids: &RangeInclusive<i64>) -> Vec<Child> {
        if !self.is_inner(page) {
            return Vec::new();
        }
        let inner = self.inner.borrow();
        let known = inner.get(&page).and_then(Option::as_deref);
        known.map_or_else(Vec::new, |bytes| children(bytes, ids))
    }

    fn inner_page(&self, page: u32) -> Option<Vec<u8>> {
        let mut bytes = vec![0; self.place.page_bytes];
        system::read(self.place.file, self.offset_of(page)?, &mut bytes)?;
        Some(bytes).filter(|bytes| bytes.first() == Some(&INNER_TABLE_PAGE))
    }

    /// Asks for pages; those that lie side by side in one request.
    fn ask_all(&self, pages: impl Iterator<Item = u32>) {
        let pages: Vec<u32> = pages.collect();
        for run in pages.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
            let Some(offset) = run.first().and_then(|first| self.offset_of(*first)) else {
                continue;
            };
            let n_bytes = run.len() as u64 * self.place.page_bytes as u64;
            let n_asked = self.n_asked.get() + run.len();
            if n_asked <= PAGES_MAX {
                self.n_asked.set(n_asked);
                request(self.place.file, offset, n_bytes);
            }
        }
    }

    /// Where a page begins: pages count from 1.
    fn offset_of(&self, page: u32) -> Option<u64> {
        let before = u64::from(page.checked_sub(1)?);
        before.checked_mul(self.place.page_bytes as u64)
    }
}

/// The children of an inner page that hold rows of these ids. A cell is the number of a child and the greatest id in it; behind
/// the last one stands the child of all greater ids.
fn children(page: &[u8], ids: &RangeInclusive<i64>) -> Vec<Child> {
    let n_cells = be(page, 3, 2).unwrap_or_default() as usize;
    let cell = |at: usize| {
        let offset = be(page, HEADER_BYTES + 2 * at, 2)? as usize;
        Some((be(page, offset, 4)?, varint(page.get(offset + 4..)?)?))
    };
    let (mut low, mut high) = (0, n_cells);
    while low < high {
        let middle = low + (high - low) / 2;
        match cell(middle) {
            Some((_, greatest)) if greatest < *ids.start() => low = middle + 1,
            _ => high = middle,
        }
    }
    let mut found = Vec::new();
    for at in low..n_cells {
        let Some((child, greatest)) = cell(at) else {
            return found;
        };
        found.push((child, Some(greatest)));
        if greatest >= *ids.end() {
            return found;
        }
    }
    found.extend(be(page, 8, 4).map(|child| (child, None)));
    found
}

/// Asks for a part of a file, in requests that the system takes whole.
fn request(file: &File, offset: u64, n_bytes: u64) {
    let end = offset.saturating_add(n_bytes);
    for at in (offset..end).step_by(REQUEST_BYTES) {
        system::will_need(file, at, (end - at).min(REQUEST_BYTES as u64));
    }
}

/// A big-endian number.
fn be(bytes: &[u8], at: usize, n_bytes: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(n_bytes)?)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
    )
}

/// SQLite's variable-length integer (SQLite file format, section 1.6): seven bits a byte, all eight of the ninth.
fn varint(bytes: &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((number << 8 | u64::from(*byte)).cast_signed());
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(number.cast_signed());
        }
    }
    None
}

/// What is asked of Linux.
#[cfg(target_os = "linux")]
mod system {
    use rustix::fs::{Advice, fadvise};
    use std::fs::File;
    use std::num::NonZeroU64;
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};

    /// So many files are opened for this by one process.
    const FILES_MAX: usize = 64;

    /// Device and number of a file.
    type Identity = (u64, u64);

    /// The files of workspaces that were opened here. They are never closed: closing any descriptor of a file drops the locks that
    /// SQLite holds on it in the same process (sqlite.org/howtocorrupt.html, section 2.2).
    static OPENED: Mutex<Vec<(Identity, &'static File)>> = Mutex::new(Vec::new());

    /// A file of its own for reading ahead.
    pub(super) fn kept_open(path: &Path) -> Option<&'static File> {
        let there = std::fs::metadata(path).ok()?;
        let wanted = (there.dev(), there.ino());
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = opened.iter().find(|(identity, _)| *identity == wanted) {
            return Some(file);
        }
        if opened.len() >= FILES_MAX {
            return None;
        }
        let file: &'static File = Box::leak(Box::new(File::open(path).ok()?));
        let ours = file.metadata().ok()?;
        opened.push(((ours.dev(), ours.ino()), file));
        Some(file)
    }

    /// Fills `bytes` from an offset.
    pub(super) fn read(file: &File, offset: u64, bytes: &mut [u8]) -> Option<()> {
        file.read_exact_at(bytes, offset).ok()
    }

    /// Asks for a part of a file, which costs next to nothing where it is in memory. Does not wait.
    pub(super) fn will_need(file: &File, offset: u64, n_bytes: u64) {
        // A file system that cannot does nothing.
        let _is_asked = fadvise(file, offset, NonZeroU64::new(n_bytes), Advice::WillNeed).is_ok();
    }
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::path::Path;

    pub(super) fn kept_open(_path: &Path) -> Option<&'static File> {
        None
    }

    pub(super) fn read(_file: &File, _offset: u64, _bytes: &mut [u8]) -> Option<()> {
        None
    }

    pub(super) fn will_need(_file: &File, _offset: u64, _n_bytes: u64) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{BlockPages, PAGES_MAX, ReadAhead, children, varint};
    use rusqlite::Connection;
    use std::ops::RangeInclusive;
    use tempfile::TempDir;

    const N_BLOCKS: i64 = 6000;

    /// Small pages, so that there are inner pages below inner pages.
    fn file_of_blocks(folder: &TempDir) -> (Connection, ReadAhead) {
        let path = folder.path().join("blocks");
        let connection = Connection::open(&path).unwrap();
        let sql = "PRAGMA page_size = 512; CREATE TABLE other (a); \
                   CREATE TABLE series_blocks (id INTEGER PRIMARY KEY, data); \
                   WITH RECURSIVE n (n) AS (SELECT -3000 UNION ALL SELECT n + 1 FROM n WHERE n < 2999) \
                   INSERT INTO series_blocks SELECT n * 1000003, zeroblob(90 + n % 50) FROM n;";
        connection.execute_batch(sql).unwrap();
        let ahead = BlockPages::default().ahead(&path, &connection);
        (connection, ahead.unwrap().unwrap())
    }

    fn lowest(ahead: &ReadAhead, ids: &RangeInclusive<i64>) -> Vec<u32> {
        let mut found = Vec::new();
        ahead.visit_lowest(ahead.place.root, ids, 0, &mut |children| {
            found.extend(children.iter().map(|(page, _)| *page));
        });
        found
    }

    /// What SQLite's own table of pages says.
    fn leaves(connection: &Connection) -> Vec<u32> {
        let sql = "SELECT pageno FROM dbstat WHERE name = 'series_blocks' AND pagetype = 'leaf' ORDER BY path";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn pages_of_blocks_are_those_of_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, ahead) = file_of_blocks(&folder);
        let all = leaves(&connection);
        assert!(all.len() > 1000, "{}", all.len());
        assert_eq!(lowest(&ahead, &(i64::MIN..=i64::MAX)), all);
        assert_eq!(ahead.levels.get(), Some(2));
        for n in (0..N_BLOCKS).step_by(7) {
            let id = (n - 3000) * 1_000_003;
            let (before, from) = (
                lowest(&ahead, &(i64::MIN..=id - 1)),
                lowest(&ahead, &(id..=id)),
            );
            let behind = lowest(&ahead, &(id + 1..=i64::MAX));
            // One page has the block. Its neighbours are in it or beside it.
            assert_eq!(from.len(), 1, "{id}");
            let at = all.iter().position(|page| from == [*page]).unwrap();
            assert!(before == all[..at] || before == all[..=at], "{id}");
            assert!(behind == all[at..] || behind == all[at + 1..], "{id}");
        }
    }

    #[test]
    fn the_first_block_of_each_part_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (_connection, ahead) = file_of_blocks(&folder);
        let part_of = |id: i64| id.div_euclid(1000 * 1_000_003);
        let firsts = ahead.first_pages(part_of);
        for part in -3..3 {
            let id = part * 1000 * 1_000_003;
            let page = lowest(&ahead, &(id..=id));
            assert!(firsts.contains(&page[0]), "{part}");
        }
        // And the last child of each inner page.
        let n_inner = ahead.inner.borrow().len();
        assert!(
            firsts.len() <= 6 + n_inner,
            "{} and {n_inner}",
            firsts.len()
        );
    }

    #[test]
    fn damaged_inner_pages_end_the_asking() {
        let all = i64::MIN..=i64::MAX;
        assert!(children(&[], &all).is_empty());
        let mut page: Vec<u8> = (0..512_u32).map(|at| (at * 31 % 251) as u8).collect();
        page[0] = 5;
        for n_cells in [0, 1, 255, 65_535_u16] {
            page[3..5].copy_from_slice(&n_cells.to_be_bytes());
            assert!(children(&page, &all).len() <= 251);
        }
        assert_eq!(varint(&[0x81, 0x00]), Some(128));
        assert_eq!(varint(&[0xff; 9]), Some(-1));
        assert_eq!(varint(&[0xff; 8]), None);
    }

    #[test]
    fn a_question_asks_for_so_many_pages_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let (_connection, ahead) = file_of_blocks(&folder);
        for _ in 0..3 {
            ahead.blocks(&(i64::MIN..=i64::MAX));
        }
        assert!(ahead.n_asked.get() <= PAGES_MAX);
    }
}
