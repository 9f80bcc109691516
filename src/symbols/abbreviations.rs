//! What abbreviation tables say of a file without a look at its entries.

/// True when any abbreviation describes a base type: cheaper than looking for one in the entries.
pub(super) fn have_types(abbreviations: &[u8]) -> bool {
    let section = gimli::DebugAbbrev::new(abbreviations, gimli::RunTimeEndian::Little);
    let mut offset = 0;
    // Tables follow each other without gaps in what compilers emit; the first few say enough.
    for _table in 0..64 {
        let Ok(table) = section.abbreviations(gimli::DebugAbbrevOffset(offset)) else {
            return abbreviations.len() > 512;
        };
        let mut code = 1;
        while let Some(entry) = table.get(code) {
            if entry.tag() == gimli::DW_TAG_base_type {
                return true;
            }
            code += 1;
        }
        let Some(next) = next_table(abbreviations, offset) else {
            return false;
        };
        offset = next;
    }
    true
}

/// The offset behind the abbreviation table at `offset`.
fn next_table(bytes: &[u8], offset: usize) -> Option<usize> {
    let mut reader = gimli::EndianSlice::new(bytes.get(offset..)?, gimli::RunTimeEndian::Little);
    let total = reader.len();
    use gimli::Reader as _;
    while reader.read_uleb128().ok()? != 0 {
        reader.read_uleb128().ok()?;
        reader.read_u8().ok()?;
        loop {
            let name = reader.read_uleb128().ok()?;
            let form = reader.read_uleb128().ok()?;
            if form == u64::from(gimli::DW_FORM_implicit_const.0) {
                reader.read_sleb128().ok()?;
            }
            if name == 0 && form == 0 {
                break;
            }
        }
    }
    let next = offset.checked_add(total.checked_sub(reader.len())?)?;
    (next < bytes.len()).then_some(next)
}
