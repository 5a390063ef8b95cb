//! PostgreSQL and the store, which die during play and come back: what stands still meanwhile and says so, and that nothing is
//! lost or done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shared::api::{PlayerProfile, ProblemKind, ReplaySummary};
use shared::protocol::chat::{ChatChannel, ChatClientMessage, ChatRefusal, ChatServerMessage};
use shared::protocol::{ClientMessage, Ratings, RoundSummary};
use shared::replay::ReplayReader;
use shared::sim::Mode;
use sqlx::{Connection as _, PgConnection, Row as _};
use tests::chat::ChatSocket;
use tests::feed::EventStream;
use tests::player::Behaviour;
use tests::ratings::{Kept, results_of};
use tests::site::metric_in;
use tests::wait::within_time;
use tests::{Guest, Player, Site, TestCluster, eventually, wait, within};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

const NODES: [&str; 2] = ["a", "b"];
/// Longer than a result waits for the database: the players leave before the next round.
const FLAGS: [&str; 1] = ["--summary-seconds=20"];
/// Writers of chat on each node.
const WRITERS_EACH: usize = 3;
/// The time between two lines of a writer: a player may say one every second and a half.
const LINE_EVERY: Duration = Duration::from_millis(1_600);
/// Time for a node to notice that an engine is away or back: it asks every five seconds, and waits for an answer.
const NOTICED_WITHIN: Duration = Duration::from_secs(60);

/// What the writers of chat have seen.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
}

/// Says one line after the other, each again until it is acknowledged. Returns them with their numbers.
async fn write(
    guest: Guest,
    tally: Arc<Tally>,
    mut stop: watch::Receiver<bool>,
) -> Vec<(i64, String)> {
    let mut chat = guest.chat().await;
    let mut said = Vec::new();
    while !*stop.borrow() {
        let nonce = u32::try_from(said.len()).unwrap();
        let text = format!("line {nonce} of {}", guest.name());
        let sequence = insist(&mut chat, &tally, nonce, &text).await;
        said.push((i64::try_from(sequence).unwrap(), text));
        tally.acknowledged.fetch_add(1, Ordering::SeqCst);
        tokio::time::timeout(LINE_EVERY, stop.wait_for(|stop| *stop)).await.ok();
    }
    said
}

/// Says a line until it is acknowledged. Returns its number.
async fn insist(chat: &mut ChatSocket, tally: &Tally, nonce: u32, text: &str) -> u64 {
    loop {
        let (channel, text) = (ChatChannel::Lobby, text.to_owned());
        chat.send(&ChatClientMessage::Say { channel, text, nonce }).await;
        loop {
            match within("an answer of the chat", chat.next()).await.expect("the chat stays") {
                ChatServerMessage::Line(line) if line.nonce == Some(nonce) => return line.sequence,
                ChatServerMessage::Refused { nonce: refused, reason, .. } if refused == nonce => {
                    assert_eq!(reason, ChatRefusal::Failed);
                    tally.refused.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                _ => {}
            }
        }
        sleep(LINE_EVERY / 8).await;
    }
}

async fn until_acknowledged(tally: &Tally, more: usize) {
    let wanted = tally.acknowledged.load(Ordering::SeqCst) + more;
    eventually(NOTICED_WITHIN, "lines of chat", async || {
        (tally.acknowledged.load(Ordering::SeqCst) >= wanted).then_some(())
    })
    .await;
}

/// Plays a duel until its end. The room is empty then.
async fn end_of_duel(mut ada: Player, bob: Player) -> RoundSummary {
    let view = ada.until("a result", |view| !view.summaries.is_empty()).await;
    for mut player in [ada, bob] {
        player.send(ClientMessage::Leave).await;
        player.closed().await;
    }
    view.summaries[0].clone()
}

/// Waits until a node says that an engine answers, or does not, and how much waits for it.
async fn engine(site: &Site, engine: &str, answers: bool, waiting: impl Fn(f64) -> bool) {
    let what = format!("{engine} that answers {}: {answers}", site.address());
    eventually(NOTICED_WITHIN, &what, async || {
        let metrics = site.get("/metrics").await;
        let value = |name: &str| {
            metric_in(metrics.text(), &format!("pushback_engine_{name}{{engine=\"{engine}\"}}"))
        };
        ((value("connected") > 0.5) == answers && waiting(value("waiting"))).then_some(())
    })
    .await;
}

/// Whether a feed stands still, as the first heartbeat of a new stream says.
async fn is_late(site: &Site, feed: &str) -> bool {
    let mut stream = EventStream::open(site, feed, None).await.unwrap();
    while stream.heartbeat.is_none() {
        within("a heartbeat", stream.any_envelope()).await.unwrap();
    }
    stream.heartbeat.is_some_and(|beat| beat.late_since_ms.is_some())
}

async fn assert_plays(site: &Site, replay: &ReplaySummary) {
    let file = site.replay_file(replay.id).await;
    assert_eq!((file.status.as_u16(), file.body.len() as u64), (200, replay.bytes));
    let mut reader = ReplayReader::new();
    reader.push(&file.body).unwrap();
    assert!(reader.is_complete() && reader.is_verified());
}

/// Every acknowledged line stands in the log under its number, and no line twice.
async fn check_lines(database: &str, mut said: Vec<(i64, String)>) {
    let mut connection = PgConnection::connect(database).await.unwrap();
    let lines = sqlx::query("SELECT sequence, text FROM chat_lines ORDER BY sequence");
    let lines = lines.fetch_all(&mut connection).await.unwrap();
    let kept: Vec<(i64, String)> = lines.iter().map(|row| (row.get(0), row.get(1))).collect();
    said.sort_unstable();
    assert_eq!(kept, said);
    assert!(kept.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "no gap: {kept:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_database_and_store_cost_nobody_a_line_a_result_or_a_recording() {
    let mut cluster = TestCluster::start_with_own_database(2, &FLAGS).await;
    let [a, b] = NODES.map(|name| Site::clone(cluster.node(name)));
    let guests = [a.guest("ada").await, a.guest("bob").await];
    let (tally, (stop, stopping)) = (Arc::new(Tally::default()), watch::channel(false));
    let mut writers = JoinSet::new();
    for number in 0..NODES.len() * WRITERS_EACH {
        let guest = [&a, &b][number % 2].guest(&format!("writer {number}")).await;
        writers.spawn(write(guest, tally.clone(), stopping.clone()));
    }
    let room = guests[0].public_room(Mode::Duel).await;
    let (mut ada, bob) = (guests[0].play(room).await, guests[1].play(room).await);
    ada.set_behaviour(Behaviour::Fight).await;
    ada.until("a duel", |view| view.is_playing() && view.roster.entries.len() == 2).await;
    until_acknowledged(&tally, writers.len()).await;

    cluster.bucket().kill();
    cluster.postgres().kill();

    // The round goes on to its end. What needs the two says so, and nothing else stands still.
    let summary = end_of_duel(ada, bob).await;
    assert_eq!(summary.ratings, Ratings::Pending);
    for node in [&a, &b] {
        let waits = usize::from(node.address() == a.address()) as f64;
        engine(node, "database", false, |waiting| waiting >= waits).await;
        engine(node, "bucket", false, |_| true).await;
        let refused = node.sign_in("eve").await;
        assert_eq!(refused.status, 503, "{}", refused.text());
        assert!(!is_late(node, "rooms").await && !is_late(node, "scoreboard").await);
    }
    let rooms = cluster.balancer().get("/api/rooms").await;
    assert_eq!(rooms.status, 200, "nobody is sent away: {}", rooms.text());
    assert!(tally.refused.load(Ordering::SeqCst) > 0, "the chat refuses lines");

    cluster.postgres().restart();

    // The result is kept. The recording is on its node's disk alone.
    let replay = a.finished_replay(summary.replay).await;
    until_acknowledged(&tally, 2 * writers.len()).await;
    for node in [&a, &b] {
        engine(node, "database", true, |waiting| waiting < 0.5).await;
    }
    engine(&a, "bucket", false, |waiting| waiting > 0.5).await;
    assert_plays(&a, &replay).await;
    let away = b.replay_file(replay.id).await;
    assert_eq!(away.assert_refused(ProblemKind::Internal).status, 503);

    cluster.bucket().restart();

    for node in [&a, &b] {
        engine(node, "bucket", true, |waiting| waiting < 0.5).await;
    }
    let key = format!("replays/{}/{}", replay.id, replay.bytes);
    eventually(NOTICED_WITHIN, "the recording in the bucket, and nothing else", async || {
        (cluster.bucket().keys() == [key.as_str()]).then_some(())
    })
    .await;
    assert_plays(&b, &replay).await;
    stop.send_replace(true);
    let said = within_time(NOTICED_WITHIN, "the last lines", writers.join_all()).await;
    check_lines(cluster.database(), said.concat()).await;
    check_settled_once(&cluster, &summary).await;
}

/// The round is the only one in the history, and its players have what it gives them, on every node.
async fn check_settled_once(cluster: &TestCluster, summary: &RoundSummary) {
    let kept = Kept::read(cluster.database()).await.unwrap();
    assert_eq!(kept.rounds.keys().collect::<Vec<_>>(), [&summary.replay]);
    let room = shared::id::RoomId::from_bits(0);
    assert_eq!(kept.check(|_| results_of(summary, room, Mode::Duel)), Ok(()));
    for result in &summary.results {
        for node in cluster.nodes() {
            let path = format!("/api/players/{}", result.player);
            let profile: PlayerProfile = node.get(&path).await.json();
            assert_eq!((profile.row.rounds, profile.curve.len()), (1, 1), "{profile:?}");
            let what = "the row of the scoreboard";
            eventually(wait::DEADLINE, what, async || {
                let shown = node.scoreboard().await.rows;
                let shown = shown.into_iter().find(|row| row.player == result.player)?;
                (shown == profile.row).then_some(())
            })
            .await;
        }
    }
}
