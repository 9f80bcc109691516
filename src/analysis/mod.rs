//! What the records mean: the crash report, fault rules, fingerprints.
//!
//! Must never do: ask the clock, the disk or the network.

pub mod address_space;
mod captured_tasks;
mod cores;
pub mod crash_facts;
pub mod crashed_context;
pub mod deadlock;
mod explanation;
pub mod fault_rules;
pub mod fingerprint;
mod halted_handler;
pub mod heap;
pub mod instruction;
pub mod interrupts;
pub mod issue_title;
pub mod join;
pub mod known_functions;
pub mod main_stack;
pub mod mpu;
mod printed_stack;
pub mod rate;
pub mod ratio;
pub mod recursion;
pub mod report;
mod riscv_facts;
pub mod similarity;
pub mod variable_diff;
pub mod wording;
pub mod words_as_text;
