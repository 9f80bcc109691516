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
pub mod die;
pub mod types;
pub mod type_names;
pub mod type_notation;
pub mod value;
pub mod float_text;
pub mod text_escape;
pub mod location;
pub mod call_site;
pub mod printer;
pub mod variables;
pub mod globals;

#[cfg(test)]
mod frame_oracle_tests;
#[cfg(test)]
mod global_oracle_tests;
#[cfg(test)]
mod robustness_tests;
#[cfg(test)]
mod tests;
