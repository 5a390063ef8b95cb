//! Chat on many nodes: one order of lines for all, and each acknowledged line once, whatever dies meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shared::protocol::chat::{ChatChannel, ChatClientMessage, ChatLine, ChatServerMessage};
use tests::chat::ChatSocket;
use tests::wait::within_time;
use tests::{Guest, Site, TestCluster, within};
use tokio::task::JoinSet;

/// Writers on each of the three nodes, and lines of each, which is as many as one may say at once.
const WRITERS: usize = 40;
const LINES: usize = 5;
const NODES: [&str; 3] = ["a", "b", "c"];
/// Lines after which the connections of a node to the database are cut.
const CUT_EVERY: usize = 10;

/// How PostgreSQL answers that a row was inserted.
const KEPT: &[u8] = b"INSERT 0 1";

/// Opens the chat at one of the sites, at the next one if the first is dead.
async fn open(guest: &Guest, sites: &[Site]) -> ChatSocket {
    loop {
        for site in sites {
            let asked = guest.at(site);
            let path = "/api/chat/tickets";
            let request = site.request(reqwest::Method::POST, path).bearer_auth(guest.token());
            let Ok(answer) = request.send().await else { continue };
            let Ok(ticket) = answer.json::<shared::api::WebSocketTicket>().await else { continue };
            if let Ok(chat) = ChatSocket::open(asked.site().address(), &ticket.url).await {
                return chat;
            }
        }
    }
}

/// Says a line until it is acknowledged, on another node and under the same nonce when a connection ends. Returns its number.
async fn insist(
    guest: &Guest,
    sites: &[Site],
    chat: &mut ChatSocket,
    nonce: u32,
    text: &str,
) -> u64 {
    loop {
        let (channel, text) = (ChatChannel::Lobby, text.to_owned());
        chat.send(&ChatClientMessage::Say { channel, text, nonce }).await;
        loop {
            match chat.next().await {
                Ok(ChatServerMessage::Line(line)) if line.nonce == Some(nonce) => {
                    return line.sequence;
                }
                Ok(ChatServerMessage::Refused { reason, .. }) => panic!("{reason:?}"),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        *chat = open(guest, sites).await;
    }
}

async fn write(guest: Guest, sites: Vec<Site>, writer: usize) -> Vec<(u64, String)> {
    let mut chat = open(&guest, &sites).await;
    let mut said = Vec::new();
    for line in 0..LINES {
        let text = format!("line {line} of writer {writer}");
        let nonce = u32::try_from(line).unwrap();
        said.push((insist(&guest, &sites, &mut chat, nonce, &text).await, text));
    }
    said
}

/// Reads so many lines.
async fn listen(mut chat: ChatSocket, lines: usize) -> Vec<ChatLine> {
    let mut heard = Vec::new();
    while heard.len() < lines {
        heard.push(chat.next_line().await);
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hubs_have_one_order_and_each_acknowledged_line_once_whatever_is_cut_and_killed() {
    let mut cluster = TestCluster::start(3).await;
    let sites = NODES.map(|name| Site::clone(cluster.node(name)));
    let all = NODES.len() * WRITERS * LINES;
    let mut listeners = JoinSet::new();
    for site in &sites[..2] {
        let chat = site.guest("listener").await.chat().await;
        listeners.spawn(listen(chat, all));
    }
    let mut at_c = sites[2].guest("witness").await.chat().await;
    let mut writers = JoinSet::new();
    for writer in 0..NODES.len() * WRITERS {
        let mut order = sites.clone();
        order.rotate_left(writer % NODES.len());
        let guest = order[0].guest(&format!("writer {writer}")).await;
        writers.spawn(write(guest, order.to_vec(), writer));
    }

    // Now and then a node does not learn whether its line is in the log. When this one has heard a sixth of all, it dies.
    within("lines on the third node", async {
        for heard in 1..=all / 6 {
            at_c.next_line().await;
            if heard % CUT_EVERY == 0 {
                cluster.database_of(NODES[heard / CUT_EVERY % NODES.len()]).cut();
            }
        }
    })
    .await;
    cluster.kill("c");

    let limit = Duration::from_secs(120);
    let said = within_time(limit, "all lines acknowledged", writers.join_all()).await;
    let heard = within_time(limit, "all lines heard", listeners.join_all()).await;
    let mut said: Vec<_> = said.into_iter().flatten().collect();
    said.sort_unstable();
    let texts = |lines: &[ChatLine]| {
        lines.iter().map(|line| (line.sequence, line.text.clone())).collect::<Vec<_>>()
    };
    for lines in &heard {
        assert_eq!(texts(lines), said, "in order, each once");
        let is_next = |pair: &[ChatLine]| pair[1].sequence == pair[0].sequence + 1;
        assert!(lines.windows(2).all(is_next), "no gap");
    }
}

#[tokio::test]
async fn a_line_that_is_kept_although_its_node_is_not_told_is_there_once_and_acknowledged() {
    let cluster = TestCluster::start(2).await;
    let (a, b) = (cluster.node("a"), cluster.node("b"));
    let (mut at_a, mut at_b) =
        (a.guest("ada").await.chat().await, b.guest("bob").await.chat().await);
    at_a.say(ChatChannel::Lobby, "before").await.unwrap();
    assert_eq!(at_b.next_line().await.text, "before");

    // The answer that the line is in the log cannot be read.
    let is_lost = Arc::new(AtomicBool::new(false));
    let lost = is_lost.clone();
    cluster.database_of("a").alter(move |piece| {
        let is_it = piece.windows(KEPT.len()).any(|part| part == KEPT);
        if is_it {
            piece.fill(0);
            lost.store(true, Ordering::SeqCst);
        }
        is_it
    });
    let (channel, nonce) = (ChatChannel::Lobby, 7);
    at_a.send(&ChatClientMessage::Say { channel, text: "once".to_owned(), nonce }).await;
    let kept = at_b.next_line().await;

    assert!(is_lost.load(Ordering::SeqCst));
    assert_eq!(kept.text, "once");
    let own = at_a.next_line().await;
    assert_eq!((own.sequence, own.nonce), (kept.sequence, Some(nonce)));
    let after = at_a.say(ChatChannel::Lobby, "after").await.unwrap();
    let next = at_b.next_line().await;
    assert_eq!((next.text.as_str(), next.sequence), ("after", after));
    assert_eq!(after, kept.sequence + 1, "nothing was said twice");
}
