//! Several nodes, each with a hub, over one database.

mod nodes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use shared::id::PlayerId;
use shared::protocol::chat::{ChatChannel, ChatLine, ChatRefusal, ChatServerMessage};
use test_postgres::Postgres;
use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place};
use tokio_util::sync::CancellationToken;

use crate::storage::{ChatLog as _, Players as _};
use crate::token::hash_token;
use nodes::{Answers, Node, Nodes, player};

const LOBBY: ChatChannel = ChatChannel::Lobby;
/// A comparison that a test does not wait for.
const NEVER: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(50);

/// What does not come within this time never comes.
const WITHIN: Duration = Duration::from_secs(60);

/// Players of each node, and lines of each of them: as many as they may say at once.
const SPEAKERS: u64 = 40;
const LINES: u32 = 5;

/// A node's speakers say their lines, each the next one as soon as the last is answered. Returns what was acknowledged, as
/// number and text.
async fn all_speak(node: &Node, first_id: u64) -> Vec<(u64, String)> {
    let mut speakers = JoinSet::new();
    for id in first_id..first_id + SPEAKERS {
        let mut speaker = node.join(id, None).await;
        speakers.spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0..LINES {
                let text = format!("{id} says {number}");
                speaker.send(LOBBY, &text, number).await;
                if let Ok(line) = speaker.answer(number).await {
                    acknowledged.push((line.sequence, text));
                }
            }
            acknowledged
        });
    }
    speakers.join_all().await.into_iter().flatten().collect()
}

/// Three nodes speak at once. Every node sends the same lines in the same order, without a gap, and each acknowledged line
/// is among them once.
async fn three_nodes_agree(answers: Answers, loses_hints: bool) {
    let nodes = Nodes::new().await;
    nodes.exchange.lose_all(loses_hints);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(nodes.open_with(SOON, answers).await);
    }
    let mut watchers = Vec::new();
    for (node, id) in open.iter().zip(9_000..) {
        watchers.push(node.join(id, None).await);
    }
    let (done, is_done) = tokio::sync::watch::channel(0);
    let reading: JoinSet<_> = watchers
        .into_iter()
        .map(|mut watcher| {
            let mut is_done = is_done.clone();
            async move {
                let (mut lines, mut last) = (Vec::new(), u64::MAX);
                while lines.len() as u64 != last {
                    tokio::select! {
                        line = watcher.line() => lines.push(line),
                        Ok(()) = is_done.changed() => last = *is_done.borrow(),
                    }
                }
                lines
            }
        })
        .collect();

    let speak = |index: usize| all_speak(&open[index], 1_000 * (index as u64 + 1));
    let (a, b, c) = tokio::join!(speak(0), speak(1), speak(2));
    let acknowledged: Vec<_> = [a, b, c].into_iter().flatten().collect();
    let last = nodes.store.last_sequence().await.unwrap();
    done.send(last).unwrap();
    let seen = reading.join_all().await;

    let numbers: Vec<_> = seen[0].iter().map(|line| line.sequence).collect();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "in order and without a gap");
    assert!(seen.iter().all(|lines| *lines == seen[0]), "the same at every node");
    assert!(seen[0].iter().all(|line| line.nonce.is_none()));
    let in_log: BTreeSet<_> =
        seen[0].iter().map(|line| (line.sequence, line.text.clone())).collect();
    let texts: BTreeSet<_> = seen[0].iter().map(|line| &line.text).collect();
    assert_eq!(texts.len(), seen[0].len(), "no line twice");
    // A machine that is too slow refuses some, and those are not said.
    assert_eq!(acknowledged.into_iter().collect::<BTreeSet<_>>(), in_log);
    let all = 3 * SPEAKERS * u64::from(LINES);
    assert!(last > all / 2, "{last} of {all} lines were taken");
    for node in open {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_that_speak_at_once_agree() {
    three_nodes_agree(Answers::Given, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_agree_without_hints_and_when_answers_of_the_store_are_lost() {
    three_nodes_agree(Answers::LostNowAndThen, true).await;
}

/// Players who say a few lines each, one player after the other, until the end. Every text is like no other.
struct Crowd {
    speakers: JoinSet<Vec<(u64, String)>>,
    acknowledged: watch::Sender<u64>,
    end: CancellationToken,
}

impl Crowd {
    fn begin(nodes: &[Arc<Node>], speakers_each: u64) -> Self {
        let (acknowledged, end) = (watch::Sender::new(0), CancellationToken::new());
        let mut speakers = JoinSet::new();
        for (node, first_id) in nodes.iter().zip((1_000_000..).step_by(1_000_000)) {
            for speaker in 0..speakers_each {
                let ids = first_id + 1_000 * speaker..;
                speakers.spawn(speak_on(node.clone(), ids, acknowledged.clone(), end.clone()));
            }
        }
        Self { speakers, acknowledged, end }
    }

    /// Waits for so many more acknowledged lines.
    async fn says(&self, lines: u64) {
        let mut acknowledged = self.acknowledged.subscribe();
        let goal = *acknowledged.borrow() + lines;
        let said = acknowledged.wait_for(|acknowledged| *acknowledged >= goal);
        tokio::time::timeout(WITHIN, said).await.expect("the lines go on").expect("a sender");
    }

    /// What was acknowledged, as number and text.
    async fn end(self) -> Vec<(u64, String)> {
        self.end.cancel();
        self.speakers.join_all().await.into_iter().flatten().collect()
    }
}

async fn speak_on(
    node: Arc<Node>,
    ids: impl Iterator<Item = u64>,
    acknowledged: watch::Sender<u64>,
    end: CancellationToken,
) -> Vec<(u64, String)> {
    let mut said = Vec::new();
    for id in ids {
        let mut speaker = node.join(id, None).await;
        for number in 0..LINES {
            if end.is_cancelled() {
                return said;
            }
            let text = format!("{id} says {number}");
            speaker.send(LOBBY, &text, number).await;
            if let Ok(line) = speaker.answer(number).await {
                said.push((line.sequence, text));
                acknowledged.send_modify(|acknowledged| *acknowledged += 1);
            }
        }
    }
    said
}

/// The whole log, by number.
async fn whole_log(nodes: &Nodes) -> BTreeMap<u64, String> {
    let lines = nodes.store.lines_after(0, u32::MAX >> 1).await.unwrap().lines;
    lines.into_iter().map(|line| (line.sequence, line.text)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_starts_anew_costs_no_acknowledged_line_and_doubles_none() {
    let mut postgres = Postgres::start();
    let nodes = Nodes::on(&postgres.empty_database()).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(Arc::new(nodes.open(SOON).await));
    }
    let crowd = Crowd::begin(&open, 10);
    crowd.says(100).await;

    for _ in 0..2 {
        block_in_place(|| {
            postgres.kill();
            postgres.restart();
        });
        crowd.says(100).await;
    }

    let acknowledged = crowd.end().await;
    let log = whole_log(&nodes).await;
    assert!(log.keys().copied().eq(1..=log.len() as u64), "no gap: {:?}", log.keys());
    let texts: BTreeSet<_> = log.values().collect();
    assert_eq!(texts.len(), log.len(), "no line twice");
    for (sequence, text) in acknowledged {
        assert_eq!(log.get(&sequence), Some(&text), "each under its number");
    }
}

#[tokio::test]
async fn a_hint_brings_a_line_at_once_and_without_it_the_comparison_does() {
    let nodes = Nodes::new().await;
    let (a, b, c) = (nodes.open(NEVER).await, nodes.open(NEVER).await, nodes.open(SOON).await);
    let mut ada = a.join(1, None).await;
    let (mut bob, mut cid) = (b.join(2, None).await, c.join(3, None).await);

    let said = ada.say(LOBBY, "hello", 7).await;
    assert_eq!(said.nonce, Some(7));
    let foreign = ChatLine { nonce: None, ..said };
    assert_eq!((bob.line().await, cid.line().await), (foreign.clone(), foreign));

    nodes.exchange.lose_all(true);
    let lost = ada.say(LOBBY, "is anybody there?", 8).await.sequence;
    assert_eq!(cid.line().await.sequence, lost);
    assert_eq!(bob.heard_now(), None);
    // The next hint brings both.
    nodes.exchange.lose_all(false);
    let next = cid.say(LOBBY, "I am", 1).await.sequence;
    assert_eq!((bob.line().await.sequence, bob.line().await.sequence), (lost, next));
}

#[tokio::test]
async fn a_line_that_is_sent_again_to_another_node_is_said_once() {
    for knows_it in [false, true] {
        let nodes = Nodes::new().await;
        nodes.exchange.lose_all(!knows_it);
        let (a, b) = (nodes.open(NEVER).await, nodes.open(NEVER).await);
        let (mut ada, mut watcher) = (a.join(1, None).await, b.join(2, None).await);
        let said = ada.say(LOBBY, "hello", 7).await;
        if knows_it {
            assert_eq!(watcher.line().await.sequence, said.sequence);
        }

        let mut again = b.join(1, None).await;
        assert_eq!(again.say(LOBBY, "hello", 7).await, said);
        // Another nonce, other words, another channel, another player, and over the same connection the same nonce: other
        // lines.
        assert_eq!(again.say(LOBBY, "hello", 8).await.sequence, 2);
        assert_eq!(again.say(LOBBY, "hello!", 7).await.sequence, 3);
        assert_eq!(again.say(LOBBY, "hello", 7).await.sequence, 4);
        assert_eq!(watcher.say(LOBBY, "hello", 7).await.sequence, 5);

        // A node that has only just started.
        let c = nodes.open(NEVER).await;
        let mut later = c.join(3, Some(5)).await;
        let mut once_more = c.join(1, None).await;
        assert_eq!(once_more.say(LOBBY, "hello!", 7).await.sequence, 3);
        assert_eq!(once_more.say(LOBBY, "bye", 9).await.sequence, 6);
        assert_eq!(later.line().await.text, "bye");
    }
}

#[tokio::test]
async fn a_line_that_waits_at_two_nodes_is_said_once() {
    let nodes = Nodes::new().await;
    let (a, b) = (nodes.open(NEVER).await, nodes.open(NEVER).await);
    let (mut at_a, mut at_b) = (a.join(1, None).await, b.join(1, None).await);
    let mut watcher = a.join(2, None).await;

    for number in 0..5 {
        let text = format!("line {number}");
        at_a.send(LOBBY, &text, number).await;
        at_b.send(LOBBY, &text, number).await;
        let (one, other) = (at_a.answer(number).await.unwrap(), at_b.answer(number).await.unwrap());
        assert_eq!(one, other);
        assert_eq!(watcher.line().await, ChatLine { nonce: None, ..one });
    }
    assert_eq!(nodes.store.last_sequence().await.unwrap(), 5);
}

#[tokio::test]
async fn an_author_is_answered_although_the_answer_of_the_store_is_lost() {
    let nodes = Nodes::new().await;
    let a = nodes.open_with(NEVER, Answers::Lost).await;
    let b = nodes.open(NEVER).await;
    let (mut ada, mut bob) = (a.join(1, None).await, b.join(2, None).await);

    let said = ada.say(LOBBY, "hello", 7).await;
    let next = ada.say(LOBBY, "again", 8).await;

    assert_eq!((said.sequence, next.sequence), (1, 2));
    assert_eq!(
        (bob.line().await.text.as_str(), bob.line().await.text.as_str()),
        ("hello", "again")
    );
    assert_eq!(nodes.store.last_sequence().await.unwrap(), 2);
}

#[tokio::test]
async fn an_author_is_answered_although_the_store_says_nothing() {
    let nodes = Nodes::new().await;
    let a = nodes.open_with(NEVER, Answers::NoneAtFirst).await;
    let mut ada = a.join(1, None).await;

    ada.send(LOBBY, "hello", 7).await;

    // It has waited for so long that it may be refused. But an answer comes, and then the next line has its own.
    let first = ada.answer(7).await;
    assert!(matches!(first, Ok(_) | Err(ChatRefusal::Failed)), "{first:?}");
    assert_eq!(ada.say(LOBBY, "again", 8).await.sequence, 2);
    assert_eq!(nodes.store.last_sequence().await.unwrap(), 2);
}

#[tokio::test]
async fn a_client_that_comes_from_another_node_gets_no_line_twice() {
    let nodes = Nodes::new().await;
    nodes.exchange.lose_all(true);
    let (a, b) = (nodes.open(NEVER).await, nodes.open(NEVER).await);
    let mut ada = a.join(1, None).await;
    for number in 1..=3 {
        ada.say(LOBBY, "hello", number).await;
    }

    let mut bob = b.join(2, Some(2)).await;
    let (lines, gap) = bob.greeting();
    assert_eq!((lines.iter().map(|line| line.sequence).collect::<Vec<_>>(), gap), (vec![3], false));
    assert_eq!(bob.say(LOBBY, "hi", 1).await.sequence, 4);

    // No node has sent this one.
    let mut eve = b.join(3, Some(99)).await;
    assert!(matches!(eve.greeting(), (lines, true) if lines.len() == 4));
}

#[tokio::test]
async fn a_direct_line_reaches_its_two_players_at_their_nodes_and_nobody_else() {
    let nodes = Nodes::new().await;
    let (a, b) = (nodes.open(NEVER).await, nodes.open(NEVER).await);
    let (mut ada, mut bob) = (a.join(1, None).await, b.join(2, None).await);
    let (mut window, mut eve) = (b.join(1, None).await, b.join(3, None).await);
    nodes.store.add_guest(player(2), hash_token("2"), 0).await.unwrap();

    let (one, two) = (PlayerId::from_bits(1), PlayerId::from_bits(2));
    ada.say(ChatChannel::Direct { player: two }, "psst", 7).await;
    ada.say(LOBBY, "hello", 8).await;

    assert_eq!(bob.line().await.channel, ChatChannel::Direct { player: one });
    assert_eq!(window.line().await.channel, ChatChannel::Direct { player: two });
    assert_eq!(eve.line().await.text, "hello");
    assert!(matches!(bob.next().await, ChatServerMessage::Line(ChatLine { nonce: None, .. })));
}

#[tokio::test]
async fn a_node_that_is_far_behind_sends_every_line_in_order() {
    let nodes = Nodes::new().await;
    let (a, b) = (nodes.open(NEVER).await, nodes.open(NEVER).await);
    let (mut ada, mut bob) = (a.join(1, None).await, b.join(2, None).await);
    // Of a third node, whose hints were lost.
    let name = player(3).name;
    for sequence in 1..=150 {
        let (from, name, text) = (PlayerId::from_bits(3), name.clone(), "hello".to_owned());
        let line = ChatLine { sequence, at_ms: 5, channel: LOBBY, from, name, text, nonce: None };
        nodes.store.add_lines(vec![line]).await.unwrap();
    }

    assert_eq!(ada.say(LOBBY, "here I am", 1).await.sequence, 151);
    for sequence in 1..=151 {
        assert_eq!(bob.line().await.sequence, sequence);
    }
}
