//! Where the parts of the crash screen stand, for wide, middling and narrow windows.

use crate::ui::theme::size;
use egui::{Pos2, Rect, vec2};

/// The rectangles of the parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rects {
    /// Threads.
    pub(super) threads: Rect,
    /// Why we believe this.
    pub(super) evidence: Rect,
    /// Backtrace.
    pub(super) backtrace: Rect,
    /// Source.
    pub(super) source: Rect,
    /// Locals, registers, memory, globals.
    pub(super) inspector: Rect,
}

/// How the parts fit.
pub(super) enum Parts {
    /// All of them are on screen.
    Fits(Rects),
    /// They stand below one another, this high in all, measured from (0, 0).
    Scrolls(Rects, f32),
}

const GAP: f32 = size::M;
/// Below this width the inspector moves under the source.
const THREE_COLUMNS: f32 = 980.0;
/// Below this width, or below the height, everything stands in one column.
const TWO_COLUMNS: f32 = 640.0;
const LEAST_HEIGHT: f32 = 300.0;

impl Rects {
    /// The same, with the corner that was at (0, 0) at `origin`.
    pub(super) fn moved_to(&self, origin: Pos2) -> Self {
        let by = origin.to_vec2();
        Self {
            threads: self.threads.translate(by),
            evidence: self.evidence.translate(by),
            backtrace: self.backtrace.translate(by),
            source: self.source.translate(by),
            inspector: self.inspector.translate(by),
        }
    }
}

/// Divides the space below the headline.
pub(super) fn split(rect: Rect, n_threads: usize, n_lines: usize) -> Parts {
    let rows = |n: usize| size::HEADER + size::ROW * n.min(1000) as f32 + size::S;
    if rect.width() < TWO_COLUMNS || rect.height() < LEAST_HEIGHT {
        return one_column(
            rect.width(),
            rows(n_threads.clamp(1, 8)),
            rows(n_lines.clamp(3, 9)),
        );
    }
    let wide = rect.width() >= THREE_COLUMNS;
    let left_width = (rect.width() * 0.24).clamp(210.0, 320.0);
    let right_width = if wide {
        (rect.width() * 0.28).clamp(300.0, 560.0)
    } else {
        0.0
    };
    let right_gap = if wide { GAP } else { 0.0 };
    let middle_width = rect.width() - left_width - right_width - GAP - right_gap;

    let threads_height = rows(n_threads.max(1)).min(rect.height() * 0.5);
    let threads = Rect::from_min_size(rect.min, vec2(left_width, threads_height));
    let evidence = Rect::from_min_max(
        Pos2::new(rect.left(), threads.bottom() + GAP),
        Pos2::new(rect.left() + left_width, rect.bottom()),
    );
    let middle = Rect::from_min_size(
        Pos2::new(threads.right() + GAP, rect.top()),
        vec2(middle_width, rect.height()),
    );
    let share = if wide { 0.55 } else { 0.36 };
    let backtrace_height = rows(n_lines.max(3)).min(rect.height() * share);
    let backtrace = Rect::from_min_size(middle.min, vec2(middle_width, backtrace_height));
    let below = Rect::from_min_max(
        Pos2::new(middle.left(), backtrace.bottom() + GAP),
        middle.max,
    );
    if wide {
        let inspector = Rect::from_min_max(Pos2::new(middle.right() + GAP, rect.top()), rect.max);
        return Parts::Fits(Rects {
            threads,
            evidence,
            backtrace,
            source: below,
            inspector,
        });
    }
    let source_height = (below.height() * 0.42).floor();
    let source = Rect::from_min_size(below.min, vec2(middle_width, source_height));
    let inspector = Rect::from_min_max(Pos2::new(below.left(), source.bottom() + GAP), below.max);
    Parts::Fits(Rects {
        threads,
        evidence,
        backtrace,
        source,
        inspector,
    })
}

fn one_column(width: f32, threads: f32, backtrace: f32) -> Parts {
    let mut top = 0.0;
    let mut next = |height: f32| {
        let rect = Rect::from_min_size(Pos2::new(0.0, top), vec2(width, height));
        top += height + GAP;
        rect
    };
    let backtrace = next(backtrace);
    let source = next(200.0);
    let inspector = next(300.0);
    let threads = next(threads);
    let evidence = next(340.0);
    Parts::Scrolls(
        Rects {
            threads,
            evidence,
            backtrace,
            source,
            inspector,
        },
        top,
    )
}

#[cfg(test)]
mod tests {
    use super::{Parts, split};
    use egui::{Rect, pos2};

    #[test]
    fn parts_never_overlap_at_any_window_size() {
        for (width, height) in [
            (1256.0, 640.0),
            (1136.0, 560.0),
            (796.0, 380.0),
            (500.0, 300.0),
            (700.0, 200.0),
        ] {
            let rect = Rect::from_min_max(pos2(84.0, 160.0), pos2(84.0 + width, 160.0 + height));
            for (n_threads, n_lines) in [(1, 1), (6, 6), (200, 900)] {
                let parts = match split(rect, n_threads, n_lines) {
                    Parts::Fits(parts) | Parts::Scrolls(parts, _) => parts,
                };
                let all = [
                    parts.threads,
                    parts.evidence,
                    parts.backtrace,
                    parts.source,
                    parts.inspector,
                ];
                for (i, a) in all.iter().enumerate() {
                    assert!(
                        a.width() > 150.0 && a.height() > 60.0,
                        "{width}x{height} part {i}: {a}"
                    );
                    for b in all.iter().skip(i + 1) {
                        let both = a.intersect(*b);
                        assert!(!both.is_positive(), "{width}x{height}: {a} and {b}");
                    }
                }
            }
        }
    }
}
