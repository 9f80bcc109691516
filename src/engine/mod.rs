//! The only door to everything below: commands, queries, jobs, events.
//!
//! Must never do: know egui or a terminal.
