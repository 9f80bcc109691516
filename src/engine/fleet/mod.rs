//! Heartbeats as they are shown: one device along its time, or all of them by version.

pub mod census;
pub mod compared;
pub(super) mod crash_marks;
pub mod pyramid;
pub(super) mod rates;
pub(super) mod timeline;
pub mod totals;
pub(in crate::engine) mod version_order;
pub mod view;
pub mod vitals;
