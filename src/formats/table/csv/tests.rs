use super::CsvTable;
use crate::formats::table::{BadRows, ColumnKind, TableChunk};
use crate::model::progress::Unattended;
use crate::model::series::Values;

fn read(text: &[u8]) -> (Vec<String>, Vec<TableChunk>, BadRows) {
    let mut table = CsvTable::open(text).unwrap();
    let mut bad = BadRows::default();
    let mut chunks = Vec::new();
    while let Some(chunk) = table.next_chunk(&mut bad, &Unattended).unwrap() {
        chunks.push(chunk);
    }
    let names = table
        .columns()
        .iter()
        .map(|column| column.name.clone())
        .collect();
    (names, chunks, bad)
}

#[test]
fn quotes_ends_of_line_and_marks_are_understood() {
    let text = b"\xef\xbb\xbfserial;name;x\r\n\"a;\"\"b\"\"\n2\";\"x\" ;1\r\n\r\n007;;2,5\r\n";
    let (names, chunks, bad) = read(text);
    assert_eq!(names, ["serial", "name", "x"]);
    let Values::Text { names, .. } = &chunks[0].columns[0].as_ref().unwrap().values else {
        panic!()
    };
    assert_eq!(names, &["a;\"b\"\n2", "007"]);
    let x = chunks[0].columns[2].as_ref().unwrap();
    assert_eq!(
        (&x.values, &x.present),
        (&Values::I32(vec![1, 0]), &Some(vec![1]))
    );
    assert_eq!(
        (bad.n, bad.first[0].line, bad.first[0].offset),
        (1, Some(5), Some(40))
    );
    assert!(bad.first[0].what.contains("x is 2,5"), "{bad:?}");
}

#[test]
fn ragged_rows_are_left_out_with_their_place() {
    let (_, chunks, bad) = read(b"device,ts,v\nA,1,2\nB,1\nC,1,2,3\nD,1,2,,\nE,1,\"2\n");
    assert_eq!(chunks[0].n_rows, 2);
    let told: Vec<_> = bad
        .first
        .iter()
        .map(|row| (row.line.unwrap(), row.offset.unwrap()))
        .collect();
    assert_eq!(told, [(3, 18), (4, 22), (6, 38)]);
    assert!(bad.first[2].what.contains("not closed"));
}

#[test]
fn names_of_columns_are_distinct() {
    let (names, ..) = read(b"a,a,,a_2,a\n1,2,3,4,5\n");
    assert_eq!(names, ["a", "a_2", "column_3", "a_2_2", "a_3"]);
    let (names, chunks, _) = read(b"7,1760000400,3.5\n8,1760000401,4.5\n");
    assert_eq!(
        (names, chunks[0].n_rows),
        (
            vec!["column_1".into(), "column_2".into(), "column_3".into()],
            2
        )
    );
}

#[test]
fn a_column_of_integers_with_one_float_is_of_floats() {
    let (_, chunks, bad) =
        read(b"device,ts,v\nA,1,2\nA,2,\nA,3,nan\nA,4,-inf\nA,5,2.5\nA,6,oops\n");
    let column = chunks[0].columns[2].as_ref().unwrap();
    let Values::F64(values) = &column.values else {
        panic!("{column:?}")
    };
    assert_eq!(
        (values[0], values[3], values[4]),
        (2.0, f64::NEG_INFINITY, 2.5)
    );
    assert!(values[2].is_nan());
    assert_eq!(column.present, Some(vec![0b01_1101]));
    assert_eq!(bad.n, 1);
}

#[test]
fn empty_and_huge_lines_take_no_memory() {
    let mut text = b"device,ts\n".to_vec();
    text.resize(10_000_000, b'\n');
    text.extend_from_slice(b"A,1\n");
    text.extend(std::iter::repeat_n(b'x', 3 << 20));
    text.extend_from_slice(b"\nB,2\n");
    let (_, chunks, bad) = read(&text);
    assert_eq!(chunks.iter().map(|chunk| chunk.n_rows).sum::<usize>(), 2);
    assert_eq!((bad.n, bad.first[0].line), (1, Some(9_999_993)));
}

#[test]
fn versions_and_serial_numbers_are_texts() {
    let (_, chunks, _) = read(b"device,version,ts\n007,1.10,1\n");
    let Values::Text { names, .. } = &chunks[0].columns[1].as_ref().unwrap().values else {
        panic!()
    };
    assert_eq!(names, &["1.10"]);
    let table = CsvTable::open(b"device,version,ts\n007,1.10,1\n").unwrap();
    assert_eq!(table.columns()[0].kind, ColumnKind::Text);
    assert!(CsvTable::open(b"").is_err());
    assert!(CsvTable::open(b"\xff\xfea\0").is_err());
}
