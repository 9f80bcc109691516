//! ELF and DWARF: build id, functions, lines, inlines, types, variables.
//!
//! Must never do: know a dump format, walk a stack.
