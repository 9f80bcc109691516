//! Pictures of the screen, for a report or a ticket: asked for in one frame, there in a later one.

use crate::engine::command::Command;
use crate::engine::picture::Picture;
use egui::{ColorImage, Context, Rect};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// Pictures that were asked for.
#[derive(Default)]
pub(super) struct Pictures {
    /// Where the open screen is in the window, in points.
    pub(super) screen: Option<Rect>,
    asked: Vec<Asked>,
}

struct Asked {
    image: Receiver<Arc<ColorImage>>,
    screen: Rect,
    pixels_per_point: f32,
    path: PathBuf,
    replaces: bool,
}

impl Pictures {
    /// Asks for a picture of the open screen, which is then written to a file.
    pub(super) fn ask(&mut self, ctx: &Context, path: PathBuf, replaces: bool) {
        let Some(screen) = self.screen else { return };
        let (sender, image) = channel();
        let waker = ctx.clone();
        ctx.request_screenshot(move |image| {
            // A window that closes in the meantime waits for no picture.
            drop(sender.send(image));
            waker.request_repaint();
        });
        ctx.request_repaint();
        self.asked.push(Asked {
            image,
            screen,
            pixels_per_point: ctx.pixels_per_point(),
            path,
            replaces,
        });
    }

    /// The next one that is there.
    pub(super) fn taken(&mut self) -> Option<Command> {
        let taken = |asked: &Asked| asked.image.try_recv().ok();
        let mut all = self.asked.iter().enumerate();
        let (at, image) = all.find_map(|(at, asked)| Some((at, taken(asked)?)))?;
        let asked = self.asked.remove(at);
        let part = image.region(&asked.screen, Some(asked.pixels_per_point));
        let pixels = part.pixels.iter();
        Some(Command::SavePicture {
            picture: Picture {
                size: part.size,
                rgb: pixels
                    .flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()])
                    .collect(),
            },
            path: asked.path,
            replaces: asked.replaces,
        })
    }
}
