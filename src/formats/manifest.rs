//! `fieldscope.json`: what a bundle says of itself.
//!
//! Every key is optional; unknown keys are kept; a value of the wrong kind is a warning and counts as absent.

use crate::model::{build_id::BuildId, warning::Warning};
use serde_json::{Map, Value};

/// Its file name, in the root of a bundle.
pub const MANIFEST_FILE_NAME: &str = "fieldscope.json";
/// The schema that this version writes and reads.
pub const MANIFEST_SCHEMA: &str = "fieldscope.bundle/1";

/// The manifest of a bundle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// When the bundle was made, RFC 3339.
    pub captured_at: Option<String>,
    /// The device that it came from.
    pub serial: Option<String>,
    /// The device's hardware revision.
    pub hardware: Option<String>,
    /// Which of the device's firmwares.
    pub software_type: Option<String>,
    /// Its version.
    pub software_version: Option<String>,
    /// Its build id.
    pub build_id: Option<BuildId>,
    /// What each file is.
    pub files: Vec<ManifestFile>,
    /// Free text of whoever made it.
    pub notes: Option<String>,
    /// Everything that this version has no field for, at its place.
    pub unknown: Map<String, Value>,
}

impl Manifest {
    /// What it says of the file with this path, in whatever folder the bundle lies.
    pub fn file(&self, path: &str) -> Option<&ManifestFile> {
        self.files.iter().find(|file| {
            let rest = path.strip_suffix(file.path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        })
    }
}

/// What the manifest says of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManifestFile {
    /// Path in the bundle.
    pub path: String,
    /// `log`, `coredump`, `heartbeats`, `events`, `symbols`, `other`; kept as written.
    pub kind: Option<String>,
    /// Which boot it is of (a number or a name).
    pub boot: Option<String>,
    /// When its first record was made, RFC 3339.
    pub started_at: Option<String>,
    /// Serial number of the device it came from, where the bundle has several.
    pub serial: Option<String>,
    /// That device's hardware revision.
    pub hardware: Option<String>,
    /// Which of the device's firmwares.
    pub software_type: Option<String>,
    /// Its version.
    pub software_version: Option<String>,
    /// Its build id.
    pub build_id: Option<BuildId>,
    /// Keys that this version does not know.
    pub unknown: Map<String, Value>,
}

/// Reads a manifest. Whatever is wrong with it is a warning.
pub fn parse(bytes: &[u8]) -> (Manifest, Vec<Warning>) {
    let mut warnings = Vec::new();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut manifest = Manifest::default();
    let mut root = match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(root)) => root,
        Ok(_) => {
            warnings.push(Warning::at(
                "FS-MANIFEST-001",
                0,
                "fieldscope.json is not a JSON object; the bundle was read as if it had none",
            ));
            return (manifest, warnings);
        }
        Err(error) => {
            warnings.push(Warning::at(
                "FS-MANIFEST-001",
                offset_of(bytes, &error),
                format!(
                    "fieldscope.json is broken ({error}); the bundle was read as if it had none"
                ),
            ));
            return (manifest, warnings);
        }
    };
    if let Some(schema) = text(&mut root, "schema", &mut warnings) {
        let is_ours = schema.strip_prefix("fieldscope.bundle/").is_some();
        if schema != MANIFEST_SCHEMA {
            warnings.push(Warning::new(
                "FS-MANIFEST-002",
                if is_ours {
                    format!("fieldscope.json is of another version ({schema}); what is known of it was read")
                } else {
                    format!("fieldscope.json names an unknown schema ({schema}); it was read as {MANIFEST_SCHEMA}")
                },
            ));
        }
    }
    manifest.captured_at = text(&mut root, "captured_at", &mut warnings);
    manifest.notes = text(&mut root, "notes", &mut warnings);
    (manifest.serial, manifest.hardware) = device(&mut root, &mut warnings);
    (
        manifest.software_type,
        manifest.software_version,
        manifest.build_id,
    ) = software(&mut root, &mut warnings);
    match root.remove("files") {
        None | Some(Value::Null) => {}
        Some(Value::Array(files)) => {
            manifest.files = files
                .into_iter()
                .filter_map(|file| manifest_file(file, &mut warnings))
                .collect();
        }
        Some(_) => warnings.push(wrong("files", "is not a list")),
    }
    manifest.unknown = root;
    (manifest, warnings)
}

fn manifest_file(value: Value, warnings: &mut Vec<Warning>) -> Option<ManifestFile> {
    let Value::Object(mut file) = value else {
        warnings.push(wrong("files", "holds an entry that is not an object"));
        return None;
    };
    let Some(path) = text(&mut file, "path", warnings) else {
        warnings.push(wrong("files", "holds an entry without a path"));
        return None;
    };
    let device = device(&mut file, warnings);
    let software = software(&mut file, warnings);
    Some(ManifestFile {
        serial: device.0,
        hardware: device.1,
        software_type: software.0,
        software_version: software.1,
        build_id: software.2,
        path: path.replace('\\', "/").trim_start_matches("./").to_owned(),
        kind: text(&mut file, "kind", warnings),
        boot: text(&mut file, "boot", warnings),
        started_at: text(&mut file, "started_at", warnings),
        unknown: file,
    })
}

/// Serial number and hardware of `device`, in the bundle or in one of its files.
fn device(
    map: &mut Map<String, Value>,
    warnings: &mut Vec<Warning>,
) -> (Option<String>, Option<String>) {
    let Some(mut device) = object(map, "device", warnings) else {
        return (None, None);
    };
    let serial = text(&mut device, "serial", warnings);
    let hardware = text(&mut device, "hardware", warnings);
    keep(map, "device", device);
    (serial, hardware)
}

/// Type, version and build id of `software`, in the bundle or in one of its files.
fn software(
    map: &mut Map<String, Value>,
    warnings: &mut Vec<Warning>,
) -> (Option<String>, Option<String>, Option<BuildId>) {
    let Some(mut software) = object(map, "software", warnings) else {
        return (None, None, None);
    };
    let software_type = text(&mut software, "type", warnings);
    let version = text(&mut software, "version", warnings);
    let named = text(&mut software, "build_id", warnings);
    let build_id = named.as_deref().and_then(BuildId::from_hex);
    if named.is_some() && build_id.is_none() {
        warnings.push(wrong("build_id", "is not hex digits of a build id"));
    }
    keep(map, "software", software);
    (software_type, version, build_id)
}

/// Takes a text out of `map`; numbers are taken as they are written.
fn text(map: &mut Map<String, Value>, key: &str, warnings: &mut Vec<Warning>) -> Option<String> {
    match map.remove(key)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => None,
        other => {
            warnings.push(wrong(key, "is not a text"));
            _ = map.insert(key.to_owned(), other);
            None
        }
    }
}

fn object(
    map: &mut Map<String, Value>,
    key: &str,
    warnings: &mut Vec<Warning>,
) -> Option<Map<String, Value>> {
    match map.remove(key)? {
        Value::Object(object) => Some(object),
        Value::Null => None,
        _ => {
            warnings.push(wrong(key, "is not an object"));
            None
        }
    }
}

/// Puts back what was not taken out.
fn keep(root: &mut Map<String, Value>, key: &str, rest: Map<String, Value>) {
    if !rest.is_empty() {
        _ = root.insert(key.to_owned(), Value::Object(rest));
    }
}

fn wrong(key: &str, what: &str) -> Warning {
    Warning::new(
        "FS-MANIFEST-003",
        format!("in fieldscope.json, `{key}` {what}; it was left out"),
    )
}

fn offset_of(bytes: &[u8], error: &serde_json::Error) -> u64 {
    let line_starts =
        std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|n| n.saturating_add(1)));
    let start = line_starts.take(error.line()).last().unwrap_or(0);
    super::lines::as_u64(start.saturating_add(error.column().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_full_manifest_is_read_and_unknown_keys_are_kept() {
        let (manifest, warnings) = parse(
            br#"{"schema": "fieldscope.bundle/1", "captured_at": "2026-11-20T08:00:00Z",
                "device": {"serial": "SN-1", "hardware": "B2", "colour": "red"},
                "software": {"type": "app", "version": "1.2.3", "build_id": "56e24a716eeb9f84"},
                "files": [{"path": "logs\\a.log", "kind": "log", "boot": 3, "x": 1,
                    "device": {"serial": "SN-2", "y": 2}, "software": {"version": "1.3.0"}}], "notes": "n", "more": [1]}"#,
        );
        assert_eq!(warnings, []);
        assert_eq!(manifest.serial.as_deref(), Some("SN-1"));
        assert_eq!(manifest.build_id.unwrap().short(), "56e24a71");
        assert_eq!(manifest.files[0].path, "logs/a.log");
        assert_eq!(manifest.files[0].boot.as_deref(), Some("3"));
        assert_eq!(manifest.files[0].unknown["x"], 1);
        assert_eq!(manifest.files[0].unknown["device"]["y"], 2);
        assert_eq!(manifest.files[0].serial.as_deref(), Some("SN-2"));
        assert_eq!(manifest.files[0].software_version.as_deref(), Some("1.3.0"));
        assert_eq!(manifest.unknown["device"]["colour"], "red");
        assert!(manifest.unknown.contains_key("more"));
    }

    #[test]
    fn broken_json_and_wrong_kinds_are_warnings() {
        let (manifest, warnings) = parse(b"{\n \"notes\": nope}");
        assert_eq!(manifest, super::Manifest::default());
        assert_eq!(warnings[0].code, "FS-MANIFEST-001");
        assert_eq!(warnings[0].offset, Some(13));
        let (manifest, warnings) =
            parse(br#"{"device": 1, "files": [1, {}, {"path": "a"}], "software": {"build_id": "xyz"}, "notes": "kept"}"#);
        assert_eq!(manifest.notes.as_deref(), Some("kept"));
        assert_eq!(manifest.files.len(), 1);
        assert_eq!(warnings.len(), 4);
        assert_eq!(parse(b"").1.len(), 1);
        assert_eq!(parse(b"{}").1, []);
    }
}
