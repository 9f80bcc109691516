//! The window: app, panels, widgets, one file of tokens.
//!
//! Must never do: open a file, a socket or SQL; it sends commands and asks queries.
