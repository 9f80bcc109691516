//! The workspace: one SQLite file. The only folder that knows SQL.
//!
//! Must never do: decode bytes, know a symbol.
