//! The real window, and the picture of one.

use super::app::App;
use super::data::Door;
use super::dialogs::DesktopDialogs;
use super::panels::PanelId;
use super::theme;
use egui::{ColorImage, Context, Ui, ViewportBuilder, ViewportCommand};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Makes the engine's door; it gets what wakes the window.
pub type OpenDoor = Box<dyn FnOnce(Arc<dyn Fn() + Send + Sync>) -> Result<Box<dyn Door>, String>>;

/// Why there is no window or no picture.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// No display, no OpenGL.
    #[error(
        "FS-WIN-001: no window could be opened: {0}. On a machine without a display, run it under Xvfb (xvfb-run) or use `fieldscope backtrace`."
    )]
    NoWindow(String),
    /// The window closed before the picture was taken.
    #[error("FS-WIN-002: the window closed before its picture was taken. Try again.")]
    NoPicture,
    /// The picture could not be written as PNG.
    #[error("FS-WIN-003: the picture could not be encoded as PNG: {0}")]
    Encoding(String),
}

/// How the window begins.
pub struct RunOptions {
    /// The engine.
    pub door: OpenDoor,
    /// Files to import at once.
    pub files: Vec<PathBuf>,
}

/// Opens the window and returns when it is closed.
pub fn run(options: RunOptions) -> Result<(), WindowError> {
    let native = native_options([1440.0, 900.0]);
    let RunOptions { door, files } = options;
    eframe::run_native(
        "Fieldscope",
        native,
        Box::new(move |cc| {
            let mut app = create(&cc.egui_ctx, door)?;
            app.import(files);
            Ok(Box::new(app))
        }),
    )
    .map_err(|error| WindowError::NoWindow(error.to_string()))
}

/// What to take a picture of.
pub struct ScreenshotOptions {
    /// The engine.
    pub door: OpenDoor,
    /// Files to import first.
    pub files: Vec<PathBuf>,
    /// Screen.
    pub panel: PanelId,
    /// Size in points.
    pub size: [f32; 2],
    /// Light instead of dark.
    pub is_light: bool,
    /// Interface zoom.
    pub zoom: f32,
}

/// Opens the window, waits until everything on it has arrived, and answers its picture as PNG.
pub fn screenshot(options: ScreenshotOptions) -> Result<Vec<u8>, WindowError> {
    let picture = Arc::new(Mutex::new(None));
    let for_app = Arc::clone(&picture);
    let [width, height] = options.size;
    let native = native_options([width * options.zoom, height * options.zoom]);
    let ScreenshotOptions {
        door,
        files,
        panel,
        is_light,
        zoom,
        ..
    } = options;
    eframe::run_native(
        "Fieldscope",
        native,
        Box::new(move |cc| {
            let mut app = create(&cc.egui_ctx, door)?;
            let has_files = !files.is_empty();
            app.import(files);
            app.settings().theme = if is_light {
                egui::ThemePreference::Light
            } else {
                egui::ThemePreference::Dark
            };
            cc.egui_ctx.set_zoom_factor(zoom);
            if !has_files {
                app.nav().go_panel(panel);
            }
            Ok(Box::new(Photographer {
                app,
                panel,
                n_still_frames: 0,
                is_asked: false,
                picture: for_app,
            }))
        }),
    )
    .map_err(|error| WindowError::NoWindow(error.to_string()))?;
    let image = picture
        .lock()
        .ok()
        .and_then(|mut picture| picture.take())
        .ok_or(WindowError::NoPicture)?;
    png_of(&image)
}

/// Frames without anything on its way before the picture is taken.
const STILL_FRAMES: u32 = 3;

struct Photographer {
    app: App,
    panel: PanelId,
    n_still_frames: u32,
    is_asked: bool,
    picture: Arc<Mutex<Option<Arc<ColorImage>>>>,
}

impl eframe::App for Photographer {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.app.show(ui);
        let ctx = ui.ctx().clone();
        if self.app.is_busy() {
            self.n_still_frames = 0;
        } else {
            if self.app.nav().place.panel != self.panel {
                self.app.nav().go_panel(self.panel);
                self.n_still_frames = 0;
            }
            self.n_still_frames = self.n_still_frames.saturating_add(1);
        }
        if self.n_still_frames > STILL_FRAMES && !self.is_asked {
            self.is_asked = true;
            let picture = Arc::clone(&self.picture);
            let waker = ctx.clone();
            ctx.request_screenshot(move |image| {
                if let Ok(mut picture) = picture.lock() {
                    *picture = Some(image);
                }
                waker.send_viewport_cmd(ViewportCommand::Close);
                waker.request_repaint();
            });
        }
        ctx.request_repaint();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

fn create(ctx: &Context, door: OpenDoor) -> Result<App, String> {
    theme::install(ctx);
    let waker = ctx.clone();
    let door = door(Arc::new(move || waker.request_repaint()))?;
    Ok(App::new(door, Box::<DesktopDialogs>::default()))
}

fn native_options(size: [f32; 2]) -> eframe::NativeOptions {
    eframe::NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("Fieldscope")
            .with_app_id("fieldscope")
            .with_inner_size(size)
            .with_min_inner_size([480.0, 360.0])
            .with_drag_and_drop(true),
        ..eframe::NativeOptions::default()
    }
}

fn png_of(image: &ColorImage) -> Result<Vec<u8>, WindowError> {
    let encoding = |error: png::EncodingError| WindowError::Encoding(error.to_string());
    let too_large = |_error| WindowError::Encoding("it is too large".to_owned());
    let [width, height] = image.size;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(
        &mut bytes,
        u32::try_from(width).map_err(too_large)?,
        u32::try_from(height).map_err(too_large)?,
    );
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = image
        .pixels
        .iter()
        .flat_map(|pixel| pixel.to_array())
        .collect();
    let mut writer = encoder.write_header().map_err(encoding)?;
    writer.write_image_data(&pixels).map_err(encoding)?;
    writer.finish().map_err(encoding)?;
    Ok(bytes)
}
