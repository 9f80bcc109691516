//! Shapes that say how sure or how bad, so that colour never says it alone.

use crate::model::report::FrameTrust;
use crate::ui::theme::Tokens;
use egui::{Color32, Painter, Pos2, Shape, Stroke, vec2};

/// A shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A full disc: certain, or a crash.
    Filled,
    /// Half a disc: derived.
    Half,
    /// A ring: a guess, or nothing to see.
    Hollow,
    /// A tick: as it should be.
    Check,
}

/// Radius of a mark.
const RADIUS: f32 = 4.0;

/// Draws a mark around `center`.
pub fn paint(painter: &Painter, center: Pos2, mark: Mark, color: Color32) {
    let stroke = Stroke::new(1.2, color);
    match mark {
        Mark::Filled => {
            painter.circle_filled(center, RADIUS, color);
        }
        Mark::Hollow => {
            painter.circle_stroke(center, RADIUS - 0.6, stroke);
        }
        Mark::Half => {
            painter.circle_stroke(center, RADIUS - 0.6, stroke);
            let points = (0..=12u8)
                .map(|i| {
                    let angle = std::f32::consts::PI * (0.5 + f32::from(i) / 12.0);
                    center + RADIUS * vec2(angle.cos(), angle.sin())
                })
                .collect();
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
        }
        Mark::Check => {
            let points = vec![
                center + vec2(-3.5, 0.0),
                center + vec2(-1.0, 2.8),
                center + vec2(3.8, -3.2),
            ];
            painter.line(points, Stroke::new(1.5, color));
        }
    }
}

/// Shape, colour and word for the way a frame was found.
pub fn trust(t: &Tokens, trust: FrameTrust) -> (Mark, Color32, &'static str, &'static str) {
    match trust {
        FrameTrust::Context => (
            Mark::Filled,
            t.ok,
            "registers",
            "From the registers of the capture.",
        ),
        FrameTrust::Cfi => (
            Mark::Filled,
            t.ok,
            "unwind info",
            "By call-frame information (CFI) of the ELF: certain.",
        ),
        FrameTrust::ExceptionFrame => (
            Mark::Filled,
            t.ok,
            "exception frame",
            "From the frame that the CPU pushed when the exception was taken.",
        ),
        FrameTrust::FramePointer => (
            Mark::Half,
            t.warn,
            "frame pointer",
            "By the frame pointer: likely, not proven.",
        ),
        FrameTrust::Scan => (
            Mark::Hollow,
            t.warn,
            "guess",
            "A word on the stack that looks like a return address (stack scan): a guess.",
        ),
    }
}
