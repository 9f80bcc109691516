//! Finds functions that call themselves, directly or in a small circle, in a list of frames.

/// The longest circle that is looked for.
const MAX_PERIOD: usize = 3;

/// A stretch of frames: `names` repeated `repeats` times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// One turn of the circle, innermost first.
    pub names: Vec<&'a str>,
    /// How many whole turns, at least 1.
    pub repeats: usize,
}

/// Cuts a list of function names into runs; a list without recursion gives one run a name.
pub fn collapse<'a>(names: &[&'a str]) -> Vec<Run<'a>> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(rest) = names.get(at..).filter(|rest| !rest.is_empty()) {
        let (period, repeats) = (1..=MAX_PERIOD)
            .filter_map(|period| Some((period, repeats(rest, period)?)))
            .filter(|(_, repeats)| *repeats > 1)
            // The longest stretch; of equal ones the smallest circle.
            .max_by_key(|(period, repeats)| (period * repeats, usize::MAX - period))
            .unwrap_or((1, 1));
        runs.push(Run {
            names: rest.iter().take(period).copied().collect(),
            repeats,
        });
        at += period * repeats;
    }
    runs
}

/// The run that is recursion: the longest one with at least three turns.
pub fn recursion<'a>(names: &[&'a str]) -> Option<Run<'a>> {
    collapse(names)
        .into_iter()
        .filter(|run| run.repeats >= 3)
        .max_by_key(|run| run.repeats * run.names.len())
}

fn repeats(names: &[&str], period: usize) -> Option<usize> {
    let first = names.get(..period)?;
    Some(
        names
            .chunks_exact(period)
            .take_while(|chunk| *chunk == first)
            .count(),
    )
}

#[cfg(test)]
mod tests {
    use super::{collapse, recursion};

    #[test]
    fn circles_of_one_to_three_functions_collapse() {
        for (names, expected) in [
            ("a b c", "a*1 b*1 c*1"),
            ("a a a b", "a*3 b*1"),
            ("x a b a b a b main", "x*1 a,b*3 main*1"),
            ("a b c a b c m", "a,b,c*2 m*1"),
            ("", ""),
        ] {
            let names: Vec<&str> = names.split_whitespace().collect();
            let got: Vec<String> = collapse(&names)
                .iter()
                .map(|run| format!("{}*{}", run.names.join(","), run.repeats))
                .collect();
            assert_eq!(got.join(" "), expected);
        }
        assert_eq!(recursion(&["m", "r", "r", "r", "m"]).unwrap().names, ["r"]);
        assert!(recursion(&["r", "r", "m"]).is_none());
    }
}
