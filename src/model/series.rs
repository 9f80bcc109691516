//! Heartbeats as columns: what readers of tables and of devices yield, and what the store keeps. A batch holds many rows;
//! a row is one heartbeat, the values of one interval of one device. Missing is missing, never 0.

/// The index of a name that is not known, in [`HeartbeatBatch::version`] and [`HeartbeatBatch::hardware`].
pub const NO_NAME: u32 = u32::MAX;

/// The values of one column, one a row. A row that [`Column::present`] leaves out has an arbitrary value here.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    I32(Vec<i32>),
    I64(Vec<i64>),
    /// Kept bit for bit: NaN with its payload, infinities, -0.
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Index into the names, which are distinct.
    Text {
        index: Vec<u32>,
        names: Vec<String>,
    },
}

impl Values {
    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::Text { index, .. } => index.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The values of one metric for the rows of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub values: Values,
    /// One bit a row, the lowest of the first word first: set where there is a value. `None`: there is one in every row.
    pub present: Option<Vec<u64>>,
}

impl Column {
    /// Whether row `row` has a value.
    pub fn is_present(&self, row: usize) -> bool {
        row < self.values.len()
            && self.present.as_ref().is_none_or(|bits| {
                bits.get(row / 64)
                    .is_some_and(|word| word >> (row % 64) & 1 == 1)
            })
    }
}

/// Heartbeats of any devices, in any order. All columns have as many rows as [`Self::device`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatBatch {
    /// Serial numbers; [`Self::device`] is an index into them.
    pub devices: Vec<String>,
    /// Software versions; [`Self::version`] is an index into them, or [`NO_NAME`].
    pub versions: Vec<String>,
    /// Hardware revisions; [`Self::hardware`] is an index into them, or [`NO_NAME`].
    pub hardware_names: Vec<String>,
    pub device: Vec<u32>,
    pub version: Vec<u32>,
    pub hardware: Vec<u32>,
    /// When the heartbeat was made, which is the end of its interval: nanoseconds since 1970-01-01 UTC.
    pub time_ns: Vec<i64>,
    /// Length of the interval in nanoseconds, where it is known ([`Values::I64`]).
    pub interval_ns: Option<Column>,
    /// Values by the name of their metric; names are distinct.
    pub metrics: Vec<(String, Column)>,
}

impl HeartbeatBatch {
    /// How many heartbeats.
    pub fn len(&self) -> usize {
        self.device.len()
    }

    pub fn is_empty(&self) -> bool {
        self.device.is_empty()
    }
}

/// What happened to a device at one moment, as a table of events tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetEvent {
    pub serial: String,
    /// Nanoseconds since 1970-01-01 UTC.
    pub time_ns: i64,
    /// `crash` where the table does not say.
    pub kind: String,
    pub version: Option<String>,
    pub hardware: Option<String>,
    /// What groups events of one cause: the key of an issue, as the table writes it.
    pub issue: Option<String>,
}
