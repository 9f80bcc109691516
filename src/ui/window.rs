//! The real window, and the picture of one.

use super::app::App;
use super::data::{Door as _, EngineDoor};
use super::dialogs::DesktopDialogs;
use super::frame_log::FrameLog;
use super::panels::{self, PANELS, PanelId};
use super::{theme, xvfb};
use crate::engine::command::Command;
use crate::engine::event::Wake;
use crate::engine::index_cache::IndexCache;
use crate::engine::live::choice::LinkChoice;
use crate::engine::live::{LINKS, Settings, link_kind};
use crate::engine::picture::Picture;
use crate::engine::settings::SettingsFile;
use egui::{ColorImage, Context, ThemePreference, Ui, ViewportBuilder, ViewportCommand};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Why there is no window or no picture.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// The workspace cannot be opened.
    #[error("{0}")]
    Workspace(String),
    /// No display, no OpenGL.
    #[error(
        "FS-WIN-001: no window could be opened: {0}. Without a display, run it under Xvfb (xvfb-run) or use fieldscope backtrace"
    )]
    NoWindow(String),
    /// No display and no Xvfb to make one.
    #[error(
        "FS-WIN-005: there is no display and none could be made ({0}). Install Xvfb (Debian package xvfb), or use fieldscope backtrace"
    )]
    NoDisplay(String),
    /// The window on a display of its own failed; it has said why.
    #[error("FS-WIN-006: no picture was taken: see above")]
    SaidAlready,
    /// The window closed before the picture was taken.
    #[error("FS-WIN-002: the window closed before its picture was taken. Try again")]
    NoPicture,
    /// The picture could not be written.
    #[error("FS-WIN-003: the picture could not be written: {0}")]
    Writing(String),
    /// An option makes no sense.
    #[error("FS-WIN-004: {0}")]
    Option(String),
}

/// How the window begins.
#[derive(Clone, Debug)]
pub struct WindowOptions {
    /// The workspace; the user's own when absent.
    pub workspace: Option<PathBuf>,
    /// Where symbol indexes are kept.
    pub cache: IndexCache,
    /// Files to import at once.
    pub files: Vec<PathBuf>,
    /// Log files to follow.
    pub follow: Vec<PathBuf>,
}

/// Opens the window and returns when it is closed.
pub fn run(options: &WindowOptions) -> Result<(), WindowError> {
    let (door, context) = open_door(options.workspace.as_deref(), options.cache.clone())?;
    let door = door.remembering();
    if options.workspace.is_some() {
        door.remember();
    }
    let (files, follow) = (options.files.clone(), options.follow.clone());
    eframe::run_native(
        "Fieldscope",
        native_options([1440.0, 900.0]),
        Box::new(move |cc| {
            let mut app = create(&cc.egui_ctx, door, &context);
            if let Some(file) = SettingsFile::of_user() {
                app.keep_settings(&cc.egui_ctx, file);
            }
            app.log_frames(FrameLog::from_environment());
            app.import(files);
            for path in follow {
                app.follow_log(path);
            }
            Ok(Box::new(app))
        }),
    )
    .map_err(|error| WindowError::NoWindow(error.to_string()))
}

/// What to take a picture of.
#[derive(Clone, Debug)]
pub struct ScreenshotOptions {
    /// Name of the screen.
    pub panel: String,
    /// PNG file to write.
    pub out: PathBuf,
    /// Files to import first.
    pub files: Vec<PathBuf>,
    /// A part of the screen to open: a tab of the crash, an issue by its key, `first`, `compare`, `merge` for the first two logs.
    pub show: Option<String>,
    /// Links to open first, `KIND:WHAT`: the rest stands in the first field of its form.
    pub connect: Vec<String>,
    /// Numbers to watch meanwhile.
    pub watch: Vec<String>,
    /// How long the board is listened to, in seconds.
    pub seconds: u16,
    /// `1440x900`, in points.
    pub size: String,
    /// Pixels per point.
    pub scale: f32,
    /// `dark` or `light`.
    pub theme: String,
    /// The workspace; the user's own when absent.
    pub workspace: Option<PathBuf>,
    /// Where symbol indexes are kept.
    pub cache: IndexCache,
}

/// Opens the window, waits until everything on it has arrived, and writes its picture.
pub fn screenshot(options: &ScreenshotOptions) -> Result<(), WindowError> {
    let panel = panels::by_name(&options.panel).ok_or_else(|| {
        let names: Vec<&str> = PANELS.iter().map(|kind| kind.name).collect();
        WindowError::Option(format!(
            "there is no screen {}. Choose one of {}",
            options.panel,
            names.join(", ")
        ))
    })?;
    let theme = match options.theme.as_str() {
        "dark" => ThemePreference::Dark,
        "light" => ThemePreference::Light,
        other => {
            return Err(WindowError::Option(format!(
                "the theme is dark or light, not {other}"
            )));
        }
    };
    let size = parse_size(&options.size).ok_or_else(|| {
        WindowError::Option(format!("the size is like 1440x900, not {}", options.size))
    })?;
    let scale = options.scale.clamp(0.5, 4.0);
    if xvfb::is_needed() {
        return match xvfb::run_again(size.map(|points| points * scale))? {
            Some(0) => Ok(()),
            _ => Err(WindowError::SaidAlready),
        };
    }
    let live = live_commands(options)?;
    let (door, context) = open_door(options.workspace.as_deref(), options.cache.clone())?;
    let picture: Arc<Mutex<Option<Arc<ColorImage>>>> = Arc::default();
    let for_app = Arc::clone(&picture);
    let files = options.files.clone();
    let show = options.show.clone();
    let seconds = Duration::from_secs(options.seconds.into());
    eframe::run_native(
        "Fieldscope",
        native_options(size.map(|points| points * scale)),
        Box::new(move |cc| {
            let mut app = create(&cc.egui_ctx, door, &context);
            app.log_frames(FrameLog::from_environment());
            app.settings().theme = theme;
            cc.egui_ctx.set_zoom_factor(scale);
            if files.is_empty() {
                app.nav().go_panel(panel);
                app.nav().pastes_crash = panel == PanelId::Symbolizer;
            }
            app.import(files);
            Ok(Box::new(Photographer {
                app,
                panel,
                show,
                listens: (!live.is_empty()).then_some(seconds),
                live,
                live_until: None,
                n_still_frames: 0,
                is_asked: false,
                picture: for_app,
            }))
        }),
    )
    .map_err(|error| WindowError::NoWindow(error.to_string()))?;
    let image = picture.lock().ok().and_then(|mut picture| picture.take());
    let image = image.ok_or(WindowError::NoPicture)?;
    let bytes = png_of(&image)?;
    std::fs::write(&options.out, bytes)
        .map_err(|error| WindowError::Writing(format!("{error}: {}", options.out.display())))
}

/// What connects the board of a picture, the first thing last.
fn live_commands(options: &ScreenshotOptions) -> Result<Vec<Command>, WindowError> {
    if options.connect.is_empty() {
        return Ok(Vec::new());
    }
    let links = options.connect.iter().map(|link| {
        let (kind, what) = link.split_once(':').unwrap_or((link, ""));
        let kind = link_kind(kind)?;
        let field = kind.fields().first()?;
        Some(LinkChoice::new(
            kind,
            Settings::default().with(field.id, what),
        ))
    });
    let links: Option<Vec<LinkChoice>> = links.collect();
    let links = links.ok_or_else(|| {
        let kinds: Vec<&str> = LINKS.iter().map(|kind| kind.id()).collect();
        WindowError::Option(format!(
            "a link is like gdb:localhost:1234; kinds are {}",
            kinds.join(", ")
        ))
    })?;
    let watches = options.watch.iter().rev();
    let mut commands: Vec<Command> = watches
        .map(|asked| Command::Watch {
            asked: asked.clone(),
        })
        .collect();
    commands.push(Command::Connect { links });
    Ok(commands)
}

/// Looked at so often, whether a board was listened to for long enough.
const LISTEN_EVERY: Duration = Duration::from_millis(100);
/// Frames without anything on its way before the picture is taken.
const STILL_FRAMES: u32 = 3;

struct Photographer {
    app: App,
    panel: PanelId,
    show: Option<String>,
    /// What connects a board; the last is done first.
    live: Vec<Command>,
    /// How long it is listened to, and until when once it is connected.
    listens: Option<Duration>,
    live_until: Option<Instant>,
    n_still_frames: u32,
    is_asked: bool,
    picture: Arc<Mutex<Option<Arc<ColorImage>>>>,
}

impl Photographer {
    /// True while a board is listened to, from the first time it is asked.
    fn is_listening(&mut self) -> bool {
        self.listens.is_some_and(|listens| {
            let until = self
                .live_until
                .get_or_insert_with(|| Instant::now() + listens);
            Instant::now() < *until
        })
    }
}

impl eframe::App for Photographer {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.app.show(ui);
        if self.app.is_busy() {
            self.n_still_frames = 0;
        } else if let Some(command) = self.live.pop() {
            self.app.submit(command);
            self.n_still_frames = 0;
        } else if self.is_listening() {
            self.n_still_frames = 0;
            // What comes asks for frames of its own, as it does in the window.
            ui.ctx().request_repaint_after(LISTEN_EVERY);
            return;
        } else if self.app.nav().place.panel != self.panel {
            self.app.nav().go_panel(self.panel);
            // A paste screen with nothing pasted shows nothing: it gets what its own button would give it.
            self.app.nav().pastes_crash = self.panel == PanelId::Symbolizer;
            self.n_still_frames = 0;
        } else if self.n_still_frames == STILL_FRAMES
            && let Some(part) = self.show.take()
        {
            self.app.show_part(&part);
            if part == "compare" {
                // First the issue, then, once it is there, what it is compared with.
                self.show = Some("compare with the first".to_owned());
            }
            self.n_still_frames = 0;
        } else {
            self.n_still_frames = self.n_still_frames.saturating_add(1);
        }
        let ctx = ui.ctx().clone();
        if self.n_still_frames > STILL_FRAMES && !self.is_asked {
            self.is_asked = true;
            let picture = Arc::clone(&self.picture);
            let waker = ctx.clone();
            ctx.request_screenshot(move |image| {
                if let Ok(mut picture) = picture.lock() {
                    *picture = Some(image);
                }
                waker.send_viewport_cmd(ViewportCommand::Close);
            });
        }
        ctx.request_repaint();
    }

    /// The pointer of an empty desktop is nobody's: nothing lights up under it.
    fn raw_input_hook(&mut self, _ctx: &Context, input: &mut egui::RawInput) {
        input
            .events
            .retain(|event| !matches!(event, egui::Event::PointerMoved(_)));
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

/// The window's context, once there is one.
type LateContext = Arc<OnceLock<Context>>;

fn open_door(
    workspace: Option<&Path>,
    cache: IndexCache,
) -> Result<(EngineDoor, LateContext), WindowError> {
    let context = LateContext::default();
    let late = Arc::clone(&context);
    let wake: Wake = Arc::new(move || {
        if let Some(context) = late.get() {
            context.request_repaint();
        }
    });
    let door = EngineDoor::open(workspace, cache, wake).map_err(WindowError::Workspace)?;
    Ok((door, context))
}

fn create(ctx: &Context, door: EngineDoor, late: &LateContext) -> App {
    theme::install(ctx);
    // It can only be set once, and this is where.
    let _already_set = late.set(ctx.clone()).is_err();
    App::new(Box::new(door), Box::<DesktopDialogs>::default())
}

fn native_options(size: [f32; 2]) -> eframe::NativeOptions {
    eframe::NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("Fieldscope")
            // The name of the desktop entry, by which a dock finds the icon.
            .with_app_id("fieldscope")
            .with_icon(icon())
            .with_inner_size(size)
            .with_min_inner_size([480.0, 360.0])
            .with_drag_and_drop(true),
        // A build of tests and benches has another one too, and would take that.
        renderer: eframe::Renderer::Glow,
        ..eframe::NativeOptions::default()
    }
}

/// For title bars and task lists; a picture that cannot be read leaves the system's own.
fn icon() -> egui::IconData {
    eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon/made/256.png"))
        .unwrap_or_default()
}

fn parse_size(text: &str) -> Option<[f32; 2]> {
    let (width, height) = text.split_once(['x', 'X'])?;
    let parse = |part: &str| {
        part.trim()
            .parse::<u16>()
            .ok()
            .filter(|n| (200..=8000).contains(n))
    };
    Some([f32::from(parse(width)?), f32::from(parse(height)?)])
}

fn png_of(image: &ColorImage) -> Result<Vec<u8>, WindowError> {
    let pixels = image.pixels.iter();
    let picture = Picture {
        size: image.size,
        rgb: pixels
            .flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()])
            .collect(),
    };
    picture
        .png()
        .map_err(|error| WindowError::Writing(error.to_string()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_icon_can_be_read() {
        assert_eq!((super::icon().width, super::icon().height), (256, 256));
    }

    #[test]
    fn a_size_is_two_numbers_and_nothing_else() {
        assert_eq!(super::parse_size("1440x900"), Some([1440.0, 900.0]));
        assert_eq!(super::parse_size("1440"), None);
        assert_eq!(super::parse_size("0x0"), None);
        assert_eq!(super::parse_size("99999x900"), None);
    }
}
