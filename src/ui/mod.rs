//! The window: what is on screen and what the keys do. It sends requests and asks questions; it never opens a file,
//! never waits and never computes on what it shows.

pub mod app;
mod apply;
pub mod command;
pub mod context;
pub mod data;
pub mod dialogs;
mod follow;
pub mod frame_log;
pub mod icons;
pub mod nav;
pub mod panels;
mod pictures;
pub mod shared_time;
pub mod shell;
pub mod theme;
pub mod widgets;
pub mod window;
pub mod words;
mod xvfb;

pub use window::{ScreenshotOptions, WindowOptions, run, screenshot};

#[cfg(test)]
mod chart_tests;
#[cfg(test)]
mod fleet_tests;
#[cfg(test)]
mod live_tests;
#[cfg(test)]
mod log_line_tests;
#[cfg(test)]
mod log_tests;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sample_sheet_tests;
#[cfg(test)]
mod tests;
