//! Signing in, with servers of a few lines.

use std::time::Duration;

use shared::api::{Problem, ProblemKind, ReplayList, Session};
use shared::id::{PlayerId, PlayerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Worker;
use crate::net::events::{DirectoryEvent, EventSender, NetEvent, ReplayEvent, SessionEvent};
use crate::net::requests::{
    Credentials, DirectoryRequest, ReplayPage, ReplayRequest, Request, SignInId, SignInRequest,
};

const SOON: Duration = Duration::from_secs(5);

fn ada() -> PlayerName {
    PlayerName::parse("Ada").expect("a name")
}

fn answer(request: &str) -> Option<String> {
    let session = Session { player: PlayerId::from_bits(1), name: ada(), token: "t".to_owned() };
    let list = ReplayList { replays: Vec::new(), next: None };
    if request.starts_with("POST /api/session") {
        serde_json::to_string(&session).ok()
    } else if request.starts_with("GET /api/replays") {
        serde_json::to_string(&list).ok()
    } else {
        None
    }
}

/// The address of a server. It answers calls, or accepts connections and never answers.
async fn server(answers: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 2_048];
                let length = stream.read(&mut bytes).await.expect("a request");
                let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let Some(body) = answer(&request).filter(|_| answers) else {
                    return std::future::pending().await;
                };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}", body.len());
                let answer = format!("{head}\r\nconnection: close\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.expect("a client");
            });
        }
    });
    address
}

fn sign_in(id: u32, server: &str) -> Request {
    let (id, server, credentials) = (SignInId(id), server.to_owned(), Credentials::Name(ada()));
    SignInRequest { id, server, credentials, token: None }.into()
}

#[tokio::test]
async fn a_sign_in_that_hangs_holds_nothing_up_and_the_next_one_cancels_it() {
    let (silent, answering) = (server(false).await, server(true).await);
    let (requests, request_queue) = mpsc::channel(8);
    let (_game_messages, game_message_queue) = mpsc::channel(8);
    let (event_sender, mut events) = EventSender::channel(8);
    tokio::spawn(Worker::new(request_queue, game_message_queue, event_sender).run());

    requests.send(sign_in(1, &silent)).await.expect("a worker");
    let (server, page) = (answering.clone(), ReplayPage::default());
    requests.send(ReplayRequest::List { server, page }.into()).await.expect("a worker");
    let listed = timeout(SOON, events.recv()).await.expect("soon");
    assert!(matches!(listed, Some(NetEvent::Replay(ReplayEvent::Listed(_, Ok(_))))), "{listed:?}");

    requests.send(sign_in(2, &answering)).await.expect("a worker");
    let signed_in = timeout(SOON, events.recv()).await.expect("soon");
    assert!(
        matches!(
            signed_in,
            Some(NetEvent::Session(SessionEvent::SignedIn { id: SignInId(2), .. }))
        ),
        "{signed_in:?}"
    );
}

/// A server that knows no token but the last one that it gave. Returns its address.
async fn forgetful_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let mut given = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 2_048];
            let length = stream.read(&mut bytes).await.expect("a request");
            let request = String::from_utf8_lossy(&bytes[..length]).to_lowercase();
            // The first session is forgotten at once.
            let knows = given > 1 && request.contains(&format!("bearer t{given}"));
            let is_new = request.starts_with("post /api/session") && !request.contains("bearer");
            let (status, body) = if is_new {
                given += 1;
                let (player, token) = (PlayerId::from_bits(given), format!("t{given}"));
                let session = Session { player, name: ada(), token };
                ("201 Created", serde_json::to_string(&session).expect("plain data"))
            } else if knows {
                ("200 OK", r#"{"rooms":[]}"#.to_owned())
            } else {
                let problem = Problem::new(ProblemKind::SignIn, "Get a session first.");
                ("401 Unauthorized", serde_json::to_string(&problem).expect("plain data"))
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}", body.len());
            let answer = format!("{head}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.expect("a client");
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_has_lost_its_database_gets_one_new_sign_in() {
    let server = forgetful_server().await;
    let (requests, request_queue) = mpsc::channel(8);
    let (_game_messages, game_message_queue) = mpsc::channel(8);
    let (event_sender, mut events) = EventSender::channel(32);
    tokio::spawn(Worker::new(request_queue, game_message_queue, event_sender).run());

    requests.send(sign_in(1, &server)).await.expect("a worker");
    let (mut renewed, mut listed) = (0, 0);
    let mut asked = false;
    while listed < 3 || renewed == 0 {
        match timeout(SOON, events.recv()).await.expect("soon").expect("a worker") {
            NetEvent::Session(SessionEvent::SignedIn { session, .. }) => {
                assert_eq!((session.token.as_str(), asked), ("t1", false));
                asked = true;
                for _ in 0..3 {
                    requests.send(DirectoryRequest::List.into()).await.expect("a worker");
                }
            }
            NetEvent::Session(SessionEvent::Renewed { session, .. }) => {
                assert_eq!(session.token, "t2");
                renewed += 1;
            }
            NetEvent::Directory(DirectoryEvent::Listed(Ok(_))) => listed += 1,
            // The chat has no place here.
            NetEvent::Chat(_) => {}
            other => panic!("{other:?}"),
        }
    }

    assert_eq!(renewed, 1, "one new player, and not one for each call");
}
