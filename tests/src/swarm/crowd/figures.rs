//! The figures of a crowd.

use super::plan::Plan;
use super::totals::Counts;
use crate::swarm::Report;
use crate::swarm::usage::{count_of, quantile};

/// What was counted in a part of a round.
#[derive(Debug, Default)]
pub(super) struct Span {
    pub(super) seconds: f64,
    pub(super) counts: Counts,
    pub(super) cpu_seconds: f64,
    /// The server's `/metrics` before and after.
    pub(super) metrics: (String, String),
}

/// A measured round.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The players that were there. Fewer than planned where the machine could not seat all of them in time.
    pub(super) players: usize,
    /// From the first player's join to the last one's.
    pub(super) joining_seconds: f64,
    /// On the wide platform.
    pub(super) wide: Span,
    /// On the shrunken platform at the end of the round.
    pub(super) shrunk: Span,
    /// From the beginning of the round to its end.
    pub(super) whole: Counts,
}

impl Round {
    fn per_player_second(&self, span: &Span, count: u64) -> f64 {
        count as f64 / self.players as f64 / span.seconds
    }

    /// Adds a sentence for each way in which the machine could not carry the plan.
    fn note_shortfalls(&self, plan: Plan, report: &mut Report) {
        let Plan { count, .. } = plan;
        if self.players < count {
            report.note(format!(
                "crowd.{count}: {} of {count} players had joined after {:.0} s, and the figures are theirs.",
                self.players, self.joining_seconds
            ));
        }
        if self.whole.lost > 0 {
            report.note(format!(
                "crowd.{count}: {} of {} connections ended during the round.",
                self.whole.lost, self.players
            ));
        }
    }
}

/// Adds the figures of the round with the players' budget of bytes.
pub(super) fn add(plan: Plan, round: &Round, report: &mut Report) {
    let name = |figure: &str| format!("crowd.{}.{figure}", plan.count);
    report.add(name("players"), round.players as f64, "", "had joined");
    report.add(name("joining_seconds"), round.joining_seconds, "s", "until the last had joined");
    report.add(name("lost"), round.whole.lost as f64, "", "connections that ended");
    for (span, prefix, words) in [
        (&round.wide, "", "the wide platform"),
        (&round.shrunk, "shrunk_", "the last 15 s, on shrunken ice"),
    ] {
        let per_player = round.per_player_second(span, span.counts.bytes) / 1_000.0;
        let figure = |figure: &str| name(&format!("{prefix}{figure}"));
        report.add(figure("kb_per_second_per_player"), per_player, "KB/s", words);
        for (p99, histogram) in [
            ("tick_p99_ms", "pushback_tick_seconds"),
            ("tick_lateness_p99_ms", "pushback_tick_late_seconds"),
        ] {
            let seconds = quantile(&span.metrics.0, &span.metrics.1, histogram, 0.99);
            report.add(figure(p99), seconds * 1_000.0, "ms", "the bound of its bucket");
        }
        let ticks = count_of(&span.metrics.0, &span.metrics.1, "pushback_tick_seconds");
        report.add(figure("ticks_per_second"), ticks / span.seconds, "/s", "of the room");
        let snapshots = round.per_player_second(span, span.counts.snapshots);
        report.add(figure("snapshots_per_second"), snapshots, "/s", "that each player got");
        let seen = span.counts.seen as f64 / span.counts.looks.max(1) as f64;
        report.add(figure("discs_in_sight"), seen, "", "of the players that fight");
        let stalls = round.per_player_second(span, span.counts.stalls) * 60.0;
        let words = "gaps over 100 ms that each player had";
        report.add(figure("stalls_per_minute"), stalls, "/min", words);
    }
    let wide = &round.wide;
    let us = wide.cpu_seconds * 1e6 / round.players as f64 / wide.seconds;
    report.add(name("us_per_player_second"), us, "µs", "server CPU for a player");
    let inputs = round.per_player_second(wide, wide.counts.inputs);
    report.add(name("inputs_per_second"), inputs, "/s", "messages that each player sent");
    let late = wide.counts.late as f64 / wide.counts.received.max(1) as f64 * 100.0;
    report.add(name("inputs_late_percent"), late, "%", "of the inputs came too late");
    round.note_shortfalls(plan, report);
}

/// Adds the figures of the round without a budget.
pub(super) fn add_uncapped(plan: Plan, round: &Round, report: &mut Report) {
    let name = |figure: &str| format!("crowd.{}.{figure}", plan.count);
    for (span, prefix) in [(&round.wide, "uncapped_"), (&round.shrunk, "uncapped_shrunk_")] {
        let per_player = round.per_player_second(span, span.counts.bytes) / 1_000.0;
        let figure = name(&format!("{prefix}kb_per_second_per_player"));
        report.add(figure, per_player, "KB/s", "without a budget");
        let p99 = quantile(&span.metrics.0, &span.metrics.1, "pushback_tick_seconds", 0.99);
        report.add(name(&format!("{prefix}tick_p99_ms")), p99 * 1_000.0, "ms", "without a budget");
    }
    round.note_shortfalls(plan, report);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Counts, Plan, Round, Span, add, add_uncapped};
    use crate::swarm::Report;
    use crate::swarm::report::assert_names;

    fn report_of(players: usize, lost: u64) -> Report {
        let plan = Plan { count: 1_000, window: Duration::from_secs(10), seed: 1 };
        let counts = Counts { bytes: 50_000 * players as u64, lost, ..Counts::default() };
        let span = || Span { seconds: 10.0, counts, cpu_seconds: 1.0, ..Span::default() };
        let round =
            Round { players, joining_seconds: 30.2, wide: span(), shrunk: span(), whole: counts };
        let mut report = Report::default();
        add(plan, &round, &mut report);
        add_uncapped(plan, &round, &mut report);
        report
    }

    #[test]
    fn figures_have_the_names_that_programs_know() {
        let report = report_of(1_000, 0);

        let names = ["tick_p99_ms", "kb_per_second_per_player", "uncapped_tick_p99_ms", "players"];
        assert_names(&report, "crowd.1000", &names);
        assert_eq!(report.figure("crowd.1000.kb_per_second_per_player"), 5.0);
    }

    #[test]
    fn a_machine_that_seats_fewer_players_reports_them() {
        let report = report_of(800, 3);

        assert_eq!(report.figure("crowd.1000.players"), 800.0);
        assert_eq!(report.figure("crowd.1000.kb_per_second_per_player"), 5.0);
        let table = report.table();
        assert!(table.contains("800 of 1000 players had joined after 30 s"), "{table}");
        assert!(table.contains("3 of 800 connections ended"), "{table}");
    }
}
