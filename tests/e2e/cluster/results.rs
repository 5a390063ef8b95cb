//! Results of rounds with the same players on many nodes: each is settled once, from the ratings that the one before it left.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use game_server::player::Player;
use game_server::storage::RoundRecord;
use shared::id::{PlayerId, PlayerName};
use shared::sim::Mode;
use shared::sim::rng::Rng;
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, Row as _};
use tests::ratings::Kept;
use tests::rounds::any_round;
use tests::{ServerProcess, eventually};

const NODES: usize = 4;
const ROUNDS: usize = 500;
/// All of them meet again and again.
const PLAYERS: usize = 24;
/// Every so many rounds, two nodes have the same result, as after a node was taken for dead.
const TWICE_EVERY: usize = 10;
/// The modes in turn, and the players of a round.
const MODES: [(Mode, usize); 3] = [(Mode::Duel, 2), (Mode::Brawl, 7), (Mode::Teams, 6)];
/// Rounds after which a node is killed.
const KILL_AFTER: i64 = 60;
/// Forty rounds a second on two slow cores, and the start.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// The folder in which a server puts aside what the database has not taken.
fn results(node: &ServerProcess) -> PathBuf {
    node.data().join("data").join("replays")
}

fn results_left(node: &ServerProcess) -> usize {
    let files = fs::read_dir(results(node)).unwrap().flatten();
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "result")).count()
}

fn put_aside(node: &ServerProcess, round: &RoundRecord) {
    let file = results(node).join(format!("{}.result", round.replay.id));
    fs::write(file, serde_json::to_vec(round).unwrap()).unwrap();
}

async fn settled(database: &mut PgConnection) -> i64 {
    let count = sqlx::query("SELECT COUNT(DISTINCT replay) FROM rating_history");
    count.fetch_one(database).await.unwrap().get(0)
}

/// Knock-outs and falls of each player.
type Sums = BTreeMap<PlayerId, (i64, i64)>;

fn sums(rounds: &[RoundRecord]) -> Sums {
    let mut sums = Sums::new();
    for standing in rounds.iter().flat_map(|round| &round.result.standings) {
        let (knockouts, falls) = sums.entry(standing.player.id).or_default();
        *knockouts += i64::from(standing.knockouts);
        *falls += i64::from(standing.falls);
    }
    sums
}

async fn kept_sums(database: &mut PgConnection) -> Sums {
    let rows = sqlx::query("SELECT id, knockouts, falls FROM players WHERE bot = 0")
        .fetch_all(database)
        .await;
    let player = |row: &PgRow| PlayerId::from_bits(row.get::<i64, _>("id").cast_unsigned());
    let rows = rows.unwrap();
    rows.iter().map(|row| (player(row), (row.get("knockouts"), row.get("falls")))).collect()
}

#[tokio::test]
async fn five_hundred_rounds_that_four_nodes_settle_at_once_add_up_although_one_is_killed() {
    let database = test_postgres::empty_database();
    let url = format!("--database-url={database}");
    let flags = ["--bots=false", &url];
    let mut nodes = join_all((0..NODES).map(|_| ServerProcess::start_with(&flags))).await;
    let mut players = Vec::new();
    for number in 0..PLAYERS {
        let guest = nodes[number % NODES].guest(&format!("p{number}")).await;
        let name = PlayerName::parse(guest.name()).unwrap();
        players.push(Player { id: guest.id(), name });
    }
    nodes.iter_mut().for_each(ServerProcess::kill);
    let mut rng = Rng(5);
    let rounds: Vec<_> = MODES
        .into_iter()
        .cycle()
        .take(ROUNDS)
        .map(|(mode, seats)| any_round(&mut rng, &players, mode, seats))
        .collect();
    for (number, round) in rounds.iter().enumerate() {
        put_aside(&nodes[number % NODES], round);
        if number % TWICE_EVERY == 0 {
            put_aside(&nodes[(number + 1) % NODES], round);
        }
    }

    // Each settles what it has, and is ready then.
    join_all(nodes.iter_mut().map(|node| node.begin_restart())).await;
    let mut connection = PgConnection::connect(&database).await.unwrap();
    eventually(SETTLED_WITHIN, "the first rounds", async || {
        (settled(&mut connection).await >= KILL_AFTER).then_some(())
    })
    .await;
    nodes[0].kill();
    assert!(results_left(&nodes[0]) > 0, "too late: it has settled everything");
    nodes[0].begin_restart().await;
    for node in &nodes {
        eventually(SETTLED_WITHIN, "a node that has settled everything", async || {
            node.is_ready().await.then_some(())
        })
        .await;
        assert_eq!(results_left(node), 0);
    }

    let kept = Kept::read(&database).await.unwrap();
    assert_eq!(kept.rounds.len(), ROUNDS, "none is lost");
    let by_replay: BTreeMap<_, _> =
        rounds.iter().map(|round| (round.replay.id, round.result.clone())).collect();
    assert_eq!(kept.check(|replay| vec![by_replay[&replay].clone()]), Ok(()));
    assert_eq!(kept_sums(&mut connection).await, sums(&rounds));
}
