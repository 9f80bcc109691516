use super::JsonLinesTable;
use crate::formats::table::{BadRows, TableChunk};
use crate::model::progress::Unattended;
use crate::model::series::{Column, Values};

fn read(text: &[u8]) -> (Vec<String>, TableChunk, BadRows, usize) {
    let mut table = JsonLinesTable::open(text).unwrap();
    let mut bad = BadRows::default();
    let chunk = table.next_chunk(&mut bad, &Unattended).unwrap().unwrap();
    assert!(table.next_chunk(&mut bad, &Unattended).unwrap().is_none());
    let names = table
        .columns()
        .iter()
        .map(|column| column.name.clone())
        .collect();
    (names, chunk, bad, table.take_warnings().len())
}

fn column(chunk: &TableChunk, index: usize) -> &Column {
    chunk.columns[index].as_ref().unwrap()
}

#[test]
fn flat_and_nested_objects_are_rows() {
    let (names, chunk, bad, n_warnings) = read(
        br#"{"device":"A\n\u00e9","ts":1,"metrics":{"x":1,"y":null,"ts":5}}
{"ts":2, "metrics" : { "y" : -2.5e1 , "x":"7" }, "device":7, "on":true}

{"device":"B","ts":3,"metrics":{}}"#,
    );
    assert_eq!(names, ["device", "ts", "x", "y", "ts_2", "on"]);
    assert_eq!((chunk.n_rows, bad.n, n_warnings), (3, 0, 0));
    let Values::Text { index, names } = &column(&chunk, 0).values else {
        panic!()
    };
    assert_eq!(
        (index.as_slice(), names.as_slice()),
        (
            &[0, 1, 2][..],
            &["A\né".to_owned(), "7".into(), "B".into()][..]
        )
    );
    assert_eq!(column(&chunk, 2).values, Values::I32(vec![1, 7, 0]));
    assert_eq!(column(&chunk, 2).present, Some(vec![0b011]));
    assert_eq!(column(&chunk, 3).values, Values::F64(vec![0.0, -25.0, 0.0]));
    assert_eq!(column(&chunk, 3).present, Some(vec![0b010]));
    assert_eq!(column(&chunk, 5).present, Some(vec![0b010]));
}

#[test]
fn what_is_no_row_is_told_with_its_place() {
    let (_, chunk, bad, n_warnings) = read(
        b"{\"device\":\"A\",\"ts\":1,\"x\":1}\n{\"device\":\"A\",\"ts\":2,\"x\":}\n[1]\n{\"device\":\"A\",\"ts\":3,\"x\":\"high\"}\n{\"device\":\"A\",\"ts\":4,\"x\":[[1,{\"a\":\"]\"}]],\"x\":2}\n{\"device\":\"A\"",
    );
    assert_eq!((chunk.n_rows, n_warnings), (3, 1));
    let told: Vec<_> = bad
        .first
        .iter()
        .map(|bad| (bad.line.unwrap(), bad.offset.unwrap()))
        .collect();
    assert_eq!(told[..2], [(2, 53), (3, 55)]);
    assert_eq!((bad.n, told[2].0, told[3].0), (4, 4, 6));
    assert_eq!(column(&chunk, 2).values, Values::I32(vec![1, 0, 2]));
}

#[test]
fn pythons_words_for_floats_are_read() {
    let (_, chunk, ..) = read(b"{\"x\": NaN}\n{\"x\": -Infinity}\n{\"x\": Infinity}\n{\"x\": 1}\n");
    let Values::F64(values) = &column(&chunk, 0).values else {
        panic!()
    };
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [f64::NEG_INFINITY, f64::INFINITY, 1.0]);
}

#[test]
fn depth_costs_nothing() {
    let mut text = b"{\"device\":\"A\",\"a\":".to_vec();
    text.extend(std::iter::repeat_n(b'[', 900_000));
    text.extend_from_slice(b"\n{\"device\":\"A\"}\n");
    let (_, chunk, bad, _) = read(&text);
    assert_eq!((chunk.n_rows, bad.n), (1, 1));
    assert!(JsonLinesTable::open(b"").is_err());
    assert!(JsonLinesTable::open(b"hello\nworld").is_err());
}
