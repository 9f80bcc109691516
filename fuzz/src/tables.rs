//! Tables of heartbeats and events: read to their end in the roles that are guessed.

use fieldscope::formats::table::events::events;
use fieldscope::formats::table::heartbeats::wide;
use fieldscope::formats::table::long::long;
use fieldscope::formats::table::mapping::{Mapping, TableUse};
use fieldscope::formats::table::reader::{Table, TableFormat};
use fieldscope::formats::table::{BadRows, TableError};
use fieldscope::model::progress::Unattended;

/// Reads bytes as a table of one format.
pub(crate) fn read(format: TableFormat, data: &[u8]) {
    let bytes = data.to_vec();
    // What is refused says so; only a panic, a hang or too much memory is a finding.
    drop(read_all(&bytes, format));
}

fn read_all(bytes: &Vec<u8>, format: TableFormat) -> Result<(), TableError> {
    let mut table = Table::open(bytes, format)?;
    let Ok(mapping) = Mapping::guess(table.columns(), table.sample()) else {
        return Ok(());
    };
    table.want(&mapping);
    let mut bad = BadRows::default();
    while let Some(chunk) = table.next_chunk(&mut bad, &Unattended)? {
        let columns = table.columns();
        match mapping.table_use {
            TableUse::Wide => drop(wide(chunk, columns, &mapping, &mut bad)),
            TableUse::Long => drop(long(&chunk, columns, &mapping, &mut bad)),
            TableUse::Events => drop(events(&chunk, columns, &mapping, &mut bad)),
        }
    }
    Ok(())
}
