//! `fleet.json`: what a fleet sample says of itself (`docs/fleet-sample.md`).
//!
//! Every key is optional; a value of the wrong kind is a warning and counts as absent.

use super::table::mapping::Mapping;
use crate::model::warning::Warning;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Its file name, beside the tables.
pub const FLEET_MANIFEST_FILE_NAME: &str = "fleet.json";
/// The schema that this version reads.
pub const FLEET_MANIFEST_SCHEMA: &str = "fieldscope.fleet/1";
/// A longer file is no manifest.
const LONGEST_BYTES: usize = 4 << 20;

/// What a sample is a sample of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetManifest {
    /// Devices of the whole fleet.
    pub population: Option<u64>,
    /// Devices of the sample.
    pub n_devices: Option<u64>,
    /// How they were chosen, in words.
    pub chosen_by: Option<String>,
    /// Seed of the choice.
    pub seed: Option<i64>,
    /// Share of what is sent, by kind of data.
    pub rates: BTreeMap<String, f64>,
    /// What the columns of a table mean, by its file name, where that is not to be guessed.
    pub mappings: BTreeMap<String, Mapping>,
    /// The file as it is.
    pub text: String,
}

impl FleetManifest {
    /// The mapping of a table, in whatever folder it lies.
    pub fn mapping(&self, path: &str) -> Option<&Mapping> {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.mappings.get(path).or_else(|| self.mappings.get(name))
    }
}

/// Reads a manifest. Whatever is wrong with it is a warning.
pub fn parse(bytes: &[u8]) -> (FleetManifest, Vec<Warning>) {
    let mut manifest = FleetManifest::default();
    let unusable = |why: String| {
        let text = format!(
            "fleet.json {why}; the sample is read as if it had none: its population is unknown"
        );
        vec![Warning::new("FS-FLEET-001", text)]
    };
    if bytes.len() > LONGEST_BYTES {
        return (
            manifest,
            unusable(format!(
                "has {} bytes, more than a manifest has",
                bytes.len()
            )),
        );
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let root = match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(root)) => root,
        Ok(_) => return (manifest, unusable("is no JSON object".to_owned())),
        Err(error) => return (manifest, unusable(format!("is no JSON ({error})"))),
    };
    manifest.text = String::from_utf8_lossy(bytes).into_owned();
    let mut warnings = Vec::new();
    match root.get("schema").and_then(Value::as_str) {
        Some(FLEET_MANIFEST_SCHEMA) | None => {}
        Some(other) => {
            let text = format!(
                "fleet.json has schema {other}; what is known of {FLEET_MANIFEST_SCHEMA} is read"
            );
            warnings.push(Warning::new("FS-FLEET-002", text));
        }
    }
    let mut keys = Keys {
        root: &root,
        warnings: &mut warnings,
    };
    manifest.population = keys.get("population", "a number of devices", Value::as_u64);
    manifest.n_devices = keys.get("n_devices", "a number of devices", Value::as_u64);
    manifest.chosen_by = keys.get("chosen_by", "a text", |value| {
        value.as_str().map(str::to_owned)
    });
    manifest.seed = keys.get("seed", "an integer", Value::as_i64);
    manifest.rates = keys
        .get("rates", "shares between 0 and 1 by kind of data", rates)
        .unwrap_or_default();
    manifest.mappings = keys
        .get("mappings", "mappings by file name", |value| {
            Mappings::deserialize(value).ok()
        })
        .unwrap_or_default();
    (manifest, warnings)
}

type Mappings = BTreeMap<String, Mapping>;

fn rates(value: &Value) -> Option<BTreeMap<String, f64>> {
    let share = |(kind, value): (&String, &Value)| {
        let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share))?;
        Some((kind.clone(), share))
    };
    value.as_object()?.iter().map(share).collect()
}

struct Keys<'r, 'w> {
    root: &'r Map<String, Value>,
    warnings: &'w mut Vec<Warning>,
}

impl Keys<'_, '_> {
    /// The value of a key that has the right kind.
    fn get<T>(
        &mut self,
        key: &str,
        kind: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.root.get(key).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            let text = format!("{key} in fleet.json is not {kind}; it counts as missing");
            self.warnings.push(Warning::new("FS-FLEET-003", text));
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_is_there_is_read_and_the_rest_is_missing() {
        let (manifest, warnings) = parse(
            br#"{"schema":"fieldscope.fleet/1","population":2000000,"n_devices":"many","seed":-7,
                 "rates":{"traces":0.1},"chosen_by":"hash of the serial number","other":1,
                 "mappings":{"hb.csv":{"use":"wide","columns":[{"column":"id","role":"device"},{"column":"t","role":{"time":"milliseconds"}}]}}}"#,
        );
        assert_eq!(
            (manifest.population, manifest.n_devices, manifest.seed),
            (Some(2_000_000), None, Some(-7))
        );
        assert_eq!(manifest.rates["traces"], 0.1);
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0]
                .message
                .starts_with("n_devices in fleet.json is not a number")
        );
        assert_eq!(manifest.mapping("a/hb.csv").unwrap().columns.len(), 2);
    }

    #[test]
    fn what_is_no_manifest_is_told() {
        for bytes in [&b"[1]"[..], b"{", b"\xff"] {
            let (manifest, warnings) = parse(bytes);
            assert_eq!((manifest.population, warnings.len()), (None, 1));
        }
        assert_eq!(
            parse(br#"{"rates":{"traces":7},"schema":"x/9"}"#).1.len(),
            2
        );
    }
}
