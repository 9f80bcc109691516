//! How alike two crashes are: their frames aligned, innermost first, and a share in words.
//!
//! Frames are the same when their functions are (names as the fingerprint sees them); without a name, when they are
//! the same address of the same build. The alignment is the heaviest common subsequence, so that a frame more or less
//! in the middle shifts nothing. A frame near the fault says more about the cause: the first counts 1, the second 1/2,
//! the third 1/3. Frames that many crashes share (fault handlers, start of a thread, library code) count a quarter of
//! that, a frame found by scanning half; one that left by a tail call, which another build has not, counts nothing. The
//! share is what is common on both sides, divided by all that there is; it is halved when the class of the fault differs
//! (a bus fault and a null pointer are one class: an access that failed).

use super::fingerprint::plain_name;
use super::known_functions::role;
use crate::model::report::{FaultKind, Frame, FrameTrust};

/// Frames of one crash that are looked at; deeper ones weigh next to nothing.
const MAX_FRAMES: usize = 32;

/// What a pair of frames says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// The same function and line.
    Same,
    /// The same function at another line.
    OtherLine,
    /// Only in the first crash.
    OnlyHere,
    /// Only in the second crash.
    OnlyThere,
}

/// One line of the difference: indices into the two lists of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlignedPair {
    /// What it says.
    pub alignment: Alignment,
    /// Frame of the first crash.
    pub here: Option<usize>,
    /// Frame of the second crash.
    pub there: Option<usize>,
}

/// How alike two crashes are.
#[derive(Clone, Debug, PartialEq)]
pub struct Similarity {
    /// From 0, nothing in common, to 1, the same frames.
    pub share: f64,
    /// Both lists of frames side by side, innermost first.
    pub pairs: Vec<AlignedPair>,
    /// The same in words.
    pub sentence: String,
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Frames of the crashed thread, innermost first.
    pub frames: &'a [Frame],
    /// The build, as hex: addresses mean something within one build only.
    pub build: Option<&'a str>,
    /// The class of the fault.
    pub kind: Option<FaultKind>,
}

/// Compares two crashes frame by frame.
pub fn compare(here: &Side<'_>, there: &Side<'_>) -> Similarity {
    let same_build = here.build.is_some() && here.build == there.build;
    let left = tokens(here.frames, same_build);
    let right = tokens(there.frames, same_build);
    let pairs = align(&left, &right, here.frames, there.frames);
    let weight = |side: &[Token]| side.iter().map(|token| token.weight).sum::<f64>();
    let all = weight(&left) + weight(&right);
    let common: f64 = pairs
        .iter()
        .filter_map(|pair| Some(left.get(pair.here?)?.weight + right.get(pair.there?)?.weight))
        .sum();
    let is_other_class = class(here.kind) != class(there.kind);
    let halved = if is_other_class { 0.5 } else { 1.0 };
    let share = if all > 0.0 {
        common / all * halved
    } else {
        0.0
    };
    let mut sentence = sentence(&pairs, &left, &right);
    if is_other_class && common > 0.0 {
        sentence.push_str(" The class of the fault differs, which halves the share.");
    }
    Similarity {
        share,
        pairs,
        sentence,
    }
}

/// Faults that the same mistake may show as.
fn class(kind: Option<FaultKind>) -> Option<FaultKind> {
    Some(match kind? {
        FaultKind::BusFault
        | FaultKind::MemoryFault
        | FaultKind::NullPointer
        | FaultKind::Unaligned
        | FaultKind::NoExecute => FaultKind::BusFault,
        FaultKind::UndefinedInstruction | FaultKind::IllegalInstruction => {
            FaultKind::UndefinedInstruction
        }
        FaultKind::Assert | FaultKind::Panic | FaultKind::Abort => FaultKind::Abort,
        other => other,
    })
}

/// A frame as the comparison sees it.
struct Token {
    /// What must be equal; `None` equals nothing.
    name: Option<String>,
    weight: f64,
}

fn tokens(frames: &[Frame], same_build: bool) -> Vec<Token> {
    let mut nth = 0.0;
    frames
        .iter()
        .take(MAX_FRAMES)
        .map(|frame| {
            nth += if frame.tail_call { 0.0 } else { 1.0 };
            let shown = frame.qualified.as_deref().or(frame.function.as_deref());
            let name = match shown {
                Some(name) => Some(plain_name(name)),
                None if same_build => Some(frame.pc.to_string()),
                None => None,
            };
            let is_common = shown.is_some_and(|shown| {
                let plain = name.as_deref().unwrap_or(shown);
                role(frame.function.as_deref().unwrap_or(shown))
                    .or_else(|| role(plain))
                    .is_some()
            });
            let common = if is_common { 0.25 } else { 1.0 };
            let guessed = if frame.trust == FrameTrust::Scan {
                0.5
            } else {
                1.0
            };
            let weight = if frame.tail_call {
                0.0
            } else {
                common * guessed / nth
            };
            Token { name, weight }
        })
        .collect()
}

/// The heaviest common subsequence, by the usual table (at most 32 by 32).
fn align(left: &[Token], right: &[Token], here: &[Frame], there: &[Frame]) -> Vec<AlignedPair> {
    let width = right.len() + 1;
    let mut best = vec![0.0_f64; (left.len() + 1) * width];
    let at = |best: &[f64], i: usize, j: usize| best.get(i * width + j).copied().unwrap_or(0.0);
    let equal = |i: usize, j: usize| -> Option<f64> {
        let (a, b) = (left.get(i)?, right.get(j)?);
        (a.name.is_some() && a.name == b.name).then_some(a.weight + b.weight)
    };
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            let mut value = at(&best, i + 1, j).max(at(&best, i, j + 1));
            if let Some(weight) = equal(i, j) {
                value = value.max(at(&best, i + 1, j + 1) + weight);
            }
            if let Some(cell) = best.get_mut(i * width + j) {
                *cell = value;
            }
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        let now = at(&best, i, j);
        let matched = equal(i, j).is_some_and(|w| (at(&best, i + 1, j + 1) + w - now).abs() < 1e-9);
        if matched {
            let is_same_line = here.get(i).map(place) == there.get(j).map(place);
            pairs.push(AlignedPair {
                alignment: if is_same_line {
                    Alignment::Same
                } else {
                    Alignment::OtherLine
                },
                here: Some(i),
                there: Some(j),
            });
            (i, j) = (i + 1, j + 1);
        } else if i < left.len() && (j >= right.len() || at(&best, i + 1, j) >= at(&best, i, j + 1))
        {
            pairs.push(AlignedPair {
                alignment: Alignment::OnlyHere,
                here: Some(i),
                there: None,
            });
            i += 1;
        } else {
            pairs.push(AlignedPair {
                alignment: Alignment::OnlyThere,
                here: None,
                there: Some(j),
            });
            j += 1;
        }
    }
    pairs
}

fn place(frame: &Frame) -> (Option<&str>, Option<u32>) {
    (frame.file.as_deref(), frame.line)
}

fn sentence(pairs: &[AlignedPair], left: &[Token], right: &[Token]) -> String {
    let count = |wanted: Alignment| pairs.iter().filter(|pair| pair.alignment == wanted).count();
    let has_names = |side: &[Token]| side.iter().any(|token| token.name.is_some());
    if left.is_empty() || right.is_empty() {
        return "One of the two has no frames, so that there is nothing to compare.".to_owned();
    }
    if !has_names(left) || !has_names(right) {
        return "Without symbols, addresses can be compared within one build only. Add the ELF of both builds."
            .to_owned();
    }
    let (same, moved) = (count(Alignment::Same), count(Alignment::OtherLine));
    let (here, there) = (count(Alignment::OnlyHere), count(Alignment::OnlyThere));
    let frames = |n: usize| {
        if n == 1 {
            "1 frame".to_owned()
        } else {
            format!("{n} frames")
        }
    };
    if same + moved == 0 {
        return "No frame is the same.".to_owned();
    }
    let mut parts = vec![format!(
        "{} the same",
        if same + moved == 1 {
            "1 function is".to_owned()
        } else {
            format!("{} functions are", same + moved)
        }
    )];
    if moved > 0 {
        parts.push(format!("{moved} of them at another line"));
    }
    if here > 0 {
        parts.push(format!("{} only here", frames(here)));
    }
    if there > 0 {
        parts.push(format!("{} only there", frames(there)));
    }
    format!("{}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Alignment, Side, compare};
    use crate::analysis::fault_rules::testing::frame;
    use crate::model::report::{FaultKind, Frame, FrameTrust};

    /// `name:line`, `?name:line` for a scanned frame, `!` for one without a name.
    fn frames(text: &str) -> Vec<Frame> {
        text.split_whitespace()
            .map(|word| match word.strip_prefix('?') {
                None if word == "!" => frame("", "", FrameTrust::Context),
                scanned => {
                    let trust = scanned.map_or(FrameTrust::Cfi, |_| FrameTrust::Scan);
                    let (name, line) = scanned
                        .unwrap_or(word)
                        .split_once(':')
                        .unwrap_or((word, "1"));
                    frame(name, &format!("main.c:{line}"), trust)
                }
            })
            .collect()
    }

    fn letters(here: &str, there: &str) -> (String, u32, String) {
        let (a, b) = (frames(here), frames(there));
        let side = |frames| Side {
            frames,
            build: None,
            kind: None,
        };
        let got = compare(&side(&a), &side(&b));
        let letters = got
            .pairs
            .iter()
            .map(|pair| match pair.alignment {
                Alignment::Same => '=',
                Alignment::OtherLine => '~',
                Alignment::OnlyHere => '<',
                Alignment::OnlyThere => '>',
            })
            .collect();
        (letters, (got.share * 100.0).round() as u32, got.sentence)
    }

    #[test]
    fn frames_are_aligned_around_what_is_only_on_one_side() {
        for (here, there, want, percent) in [
            ("a:1 b:2 c:3", "a:1 b:2 c:3", "===", 100),
            ("a:1 b:2 c:3", "a:1 x:9 b:2 c:3", "=>==", 87),
            ("a:1 b:2", "a:7 b:2", "~=", 100),
            ("a:1 b:2 c:3", "x:1 b:2 c:3", "<>==", 45),
            ("a:1 b:2", "x:1 y:2", "<<>>", 0),
            ("a:1 Reset_Handler:9", "x:1 Reset_Handler:9", "<>=", 11),
            ("a:1", "!", "<>", 0),
        ] {
            let (letters, share, sentence) = letters(here, there);
            assert_eq!(
                (letters.as_str(), share),
                (want, percent),
                "{here} | {there}: {sentence}"
            );
        }
    }

    #[test]
    fn the_share_is_said_in_words() {
        let (_, _, words) = letters("a:1 b:2 c:3", "a:1 b:5 x:1");
        assert_eq!(
            words,
            "2 functions are the same, 1 of them at another line, 1 frame only here, 1 frame only there."
        );
        let (_, _, words) = letters("! !", "a:1");
        assert!(words.starts_with("Without symbols"), "{words}");
        let (_, _, words) = letters("a:1", "b:1");
        assert_eq!(words, "No frame is the same.");
    }

    #[test]
    fn another_class_of_fault_halves_the_share() {
        let frames = frames("a:1 b:2");
        let side = |kind| Side {
            frames: &frames,
            build: None,
            kind: Some(kind),
        };
        let share = |a, b| compare(&side(a), &side(b)).share;
        assert!((share(FaultKind::BusFault, FaultKind::NullPointer) - 1.0).abs() < 1e-9);
        assert!((share(FaultKind::BusFault, FaultKind::DivideByZero) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn addresses_count_within_one_build() {
        let (a, b) = (frames("! !"), frames("! !"));
        let side = |frames, build| Side {
            frames,
            build,
            kind: None,
        };
        assert!(compare(&side(&a, Some("a1")), &side(&b, Some("a1"))).share > 0.99);
        assert!(compare(&side(&a, Some("a1")), &side(&b, Some("b2"))).share < 0.01);
    }
}
