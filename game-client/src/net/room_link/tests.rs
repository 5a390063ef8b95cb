//! Leaving a room, against a server of a few lines.

use std::time::Duration;

use futures_util::StreamExt as _;
use shared::api::{Role, WebSocketTicket};
use shared::invitation::RoomAddress;
use shared::protocol::{ClientMessage, GAME_SUBPROTOCOL};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::RoomLink;
use crate::net::api::Api;
use crate::net::events::{EventSender, LinkState, NetEvent, RoomEvent};
use crate::net::link_commands::{LinkHandle, link_commands};
use crate::net::requests::LinkId;

const SOON: Duration = Duration::from_secs(5);

/// What the server noticed.
#[derive(Debug, PartialEq)]
enum Noticed {
    TicketRequested,
    Opened,
    Left,
    Closed,
}

struct Story {
    noticed: mpsc::Receiver<Noticed>,
    events: mpsc::Receiver<NetEvent>,
    /// Whether the server issues tickets, or lets the requests wait.
    tickets: watch::Sender<bool>,
    handle: LinkHandle,
    link: JoinHandle<()>,
}

impl Story {
    /// A link that is about to connect.
    async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (notices, noticed) = mpsc::channel(32);
        let (tickets, may_enter) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, notices.clone(), may_enter.clone()));
            }
        });
        let (event_sender, events) = EventSender::channel(256);
        let (handle, commands) = link_commands();
        let link = RoomLink {
            id: LinkId(1),
            api: Api::new(&format!("http://{address}")).expect("an address"),
            room: "ABC123".parse::<RoomAddress>().expect("a code"),
            role: Role::Player,
            events: event_sender,
            was_open: false,
        };
        Self { noticed, events, tickets, handle, link: tokio::spawn(link.run(commands)) }
    }

    async fn next(&mut self) -> Noticed {
        timeout(SOON, self.noticed.recv()).await.expect("soon").expect("a server")
    }

    async fn until_open(&mut self) {
        while !matches!(
            self.events.recv().await,
            Some(NetEvent::Room(RoomEvent::Link { state: LinkState::Open, .. }))
        ) {}
        assert_eq!(
            (self.next().await, self.next().await),
            (Noticed::TicketRequested, Noticed::Opened)
        );
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
    notices: mpsc::Sender<Noticed>,
    mut tickets: watch::Receiver<bool>,
) {
    let mut head = [0; 4];
    stream.peek(&mut head).await.expect("a request");
    if head.starts_with(b"POST") {
        drop(stream.read(&mut [0; 2_048]).await);
        notices.send(Noticed::TicketRequested).await.expect("a story");
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
    notices.send(Noticed::Opened).await.expect("a story");
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Binary(bytes) = message
            && matches!(ClientMessage::decode(&bytes), Ok(ClientMessage::Leave))
        {
            notices.send(Noticed::Left).await.expect("a story");
        }
    }
    notices.send(Noticed::Closed).await.expect("a story");
}

#[tokio::test]
async fn dropping_the_handle_keeps_the_seat() {
    let mut story = Story::begin().await;
    story.until_open().await;

    drop(story.handle);

    assert_eq!(timeout(SOON, story.noticed.recv()).await, Ok(Some(Noticed::Closed)));
    story.link.await.expect("it ends");
}

#[tokio::test]
async fn leaving_gives_the_seat_up() {
    let mut story = Story::begin().await;
    story.until_open().await;

    story.handle.give_up_seat();

    assert_eq!(timeout(SOON, story.noticed.recv()).await, Ok(Some(Noticed::Left)));
    story.link.await.expect("it ends");
}

#[tokio::test]
async fn leaving_while_connecting_ends_the_link_at_once_and_takes_no_seat() {
    let mut story = Story::begin().await;
    story.tickets.send_replace(false);
    assert_eq!(story.next().await, Noticed::TicketRequested);

    drop(story.handle);
    timeout(Duration::from_secs(2), story.link).await.expect("at once").expect("it ends");

    story.tickets.send_replace(true);
    assert!(timeout(Duration::from_millis(300), story.noticed.recv()).await.is_err());
}

#[tokio::test]
async fn giving_the_seat_up_while_connecting_is_sent_once_connected() {
    let mut story = Story::begin().await;
    story.tickets.send_replace(false);
    assert_eq!(story.next().await, Noticed::TicketRequested);

    story.handle.give_up_seat();
    story.tickets.send_replace(true);

    assert_eq!(timeout(SOON, story.noticed.recv()).await, Ok(Some(Noticed::Opened)));
    assert_eq!(timeout(SOON, story.noticed.recv()).await, Ok(Some(Noticed::Left)));
}

#[tokio::test]
async fn a_reconnect_opens_a_new_connection() {
    let mut story = Story::begin().await;
    story.until_open().await;

    story.handle.reconnect();

    assert_eq!(story.next().await, Noticed::Closed);
    story.until_open().await;
}
