//! The axis of a log against the clock on the wall: what it takes to show the same instant in a log and in a chart.

use super::view::{DensityAxis, LogDensity, LogSummary};

/// Where a log's axis is in time, piece by piece: all of it, or each boot whose beginning is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WallClock {
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the unit of each")]
struct Piece {
    /// Where it begins on the axis.
    axis_ns: i64,
    /// The same, since 1970.
    wall_ns: i64,
    len_ns: i64,
}

impl WallClock {
    /// Of a log. There is no piece where nothing says what time it was.
    pub fn of(summary: &LogSummary, density: &LogDensity) -> Self {
        let (first, last) = density.span;
        let pieces = match density.axis {
            DensityAxis::Wall => vec![Piece {
                axis_ns: first,
                wall_ns: first,
                len_ns: last.saturating_sub(first),
            }],
            DensityAxis::Uptime if density.boots.len() == summary.boots.len() => {
                let ends = density.boots.iter().skip(1).copied().chain([last]);
                let boots = summary.boots.iter().zip(&density.boots).zip(ends);
                let pieces = boots.filter_map(|((boot, begin), end)| {
                    let (wall_ns, _) = boot.started_ns?;
                    Some(Piece {
                        axis_ns: *begin,
                        wall_ns,
                        len_ns: end.saturating_sub(*begin).max(0),
                    })
                });
                pieces.collect()
            }
            _ => Vec::new(),
        };
        Self { pieces }
    }

    /// First and last time; `None` where no time is known.
    pub fn span(&self) -> Option<(i64, i64)> {
        let first = self.pieces.iter().map(|piece| piece.wall_ns).min()?;
        let last = self.pieces.iter().map(Piece::wall_end).max()?;
        Some((first, last))
    }

    /// The time of a place on the axis.
    pub fn wall_ns(&self, axis_ns: i64) -> Option<i64> {
        let holds = |piece: &&Piece| {
            let at = axis_ns.saturating_sub(piece.axis_ns);
            (0..=piece.len_ns).contains(&at)
        };
        let piece = self.pieces.iter().rev().find(holds)?;
        Some(
            piece
                .wall_ns
                .saturating_add(axis_ns.saturating_sub(piece.axis_ns)),
        )
    }

    /// The place on the axis of a time that the log covers.
    pub fn axis_ns(&self, wall_ns: i64) -> Option<i64> {
        let holds = |piece: &&Piece| (piece.wall_ns..=piece.wall_end()).contains(&wall_ns);
        let piece = self.pieces.iter().find(holds)?;
        Some(
            piece
                .axis_ns
                .saturating_add(wall_ns.saturating_sub(piece.wall_ns)),
        )
    }
}

impl Piece {
    fn wall_end(&self) -> i64 {
        self.wall_ns.saturating_add(self.len_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::{DensityAxis, LogDensity, LogSummary, WallClock};
    use crate::engine::logs::view::LogBoot;

    #[test]
    fn a_log_of_uptimes_is_in_time_where_the_beginning_of_its_boot_is_known() {
        let boot = |started_ns| LogBoot {
            started_ns,
            ..LogBoot::default()
        };
        let summary = LogSummary {
            boots: vec![boot(None), boot(Some((5000, 10))), boot(Some((9000, 10)))],
            ..LogSummary::default()
        };
        let density = LogDensity {
            axis: DensityAxis::Uptime,
            span: (0, 400),
            boots: vec![0, 101, 201],
            ..LogDensity::default()
        };
        let clock = WallClock::of(&summary, &density);
        assert_eq!(clock.span(), Some((5000, 9199)));
        assert_eq!(clock.wall_ns(50), None);
        assert_eq!(clock.wall_ns(111), Some(5010));
        assert_eq!(clock.wall_ns(201), Some(9000));
        assert_eq!(clock.axis_ns(9050), Some(251));
        assert_eq!(clock.axis_ns(7000), None);
    }

    #[test]
    fn a_log_without_times_is_nowhere_and_one_with_dates_everywhere() {
        let of = |axis| {
            let density = LogDensity {
                axis,
                span: (1000, 2000),
                ..LogDensity::default()
            };
            WallClock::of(&LogSummary::default(), &density)
        };
        assert_eq!(of(DensityAxis::Rows).span(), None);
        assert_eq!(of(DensityAxis::Clock).axis_ns(1500), None);
        assert_eq!(of(DensityAxis::Wall).axis_ns(1500), Some(1500));
        assert_eq!(of(DensityAxis::Wall).wall_ns(2001), None);
    }
}
