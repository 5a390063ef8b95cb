//! The same measurement against lightyear, the usual framework for such rooms on bevy: same machine, same run, same
//! core, the same rates and as many players, over its WebSocket transport.
//!
//! Its room and its players are ours, in `tests/peers/lightyear`, a package outside the workspace; xtask builds it
//! as our server is built and says where it is. Where it was not built, because its packages could not be fetched,
//! the report says so and goes on.
//!
//! The players are lightyear's own clients in a process of their own, pinned where this program is. They are updated
//! thirty times a second, half as often as a game would, because each update may send a packet and lightyear's server
//! acknowledges packets with packets: what is measured is its cheaper case.

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use super::Report;
use super::colyseus::announcement;
use super::cores::pinned;
use super::process_cost::{self, Plan, ProcessCost};
use crate::process::Program;

/// The environment variable in which xtask names the peer's program.
const PROGRAM: &str = "PUSHBACK_LIGHTYEAR_BIN";
/// How long the players may take to be seated.
const SEATING_MAX: Duration = Duration::from_secs(120);
/// How long the players' process may take for an answer. It reads requests once a frame.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Before measuring: buffers have their size.
const SETTLE: Duration = Duration::from_secs(4);
/// Rates of snapshots and input messages, in Hz, that count as about thirty.
const ABOUT_THIRTY: RangeInclusive<f64> = 27.0..=33.0;
/// Smallest part of the positions in snapshots that must have changed. A disc may stand still for a moment.
const MOVING_MIN: f64 = 0.9;
/// Bytes of the message around our records inside a WebSocket frame. Lightyear's bytes include its headers.
const OUR_MESSAGE_BYTES: f64 = 2.0;

/// The cost of our server in the same run.
pub(super) struct OwnCost {
    /// CPU in microseconds for a player and second.
    pub(super) us_per_player_second: f64,
    /// Of records, in a snapshot.
    pub(super) bytes_per_snapshot: f64,
}

/// The cost of lightyear.
struct Cost {
    watched: ProcessCost,
    traffic: Traffic,
    /// Connections that ended.
    lost: u64,
    /// Versions, as the peer reports them.
    runs_on: String,
}

/// What all players together received and did in the window.
struct Traffic {
    sums: BTreeMap<String, u64>,
    player_seconds: f64,
}

/// Measures and reports. Where it was not built, or the machine cannot carry the players on it, a note in the report says
/// so.
///
/// # Errors
/// When it is there but does something else than what is measured: discs do not move.
pub(super) async fn measure(plan: Plan, ours: &OwnCost, report: &mut Report) -> Result<()> {
    let Some(program) = env::var_os(PROGRAM).map(PathBuf::from) else {
        let reason = "it was not built, because its packages could not be fetched";
        report.note(format!("lightyear was not measured: {reason}."));
        return Ok(());
    };
    let ours_came = report.figure(&format!("players.{}.snapshots_per_second", plan.count));
    note_unless_thirty(ours_came, "our server sent", "snapshots", report);
    report.note("What lightyear's players press follows from their numbers alone.".to_owned());
    let Some(cost) = on_lightyear(plan, program).await? else {
        let seconds = SEATING_MAX.as_secs();
        let what = format!("its {} players were not seated after {seconds} s", plan.count);
        report.note(format!("lightyear was not measured: {what}."));
        return Ok(());
    };
    add(plan, ours, &cost, report);
    cost.traffic.ensure_discs_move()
}

fn add(plan: Plan, ours: &OwnCost, cost: &Cost, report: &mut Report) {
    let Cost { watched, traffic, lost, runs_on } = cost;
    let theirs = watched.us_per_player_second;
    report.add("lightyear.us_per_player_second", theirs, "µs", runs_on);
    let words = "lightyear's CPU for a player divided by ours";
    report.add("lightyear.ratio_cpu", theirs / ours.us_per_player_second, "×", words);

    let bytes = traffic.for_a_snapshot("bytes");
    let words = "payload of all WebSocket messages that a player got, for each snapshot: replication, \
                 lightyear's headers, acknowledgements and pings";
    report.add("lightyear.bytes_per_snapshot", bytes, "B", words);
    let replicated = traffic.for_a_snapshot("replicated_bytes");
    let words = "replication alone, without lightyear's packets around it";
    report.add("lightyear.replicated_bytes_per_snapshot", replicated, "B", words);
    let words = "lightyear's payload for a snapshot divided by ours, messages and all";
    let ratio = bytes / (ours.bytes_per_snapshot + OUR_MESSAGE_BYTES);
    report.add("lightyear.ratio_bytes", ratio, "×", words);

    report.add("lightyear.players", plan.count as f64, "", "in rooms of sixteen, on either server");
    for (figure, sum, words) in [
        ("lightyear.snapshots_per_second", "snapshots", "that each got"),
        ("lightyear.packets_per_second", "packets", "messages that each got"),
        ("lightyear.inputs_per_second", "inputs", "that each sent"),
    ] {
        report.add(figure, traffic.for_a_player_second(sum), "/s", words);
    }
    report.note_lost("lightyear", plan.count, *lost);
    for (sum, who) in [("snapshots", "lightyear sent"), ("inputs", "lightyear's players sent")] {
        note_unless_thirty(traffic.for_a_player_second(sum), who, sum, report);
    }
}

/// `None` when the players were not seated in time.
async fn on_lightyear(plan: Plan, program: PathBuf) -> Result<Option<Cost>> {
    let mut command = pinned(program.clone());
    let mut server = Program::start("lightyear", command.arg("server").stdout(Stdio::piped()));
    let (address, runs_on) = server.announced(announcement);
    let Some(mut players) = Players::start(program, address, plan.count).await? else {
        return Ok(None);
    };
    sleep(SETTLE).await;
    let (began, before) = (Instant::now(), players.sums().await?);
    let watched = process_cost::measure(server.id(), plan).await?;
    let after = players.sums().await?;
    let player_seconds = plan.count as f64 * began.elapsed().as_secs_f64();

    let count = plan.count as u64;
    let all = |name: &str| after.get(name).copied().unwrap_or(0);
    let (lost, discs, moved) = (count.saturating_sub(all("connected")), all("discs"), all("moved"));
    // Players that were lost are neither seen nor do they move.
    ensure!(discs + lost >= count, "{discs} discs are seen in their rooms, not {count}");
    ensure!(moved + lost >= count, "{moved} of {count} players moved on lightyear");
    let in_the_window = |(name, sum): (&String, &u64)| {
        (name.clone(), sum.saturating_sub(before.get(name).copied().unwrap_or(0)))
    };
    let sums = after.iter().map(in_the_window).collect();
    let traffic = Traffic { sums, player_seconds };
    Ok(Some(Cost { watched, traffic, lost, runs_on }))
}

impl Traffic {
    fn of(&self, name: &str) -> f64 {
        self.sums.get(name).map_or(f64::NAN, |sum| *sum as f64)
    }

    fn for_a_player_second(&self, name: &str) -> f64 {
        self.of(name) / self.player_seconds
    }

    fn for_a_snapshot(&self, name: &str) -> f64 {
        self.of(name) / self.of("snapshots")
    }

    fn ensure_discs_move(&self) -> Result<()> {
        let moving = self.of("moves") / self.of("possible");
        ensure!(moving >= MOVING_MIN, "only {:.0} % of the discs moved", moving * 100.0);
        Ok(())
    }
}

fn note_unless_thirty(rate: f64, who: &str, what: &str, report: &mut Report) {
    if !ABOUT_THIRTY.contains(&rate) {
        report.note(format!(
            "{who} {rate:.1} {what} a second instead of 30: this machine could not carry the players, and the comparison \
             says nothing. Fewer players (--count) or a quieter machine may help."
        ));
    }
}

/// The process with the players. Ends when it is dropped.
struct Players {
    _process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Players {
    /// Starts the players and waits until all are seated; `None` when that takes too long. They run where this program runs.
    async fn start(program: PathBuf, address: SocketAddr, count: usize) -> Result<Option<Self>> {
        let mut command = Command::new(program);
        command.args(["clients", &address.to_string(), &count.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().context("starting lightyear's players")?;
        let questions = process.stdin.take().context("their input is a pipe")?;
        let output = process.stdout.take().context("their output is a pipe")?;
        let answers = BufReader::new(output).lines();
        let mut players = Self { _process: process, questions, answers };
        let Ok(said) = timeout(SEATING_MAX, players.answer()).await else { return Ok(None) };
        let said = said?;
        ensure!(said == "playing", "lightyear's players said {said:?} instead of playing");
        Ok(Some(players))
    }

    /// What all players together have received so far, by name.
    async fn sums(&mut self) -> Result<BTreeMap<String, u64>> {
        self.questions.write_all(b"\n").await.context("asking lightyear's players")?;
        let said = timeout(ANSWER_MAX, self.answer()).await.context("asking the players")??;
        sums(&said).with_context(|| format!("lightyear's players said {said:?}"))
    }

    async fn answer(&mut self) -> Result<String> {
        let line = self.answers.next_line().await.context("reading what the players say")?;
        line.context("lightyear's players ended")
    }
}

/// Words such as `inputs=17`.
fn sums(line: &str) -> Option<BTreeMap<String, u64>> {
    let number = |word: &str| {
        let (name, sum) = word.split_once('=')?;
        Some((name.to_owned(), sum.parse().ok()?))
    };
    line.split(' ').map(number).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cost, OwnCost, Plan, ProcessCost, Report, Traffic, add, note_unless_thirty, sums};
    use crate::swarm::report::assert_names;

    #[test]
    fn figures_have_the_names_that_programs_know() {
        let plan = Plan { count: 320, window: Duration::from_secs(10), seed: 1 };
        let watched = ProcessCost { us_per_player_second: 900.0, memory: vec![1.0] };
        let traffic = Traffic { sums: sums("bytes=660 snapshots=3").unwrap(), player_seconds: 1.0 };
        let cost = Cost { watched, traffic, lost: 1, runs_on: String::new() };
        let ours = OwnCost { us_per_player_second: 300.0, bytes_per_snapshot: 20.0 };
        let mut report = Report::default();

        add(plan, &ours, &cost, &mut report);

        assert_names(&report, "lightyear", &["ratio_cpu", "ratio_bytes"]);
        let ratios = ["cpu", "bytes"].map(|of| report.figure(&format!("lightyear.ratio_{of}")));
        assert_eq!(ratios, [3.0, 10.0]);
    }

    #[test]
    fn the_players_are_understood() {
        let read = sums("bytes=268 snapshots=1").unwrap();
        assert_eq!((read["bytes"], read["snapshots"]), (268, 1));
        assert_eq!([sums("playing"), sums("bytes=many"), sums("")], [const { None }; 3]);
    }

    #[test]
    fn a_rate_that_is_not_thirty_is_noted_and_no_error() {
        let mut report = Report::default();
        note_unless_thirty(30.4, "lightyear sent", "snapshots", &mut report);
        assert_eq!(report.table(), "");

        note_unless_thirty(25.0, "lightyear sent", "snapshots", &mut report);

        assert!(report.table().starts_with("lightyear sent 25.0 snapshots a second instead of 30"));
    }

    #[test]
    fn discs_that_stand_still_are_an_error() {
        let traffic = |moves| Traffic {
            sums: sums(&format!("inputs=600 moves={moves} possible=100")).unwrap(),
            player_seconds: 20.0,
        };
        assert!(traffic(95).ensure_discs_move().is_ok());
        assert!(traffic(80).ensure_discs_move().is_err());
        assert!((traffic(95).for_a_player_second("inputs") - 30.0).abs() < 1e-9);
    }
}
