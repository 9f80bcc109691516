//! Every type comes back bit for bit, and a damaged blob is an error.

use super::{Decoder, Encoder, MOST_ROWS};
use crate::model::series::{Column, Values};

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

fn bits(column: &Column) -> Vec<Option<u64>> {
    (0..column.values.len())
        .map(|row| {
            column.is_present(row).then(|| match &column.values {
                Values::I32(v) => u64::from(v[row].cast_unsigned()),
                Values::I64(v) => v[row].cast_unsigned(),
                Values::F32(v) => u64::from(v[row].to_bits()),
                Values::F64(v) => v[row].to_bits(),
                Values::Text { index, names } => names[index[row] as usize]
                    .bytes()
                    .fold(7, |hash: u64, byte| {
                        hash.wrapping_mul(31).wrapping_add(u64::from(byte))
                    }),
            })
        })
        .collect()
}

fn whole(values: Values) -> Column {
    Column {
        values,
        present: None,
    }
}

/// Holds a column against what was read, as a whole and each device by itself.
fn check(column: &Column, runs: &[u32]) -> usize {
    let blob = Encoder::new().unwrap().encode(column, runs).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let expected = bits(column);
    let read = decoder.decode(&blob, runs).unwrap();
    assert_eq!(bits(&read), expected);
    let mut start = 0;
    for (run, n) in runs.iter().enumerate() {
        let end = start + *n as usize;
        let one = decoder.decode_run(&blob, runs, run).unwrap();
        assert_eq!(bits(&one), expected[start..end], "run {run}");
        start = end;
    }
    blob.len()
}

fn columns(chance: &mut Chance, n: usize) -> Vec<Values> {
    let extremes = [
        0,
        1,
        -1,
        i64::MIN,
        i64::MAX,
        i64::from(i32::MIN),
        i64::from(i32::MAX),
    ];
    let small = [0, 1, -1, i32::MIN, i32::MAX];
    let singles = [
        0.0,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::from_bits(0x7f80_0001),
        f32::from_bits(0xffc1_2345),
        f32::MIN_POSITIVE / 2.0,
        f32::MAX,
        3.325,
    ];
    let doubles = [
        0.0,
        -0.0,
        f64::INFINITY,
        f64::from_bits(0x7ff0_0000_0000_0001),
        f64::from_bits(0xfff8_dead_beef_0001),
        5e-324,
        f64::MAX,
        0.1,
        9_007_199_254_740_993.0,
    ];
    let mut many = |values: &mut dyn FnMut(&mut Chance) -> u64| -> Vec<u64> {
        (0..n).map(|_| values(chance)).collect()
    };
    let pick = many(&mut |c| c.next());
    let rssi = many(&mut |c| c.below(40));
    let at = |i: usize, len: usize| usize::try_from(pick[i] % len as u64).unwrap();
    let rows = 0..n;
    vec![
        Values::I32(rows.clone().map(|i| small[at(i, 5)]).collect()),
        Values::I32(
            rows.clone()
                .map(|i| -62 + i32::try_from(rssi[i]).unwrap())
                .collect(),
        ),
        Values::I32(
            rows.clone()
                .map(|i| 4 * i32::try_from(i).unwrap() + 1)
                .collect(),
        ),
        Values::I32(vec![7; n]),
        Values::I64(rows.clone().map(|i| extremes[at(i, 7)]).collect()),
        Values::I64(
            rows.clone()
                .map(|i| {
                    (1_760_000_400 + 3_600 * i64::try_from(i).unwrap() + rssi[i].cast_signed())
                        * 1_000_000_000
                })
                .collect(),
        ),
        Values::F32(rows.clone().map(|i| singles[at(i, 9)]).collect()),
        Values::F32(
            rows.clone()
                .map(|i| (3300 + rssi[i]) as f32 / 1000.0)
                .collect(),
        ),
        Values::F64(rows.clone().map(|i| doubles[at(i, 9)]).collect()),
        Values::F64(rows.clone().map(|i| rssi[i] as f64 / 100.0).collect()),
        Values::F64(rows.clone().map(|i| f64::from_bits(pick[i])).collect()),
        Values::Text {
            index: rows.map(|i| u32::try_from(pick[i] % 3).unwrap()).collect(),
            names: ["", "läuft", "idle"].map(str::to_owned).to_vec(),
        },
    ]
}

#[test]
fn every_type_comes_back_bit_for_bit() {
    let mut chance = Chance(11);
    for runs in [
        vec![],
        vec![1],
        vec![24; 128],
        vec![0, 3, 0, 0, 61, 1],
        vec![168],
    ] {
        let n: u32 = runs.iter().sum();
        let n = n as usize;
        for values in columns(&mut chance, n) {
            check(&whole(values.clone()), &runs);
            for present in [
                vec![0; n.div_ceil(64)],
                (0..n.div_ceil(64)).map(|_| chance.next()).collect(),
            ] {
                let column = Column {
                    values: values.clone(),
                    present: Some(present),
                };
                check(&column, &runs);
            }
        }
    }
}

#[test]
fn whole_seconds_and_thousandths_are_stored_small() {
    let runs = vec![24; 128];
    let n: u64 = 24 * 128;
    let mut chance = Chance(5);
    let jitter: Vec<u64> = (0..n).map(|_| chance.below(40)).collect();
    let times = (0..24 * 128_u32)
        .map(|i| (i64::from(i % 24) * 3600 + jitter[i as usize].cast_signed()) * 1_000_000_000);
    let size = check(&whole(Values::I64(times.collect())), &runs);
    assert!(size < 3_400, "{size} bytes for 3072 times");
    let volts = jitter.iter().map(|j| (3300 + j) as f32 / 1000.0);
    let size = check(&whole(Values::F32(volts.collect())), &runs);
    assert!(size < 2_700, "{size} bytes for 3072 voltages of 40 steps");
    assert!(check(&whole(Values::I32(vec![0; 24 * 128])), &runs) < 40);
}

#[test]
fn a_damaged_blob_is_an_error_or_other_values_of_the_same_number() {
    let runs = vec![5, 9];
    let mut chance = Chance(3);
    let mut decoder = Decoder::new().unwrap();
    for values in columns(&mut chance, 14) {
        for present in [None, Some(vec![0x155])] {
            let column = Column {
                values: values.clone(),
                present,
            };
            let blob = Encoder::new().unwrap().encode(&column, &runs).unwrap();
            for end in 0..blob.len() {
                assert!(
                    decoder.decode(&blob[..end], &runs).is_err(),
                    "cut at {end} of {}",
                    blob.len()
                );
            }
            for at in 0..blob.len() {
                for bit in 0..8 {
                    let mut damaged = blob.clone();
                    damaged[at] ^= 1 << bit;
                    if let Ok(read) = decoder.decode(&damaged, &runs) {
                        assert_eq!(read.values.len(), 14);
                    }
                }
            }
            let other_rows = [[5, 8], [5, 10]].map(|runs| decoder.decode(&blob, &runs).is_err());
            assert!(column.present.is_some() || other_rows == [true, true]);
            let too_many = u32::try_from(MOST_ROWS + 1).unwrap();
            assert!(decoder.decode(&blob, &[too_many]).is_err());
            assert!(decoder.decode(&blob, &[u32::MAX; 3]).is_err());
        }
    }
}
