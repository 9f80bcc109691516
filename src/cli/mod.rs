//! The command line: one file a command.
//!
//! Must never do: open SQL, decode bytes; it asks the engine.
