//! What the database holds in the end: every acknowledged line once, every acknowledged result, and totals that are the sum of the
//! rounds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use shared::id::{PlayerId, ReplayId, RoomId};
use sqlx::{Connection as _, PgConnection, Row as _};

use super::chat::Talk;
use super::findings::Findings;
use super::players::Played;

const LINES_ONCE: &str = "an acknowledged line of chat is kept, once, under its number";
const LINES_NUMBERED: &str = "the numbers of the lines of chat have no gap";
const LINES_HEARD: &str = "what a reader of the chat has heard is what is kept";
const RESULTS_KEPT: &str = "an acknowledged result is kept";
const TOTALS: &str = "the totals of a player are the sum of the rounds";
const RATINGS: &str = "each rating follows from the one before";
const OWN_ROOMS: &str = "a player plays only in rooms that it was sent to";

/// A round as the history of one player has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    revision: i64,
    before: i64,
    after: i64,
    /// Of the entry of its replay. `None`: there is none.
    points: Option<i64>,
}

/// The totals of a player.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Totals {
    rating: i64,
    revision: i64,
    rounds: i64,
    points: i64,
}

/// Checks the database.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn check(
    database: &str,
    talk: &Talk,
    played: &Played,
    findings: &Findings,
) -> Result<()> {
    let mut connection = PgConnection::connect(database).await.context("opening the database")?;
    check_chat(&mut connection, talk, findings).await?;
    check_totals(&mut connection, findings).await?;
    check_results(&mut connection, played, findings).await?;
    check_rooms(&mut connection, played, findings).await?;
    connection.close().await.context("closing the database")
}

async fn check_chat(connection: &mut PgConnection, talk: &Talk, findings: &Findings) -> Result<()> {
    let rows = sqlx::query("SELECT sequence, text FROM chat_lines ORDER BY sequence")
        .fetch_all(connection)
        .await?;
    let mut kept = Vec::new();
    for row in rows {
        let (sequence, text): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        kept.push((sequence.unsigned_abs(), text));
    }
    findings.count("lines of chat", kept.len());
    for pair in kept.windows(2).filter(|pair| pair[1].0 != pair[0].0 + 1) {
        findings.broke(LINES_NUMBERED, &format!("{pair:?}"));
    }
    let mut places: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (sequence, text) in &kept {
        places.entry(text).or_default().push(*sequence);
    }
    for said in &talk.said {
        let at = places.get(said.text.as_str()).map_or(&[][..], Vec::as_slice);
        let is_right = match said.sequence {
            Some(sequence) => at == [sequence],
            None => at.len() <= 1,
        };
        if !is_right {
            findings.broke(LINES_ONCE, &format!("{said:?} is kept under {at:?}"));
        }
    }
    let kept: BTreeMap<_, _> = kept.iter().map(|(sequence, text)| (sequence, text)).collect();
    for (sequence, text) in &talk.heard {
        if kept.get(sequence) != Some(&text) {
            let found = kept.get(sequence);
            findings.broke(LINES_HEARD, &format!("{sequence}: {text:?}, kept is {found:?}"));
        }
    }
    Ok(())
}

async fn check_totals(connection: &mut PgConnection, findings: &Findings) -> Result<()> {
    let rows = sqlx::query(
        "SELECT h.player, h.revision, h.rating_before, h.rating, rp.points FROM rating_history h \
         LEFT JOIN replay_players rp ON rp.replay = h.replay AND rp.player = h.player \
         ORDER BY h.player, h.revision",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut histories: BTreeMap<i64, Vec<Step>> = BTreeMap::new();
    for row in rows {
        let step = Step {
            revision: row.try_get(1)?,
            before: row.try_get(2)?,
            after: row.try_get(3)?,
            points: row.try_get(4)?,
        };
        histories.entry(row.try_get(0)?).or_default().push(step);
    }
    let rows =
        sqlx::query("SELECT id, name, rating, revision, rounds, points FROM players ORDER BY id")
            .fetch_all(&mut *connection)
            .await?;
    for row in rows {
        let (id, name): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let totals = Totals {
            rating: row.try_get(2)?,
            revision: row.try_get(3)?,
            rounds: row.try_get(4)?,
            points: row.try_get(5)?,
        };
        let steps = histories.get(&id).map_or(&[][..], Vec::as_slice);
        findings.count("rounds of a player in the history", steps.len());
        for (promise, detail) in differences(&totals, steps) {
            findings.broke(promise, &format!("{name}: {detail}"));
        }
    }
    Ok(())
}

/// What in the totals does not follow from the history.
fn differences(totals: &Totals, steps: &[Step]) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for pair in steps.windows(2) {
        if pair[1].before != pair[0].after || pair[1].revision != pair[0].revision + 1 {
            found.push((RATINGS, format!("{pair:?}")));
        }
    }
    if let Some(last) = steps.last()
        && (last.after != totals.rating || last.revision != totals.revision)
    {
        found.push((RATINGS, format!("{totals:?} after {last:?}")));
    }
    let count = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let points: i64 = steps.iter().filter_map(|step| step.points).sum();
    let has_all = steps.iter().all(|step| step.points.is_some());
    if totals.rounds != count || totals.points != points || !has_all {
        found.push((TOTALS, format!("{totals:?}, and the history has {count} rounds: {steps:?}")));
    }
    found
}

async fn check_results(
    connection: &mut PgConnection,
    played: &Played,
    findings: &Findings,
) -> Result<()> {
    let rows = sqlx::query("SELECT player, replay, rating FROM rating_history")
        .fetch_all(connection)
        .await?;
    let mut kept = BTreeMap::new();
    for row in rows {
        let key: (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        kept.insert(key, row.try_get::<i64, _>(2)?);
    }
    for settled in &played.settled {
        let key = (settled.player.bits().cast_signed(), settled.replay.bits().cast_signed());
        let found = kept.get(&key);
        if found != Some(&i64::from(settled.rating)) {
            findings.broke(RESULTS_KEPT, &format!("{settled:?}, kept is {found:?}"));
        }
    }
    let rounds: BTreeSet<_> = kept.keys().map(|(_, replay)| *replay).collect();
    let is_missing = |replay: &&ReplayId| !rounds.contains(&replay.bits().cast_signed());
    let lost = played.pending.iter().filter(is_missing).count();
    findings.count("results that were to be kept later", played.pending.len());
    findings.count("results that were to be kept later and are not in the end", lost);
    Ok(())
}

async fn check_rooms(
    connection: &mut PgConnection,
    played: &Played,
    findings: &Findings,
) -> Result<()> {
    let rows = sqlx::query(
        "SELECT rp.player, r.room, r.complete FROM replays r \
         JOIN replay_players rp ON rp.replay = r.id WHERE rp.bot = 0",
    )
    .fetch_all(connection)
    .await?;
    findings.count("rounds of a player that were recorded", rows.len());
    let mut cut_off = 0;
    for row in rows {
        let id = |place| row.try_get::<i64, _>(place).map(i64::cast_unsigned);
        let (player, room) = (PlayerId::from_bits(id(0)?), RoomId::from_bits(id(1)?));
        cut_off += usize::from(row.try_get::<i64, _>(2)? == 0);
        if !played.rooms.contains(&(player, room)) {
            findings.broke(OWN_ROOMS, &format!("{player} in {room}"));
        }
    }
    findings.count("rounds of a player that were recorded and cut off", cut_off);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{RATINGS, Step, TOTALS, Totals, differences};

    fn step(revision: i64, before: i64, after: i64) -> Step {
        Step { revision, before, after, points: Some(2) }
    }

    #[test]
    fn totals_that_are_not_the_sum_of_the_rounds_are_found() {
        let steps = [step(1, 1500, 1510), step(2, 1510, 1505)];
        let totals = Totals { rating: 1505, revision: 2, rounds: 2, points: 4 };
        let broken = |totals: &Totals, steps: &[Step]| {
            differences(totals, steps).into_iter().map(|(promise, _)| promise).collect::<Vec<_>>()
        };
        assert_eq!(broken(&totals, &steps), [""; 0]);
        assert_eq!(broken(&Totals { points: 6, ..totals.clone() }, &steps), [TOTALS]);
        assert_eq!(broken(&Totals { rounds: 3, ..totals.clone() }, &steps), [TOTALS]);
        assert_eq!(broken(&Totals { rating: 1500, ..totals.clone() }, &steps), [RATINGS]);
        // The second round began from the rating before the first.
        assert_eq!(broken(&totals, &[steps[0].clone(), step(2, 1500, 1505)]), [RATINGS]);
        assert_eq!(broken(&totals, &[steps[0].clone(), step(3, 1510, 1505)]), [RATINGS, RATINGS]);
    }
}
