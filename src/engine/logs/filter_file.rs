//! Files of filter sets: JSON, `fieldscope.filters/1`, as described in `docs/filter-sets.md`.

use super::filter::FilterStack;
use crate::store::log_marks::{LONGEST_NAME, MOST_FILTER_SETS};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// The `schema` of a file of filter sets.
pub const FILTERS_SCHEMA: &str = "fieldscope.filters/1";
/// A larger file is none of ours.
const MOST_BYTES: u64 = 4 << 20;
/// Filters of a set, at most.
const MOST_CHIPS: usize = 100;

/// A named set of filters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterSet {
    /// Its name.
    pub name: String,
    /// The filters.
    pub stack: FilterStack,
}

/// What stands in a file.
#[derive(Serialize, Deserialize)]
struct Contents {
    schema: String,
    sets: Vec<FilterSet>,
}

/// Only the schema: what else a file of another version holds is not looked at.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

/// The sets in the text of a file, in its order; else what is wrong with it.
pub fn parse(text: &[u8]) -> Result<Vec<FilterSet>, String> {
    let head: Head = serde_json::from_slice(text)
        .map_err(|error| format!("it is not JSON of filter sets ({error})"))?;
    match head.schema.as_deref() {
        Some(FILTERS_SCHEMA) => {}
        Some(other) => {
            return Err(format!(
                "its schema is \"{}\" and this version reads \"{FILTERS_SCHEMA}\"",
                other.chars().take(60).collect::<String>()
            ));
        }
        None => return Err(format!("it has no \"schema\": \"{FILTERS_SCHEMA}\"")),
    }
    let contents: Contents = serde_json::from_slice(text)
        .map_err(|error| format!("a set in it is not understood ({error})"))?;
    if contents.sets.len() > MOST_FILTER_SETS {
        return Err(format!("it has more than {MOST_FILTER_SETS} sets"));
    }
    let mut sets: Vec<FilterSet> = Vec::with_capacity(contents.sets.len());
    for set in contents.sets {
        let set = FilterSet {
            name: set.name.trim().to_owned(),
            stack: set.stack,
        };
        let is_name = !set.name.is_empty()
            && set.name.chars().count() <= LONGEST_NAME
            && !set.name.chars().any(char::is_control);
        if !is_name {
            return Err(format!(
                "the name of a set is one line of 1 to {LONGEST_NAME} characters"
            ));
        }
        if set.stack.chips.len() > MOST_CHIPS {
            return Err(format!(
                "the set \"{}\" has more than {MOST_CHIPS} filters",
                set.name
            ));
        }
        if sets.iter().any(|other| other.name == set.name) {
            return Err(format!("two sets in it are called \"{}\"", set.name));
        }
        sets.push(set);
    }
    Ok(sets)
}

/// The text of a file with these sets.
pub fn text_of(sets: Vec<FilterSet>) -> Result<Vec<u8>, serde_json::Error> {
    let contents = Contents {
        schema: FILTERS_SCHEMA.to_owned(),
        sets,
    };
    let mut text = serde_json::to_vec_pretty(&contents)?;
    text.push(b'\n');
    Ok(text)
}

/// The sets in a file on disk; else what is wrong, with its path and what to do.
pub fn read(path: &Path) -> Result<Vec<FilterSet>, String> {
    let text = text_at(path)
        .map_err(|error| format!("{error}: {}. Check the path and try again", path.display()))?;
    parse(&text).map_err(|error| {
        format!(
            "{} cannot be read as filter sets: {error}. Give a file that Export made",
            path.display()
        )
    })
}

fn text_at(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for its other end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("only a file can be read"));
    }
    let mut text = Vec::new();
    File::open(path)?
        .take(MOST_BYTES.saturating_add(1))
        .read_to_end(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("too large for a file of filter sets"));
    }
    Ok(text)
}

/// Writes sets to a file; one that is there is replaced only once the new one is whole.
pub fn write(path: &Path, sets: Vec<FilterSet>) -> io::Result<()> {
    let text = text_of(sets).map_err(io::Error::other)?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = std::path::PathBuf::from(part);
    let written = File::create(&part)
        .and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        // What is left of a failed write is nobody's.
        drop(std::fs::remove_file(&part));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::{FilterSet, parse, read, text_of, write};
    use crate::engine::logs::filter::{Chip, FilterStack, LogFilter};
    use crate::model::log::LogLevel;

    /// A set with every kind of filter that tells one log from another.
    fn sets() -> Vec<FilterSet> {
        let filters = [
            LogFilter::Level {
                at_least: LogLevel::Warn,
            },
            LogFilter::Module {
                names: vec!["wifi".to_owned()],
            },
            LogFilter::Regex {
                pattern: "rv=-[0-9]+".to_owned(),
                match_case: true,
            },
            LogFilter::NearCrash {
                n_before: 20,
                n_after: 5,
            },
        ];
        let chips = filters.into_iter().enumerate().map(|(index, filter)| Chip {
            filter,
            negated: index == 1,
            is_off: index == 2,
        });
        vec![
            FilterSet {
                name: "Wi-Fi trouble".to_owned(),
                stack: FilterStack {
                    chips: chips.collect(),
                    shows_data: true,
                    folds: true,
                    unfolded: Vec::new(),
                },
            },
            FilterSet {
                name: "everything".to_owned(),
                stack: FilterStack::default(),
            },
        ]
    }

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("filters.json");
        std::fs::write(&path, "older").unwrap();
        write(&path, sets()).unwrap();
        assert_eq!(read(&path).unwrap(), sets());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = read(folder.path()).unwrap_err();
        assert!(error.contains("only a file"), "{error}");
    }

    /// The example of docs/filter-sets.md is read as it says.
    #[test]
    fn the_example_of_the_documentation_is_a_file_of_filter_sets() {
        let page = include_str!("../../../docs/filter-sets.md");
        let example = page.split("```json\n").nth(1).unwrap();
        let example = example.split("```").next().unwrap();
        let sets = parse(example.as_bytes()).unwrap();
        assert_eq!(sets[0].name, "Wi-Fi trouble");
        assert_eq!(sets[0].stack.chips.len(), 3);
        assert!(sets[0].stack.chips[1].negated);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let with = |sets: &str| format!(r#"{{"schema": "fieldscope.filters/1", "sets": {sets}}}"#);
        let set = |name: &str| format!(r#"{{"name": "{name}", "stack": {{"chips": []}}}}"#);
        let many = format!(
            r#"[{{"name": "a", "stack": {{"chips": [{}]}}}}]"#,
            vec![r#"{"filter": {"by": "boot", "first": 0, "last": 1}}"#; 101].join(",")
        );
        for (text, word) in [
            ("not json".to_owned(), "not JSON"),
            ("[1, 2]".to_owned(), "not JSON"),
            ("{}".to_owned(), "no \"schema\""),
            (
                r#"{"schema": "fieldscope.filters/9", "sets": 3}"#.to_owned(),
                "filters/9",
            ),
            (with("3"), "not understood"),
            (
                with(r#"[{"name": "a", "stack": {"chips": [{"filter": {"by": "smell"}}]}}]"#),
                "smell",
            ),
            (with(&format!("[{}]", set("  "))), "1 to 80"),
            (with(&format!("[{}]", set(&"x".repeat(81)))), "1 to 80"),
            (
                with(&format!("[{}, {}]", set("a"), set(" a"))),
                "called \"a\"",
            ),
            (with(&many), "more than 100 filters"),
            (
                format!("{}{}", "[".repeat(5000), "]".repeat(5000)),
                "not JSON",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        let cut = text_of(sets()).unwrap();
        for n in 0..cut.len() - 2 {
            assert!(parse(&cut[..n]).is_err(), "cut at {n}");
        }
    }
}
