//! The questions: one struct a file, asked by the window and by the command line alike.

pub mod captures;
pub mod crash_detail;
pub mod crash_globals;
pub mod crash_list;
pub mod crash_memory;
pub mod find;
pub mod follow_pointer;
pub mod import_report;
pub mod issue_detail;
pub mod issue_list;
pub mod log_copy;
pub mod log_find;
pub mod log_list;
pub mod log_of_crash;
pub mod log_rows;
pub mod log_summary;
pub mod log_templates;
pub mod overview;
pub mod recent;
pub mod source_lines;
pub mod symbol_library;
pub mod symbolize_text;
pub mod tables;
pub mod variable_diff;
