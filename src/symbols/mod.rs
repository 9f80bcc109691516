//! ELF and DWARF: build id, functions, lines, inlines, types, variables.
//!
//! Must never do: know a dump format, walk a stack.

pub mod arm_attributes;
pub mod cfi;
mod cfi_expression;
pub mod compressed;
pub mod constant_memory;
pub mod debug_info;
pub mod demangle;
pub mod elf_image;
pub mod elf_symbols;
mod entry_ranges;
pub mod error;
mod functions;
pub mod identity;
pub mod image;
pub mod index;
pub mod library;
mod lines;
mod live_code;
mod lookup;
mod names;
pub mod quality;
pub mod separate;
pub mod symbol_file;
pub mod symbol_set;
// Built on the modules above (declared here as they arrive): types, location, value, variables.

#[cfg(test)]
mod tests;
