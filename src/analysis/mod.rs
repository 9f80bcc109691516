//! What the records mean: the crash report, fault rules, fingerprints.
//!
//! Must never do: ask the clock, the disk or the network.
