//! The parts that panels are made of. None knows the engine.

pub mod button;
pub mod card;
pub mod chart;
pub mod chip;
pub mod field;
pub mod marker;
pub mod row;
pub mod state;
pub mod text;
pub mod virtual_list;
pub mod wrapped_list;
