//! The message of a row: its colours, matches and addresses, laid out on one line or several.

use crate::engine::logs::view::{LogSpan, SpanKind};
use crate::ui::theme::{Tokens, font, tokens};
use egui::text::{CCursor, LayoutJob, TextFormat};
use egui::{Color32, Galley, Pos2, Rect, Stroke, Ui};
use std::sync::Arc;

/// How a message is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Size of the text, in points.
    pub(super) text_size: f32,
    /// Colour of what the device did not colour.
    pub(super) color: Color32,
    /// Room for it.
    pub(super) width: f32,
    /// Goes on in further lines where there is no room, instead of being cut.
    pub(super) wraps: bool,
}

/// Lays a message out. `text` may be longer than the message that `spans` are of.
pub(super) fn galley(ui: &Ui, text: &str, spans: &[LogSpan], layout: &Layout) -> Arc<Galley> {
    let t = tokens(ui);
    let mut job = LayoutJob::default();
    // A control character would break the line; it is as long as the space that stands for it.
    let text = text.replace(['\n', '\r'], " ");
    for (from, to) in pieces(&text, spans) {
        let piece = text.get(from..to).unwrap_or_default();
        let covering = spans
            .iter()
            .filter(|span| span.range.start <= from && span.range.end >= to);
        job.append(piece, 0.0, format(t, covering, layout));
    }
    job.wrap.max_width = layout.width.max(1.0);
    job.wrap.break_anywhere = true;
    if !layout.wraps {
        job.wrap.max_rows = 1;
    }
    ui.painter().layout_job(job)
}

/// Where each address of a message is on screen, with its span; `pos` is where the galley was painted.
pub(super) fn addresses<'a>(
    text: &'a str,
    spans: &'a [LogSpan],
    galley: &'a Galley,
    pos: Pos2,
) -> impl Iterator<Item = (Rect, &'a LogSpan)> {
    let n_chars = |to: usize| text.get(..to).map(|before| before.chars().count());
    spans.iter().filter_map(move |span| {
        let SpanKind::Address { .. } = span.kind else {
            return None;
        };
        let at = |index: usize| Some(galley.pos_from_cursor(CCursor::new(n_chars(index)?)));
        let (from, to) = (at(span.range.start)?, at(span.range.end)?);
        // Of one that goes on in the next line the beginning can be pointed at.
        let right = if to.top() > from.top() {
            galley.rect.right()
        } else {
            to.right()
        };
        let rect = Rect::from_min_max(from.min, Pos2::new(right, from.bottom()));
        (rect.width() > 1.0).then(|| (rect.translate(pos.to_vec2()), span))
    })
}

/// The text cut wherever something begins or ends.
fn pieces(text: &str, spans: &[LogSpan]) -> Vec<(usize, usize)> {
    let ends = spans
        .iter()
        .flat_map(|span| [span.range.start, span.range.end])
        .filter(|at| text.is_char_boundary(*at));
    let mut cuts: Vec<usize> = ends.chain([0, text.len()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let next = cuts.iter().skip(1);
    cuts.iter().zip(next).map(|(a, b)| (*a, *b)).collect()
}

fn format<'a>(t: &Tokens, spans: impl Iterator<Item = &'a LogSpan>, layout: &Layout) -> TextFormat {
    let mut format = TextFormat::simple(font::log(layout.text_size), layout.color);
    for span in spans {
        match &span.kind {
            SpanKind::Ansi { colour, bold } => {
                if let Some(color) = colour.and_then(|n| t.ansi.get(usize::from(n))) {
                    format.color = *color;
                }
                if *bold {
                    format.font_id = font::log_strong(layout.text_size);
                }
            }
            SpanKind::Match => format.background = t.act_bg,
            SpanKind::Address { .. } => format.underline = Stroke::new(1.0, t.act),
            SpanKind::Byte => format.color = t.warn,
        }
    }
    format
}

#[cfg(test)]
mod tests {
    use super::{LogSpan, SpanKind, pieces};

    #[test]
    fn a_text_is_cut_where_its_parts_begin_and_end() {
        let span = |range| LogSpan {
            range,
            kind: SpanKind::Match,
        };
        assert_eq!(pieces("abcdef", &[]), [(0, 6)]);
        assert_eq!(pieces("", &[]), []);
        assert_eq!(
            pieces("abcdef", &[span(1..4), span(2..3)]),
            [(0, 1), (1, 2), (2, 3), (3, 4), (4, 6)]
        );
        // A part that ends inside a character or behind the text is not cut there.
        assert_eq!(
            pieces("a\u{e9}", &[span(0..2), span(1..9)]),
            [(0, 1), (1, 3)]
        );
    }
}
