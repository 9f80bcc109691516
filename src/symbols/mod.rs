//! ELF and DWARF: build id, functions, lines, inlines, types, variables.
//!
//! Must never do: know a dump format, walk a stack.

mod abbreviations;
pub mod arm_attributes;
pub mod call_site;
pub mod cfi;
mod cfi_expression;
pub mod compressed;
pub mod constant_memory;
mod containers;
mod cpp_values;
pub mod debug_info;
mod debug_sections;
pub mod demangle;
pub mod die;
pub mod difference;
pub mod elf_image;
pub mod elf_symbols;
mod entry_ranges;
pub mod error;
pub mod float_text;
mod functions;
pub mod globals;
pub mod identity;
pub mod image;
pub mod index;
pub mod initial_memory;
pub mod library;
mod line_program;
mod lines;
mod live_code;
pub mod location;
pub mod log_parts;
mod lookup;
mod names;
pub mod printer;
pub mod quality;
mod rom_names;
pub mod rust_panic;
mod rust_values;
pub mod scalar;
pub mod separate;
pub mod split;
pub mod symbol_file;
pub mod symbol_set;
// Built on the modules above (declared here as they arrive): types, location, value, variables.

pub mod tail_call;
#[cfg(test)]
mod tests;
pub mod text_escape;
pub mod type_names;
pub mod type_notation;
pub mod types;
mod unit_directory;
mod unit_ranges;
pub mod value;
pub mod variables;

#[cfg(test)]
mod frame_oracle_tests;
#[cfg(test)]
mod global_oracle_tests;
#[cfg(test)]
mod robustness_tests;
