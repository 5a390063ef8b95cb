//! Ways to leave a room, against a server of a few lines.

use std::time::Duration;

use futures_util::StreamExt as _;
use shared::api::{Role, WebSocketTicket};
use shared::id::{PlayerName, RoomId};
use shared::protocol::{ClientMessage, GAME_SUBPROTOCOL};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::Link;
use crate::net::api::Api;
use crate::net::orders::{Order, Reins, orders};
use crate::net::{LinkId, LinkState, Report};

const SOON: Duration = Duration::from_secs(5);

/// What the server heard.
#[derive(Debug, PartialEq)]
enum Heard {
    TicketAsked,
    Opened,
    Left,
    Closed,
}

struct Story {
    heard: mpsc::Receiver<Heard>,
    reports: mpsc::Receiver<Report>,
    /// Whether the server hands out tickets, or lets everyone wait.
    tickets: watch::Sender<bool>,
    reins: Reins,
    link: JoinHandle<()>,
}

impl Story {
    /// A link that is about to connect.
    async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (ears, heard) = mpsc::channel(32);
        let (tickets, may_enter) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, ears.clone(), may_enter.clone()));
            }
        });
        let (outbox, reports) = mpsc::channel(256);
        let (reins, orders) = orders();
        let link = Link {
            id: LinkId(1),
            api: Api::new(&format!("http://{address}")).expect("an address"),
            name: PlayerName::parse("Ada").expect("a name"),
            room: "ABC123".parse::<RoomId>().expect("a code"),
            role: Role::Player,
            reports: outbox,
            was_open: false,
        };
        Self { heard, reports, tickets, reins, link: tokio::spawn(link.run(orders)) }
    }

    async fn hear(&mut self) -> Heard {
        timeout(SOON, self.heard.recv()).await.expect("soon").expect("a server")
    }

    async fn until_open(&mut self) {
        while !matches!(
            self.reports.recv().await,
            Some(Report::Link { state: LinkState::Open, .. })
        ) {}
        assert_eq!((self.hear().await, self.hear().await), (Heard::TicketAsked, Heard::Opened));
    }
}

#[expect(clippy::result_large_err, reason = "tungstenite's callback")]
fn accept(_: &Request, mut answer: Response) -> Result<Response, ErrorResponse> {
    let protocol = GAME_SUBPROTOCOL.parse().expect("a header");
    answer.headers_mut().insert("sec-websocket-protocol", protocol);
    Ok(answer)
}

/// One connection: a call for a ticket, or a WebSocket.
async fn serve(
    mut stream: TcpStream,
    ears: mpsc::Sender<Heard>,
    mut tickets: watch::Receiver<bool>,
) {
    let mut head = [0; 4];
    stream.peek(&mut head).await.expect("a request");
    if head.starts_with(b"POST") {
        drop(stream.read(&mut [0; 2_048]).await);
        ears.send(Heard::TicketAsked).await.expect("a story");
        tickets.wait_for(|handed_out| *handed_out).await.expect("a story");
        let url = "/ws/rooms/ABC123?ticket=t".to_owned();
        let ticket = WebSocketTicket { ticket: "t".to_owned(), url, expires_in_s: 30 };
        let body = serde_json::to_string(&ticket).expect("plain data");
        let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nconnection: close";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        drop(stream.write_all(answer.as_bytes()).await);
        return;
    }
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, accept).await.expect("a socket");
    ears.send(Heard::Opened).await.expect("a story");
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Binary(bytes) = message
            && matches!(ClientMessage::decode(&bytes), Ok(ClientMessage::Leave))
        {
            ears.send(Heard::Left).await.expect("a story");
        }
    }
    ears.send(Heard::Closed).await.expect("a story");
}

#[tokio::test]
async fn stepping_out_keeps_the_seat() {
    let mut story = Story::begin().await;
    story.until_open().await;

    drop(story.reins);

    assert_eq!(timeout(SOON, story.heard.recv()).await, Ok(Some(Heard::Closed)));
    story.link.await.expect("it ends");
}

#[tokio::test]
async fn leaving_gives_the_seat_up() {
    let mut story = Story::begin().await;
    story.until_open().await;

    story.reins.leave();

    assert_eq!(timeout(SOON, story.heard.recv()).await, Ok(Some(Heard::Left)));
    story.link.await.expect("it ends");
}

#[tokio::test]
async fn who_steps_out_while_connecting_is_gone_at_once_and_takes_no_seat() {
    let mut story = Story::begin().await;
    story.tickets.send_replace(false);
    assert_eq!(story.hear().await, Heard::TicketAsked);

    drop(story.reins);
    timeout(Duration::from_secs(2), story.link).await.expect("at once").expect("it ends");

    story.tickets.send_replace(true);
    assert!(timeout(Duration::from_millis(300), story.heard.recv()).await.is_err());
}

#[tokio::test]
async fn who_leaves_while_connecting_says_so() {
    let mut story = Story::begin().await;
    story.tickets.send_replace(false);
    assert_eq!(story.hear().await, Heard::TicketAsked);

    story.reins.leave();
    story.tickets.send_replace(true);

    assert_eq!(timeout(SOON, story.heard.recv()).await, Ok(Some(Heard::Opened)));
    assert_eq!(timeout(SOON, story.heard.recv()).await, Ok(Some(Heard::Left)));
}

#[tokio::test]
async fn what_cannot_be_followed_is_begun_again() {
    let mut story = Story::begin().await;
    story.until_open().await;

    story.reins.want(Order::BeginAgain);

    assert_eq!(story.hear().await, Heard::Closed);
    story.until_open().await;
}
