//! Chat: lines reach their channel and no other; missed lines come with the reconnect.

use shared::protocol::chat::{ChatChannel, ChatRefusal, LINE_CHARS_MAX, LINES_BURST_MAX};
use shared::protocol::close;
use tests::{ServerProcess, TestServer};

#[tokio::test]
async fn a_lobby_line_reaches_all_connections_in_order() {
    let server = TestServer::start().await;
    let mut ada = server.guest("ada").await.chat().await;
    let mut bob = server.guest("bob").await.chat().await;

    let first = ada.say(ChatChannel::Lobby, "hello").await.unwrap();
    let second = ada.say(ChatChannel::Lobby, "  is anybody here?  ").await.unwrap();

    let (line, next) = (bob.next_line().await, bob.next_line().await);
    assert_eq!((line.text.as_str(), line.name.as_str()), ("hello", "ada"));
    assert_eq!(next.text, "is anybody here?");
    assert_eq!((line.sequence, next.sequence), (first, second));
    assert!(line.nonce.is_none(), "only the sender sees the nonce");
}

#[tokio::test]
async fn a_reconnect_gets_the_missed_lines_once() {
    let server = TestServer::start().await;
    let bob = server.guest("bob").await;
    let mut ada = server.guest("ada").await.chat().await;
    let mut chat = bob.chat().await;
    ada.say(ChatChannel::Lobby, "before").await.unwrap();
    let seen = chat.next_line().await.sequence;
    drop(chat);

    ada.say(ChatChannel::Lobby, "meanwhile").await.unwrap();
    ada.say(ChatChannel::Lobby, "and more").await.unwrap();
    let mut chat = bob.chat_after(Some(seen)).await;
    ada.say(ChatChannel::Lobby, "after").await.unwrap();

    let missed: Vec<_> = chat.greeting.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(missed, ["meanwhile", "and more"]);
    assert_eq!(chat.next_line().await.text, "after");
    let newcomer = server.guest("cid").await.chat().await;
    assert_eq!(newcomer.greeting.len(), 4, "a newcomer gets the history");
}

#[tokio::test]
async fn a_direct_line_reaches_only_its_two_players() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let (mut from, mut to) = (ada.chat().await, bob.chat().await);
    let mut other = server.guest("eve").await.chat().await;

    from.say(ChatChannel::Direct { player: bob.id() }, "between us").await.unwrap();
    from.say(ChatChannel::Lobby, "for all").await.unwrap();

    let line = to.next_line().await;
    assert_eq!(line.text, "between us");
    assert_eq!(
        line.channel,
        ChatChannel::Direct { player: ada.id() },
        "the channel is named after its sender"
    );
    assert_eq!(other.next_line().await.text, "for all");
    let history = server.guest("max").await.chat().await.greeting;
    assert_eq!(history.len(), 1, "a direct line is in no other player's history");
    assert_eq!(bob.chat().await.greeting.len(), 2);
}

#[tokio::test]
async fn a_line_that_cannot_be_sent_is_refused_with_a_reason() {
    let server = TestServer::start().await;
    let mut ada = server.guest("ada").await.chat().await;
    let nowhere = "ABCDEF".parse().unwrap();
    let nobody = "ABCDEFGHJKMN".parse().unwrap();

    let long = "x".repeat(LINE_CHARS_MAX + 1);
    assert_eq!(ada.say(ChatChannel::Lobby, "   ").await, Err(ChatRefusal::Empty));
    assert_eq!(ada.say(ChatChannel::Lobby, &long).await, Err(ChatRefusal::TooLong));
    assert_eq!(
        ada.say(ChatChannel::Room { room: nowhere }, "hi").await,
        Err(ChatRefusal::NotThere)
    );
    assert_eq!(
        ada.say(ChatChannel::Direct { player: nobody }, "hi").await,
        Err(ChatRefusal::Unknown)
    );
}

#[tokio::test]
async fn the_chat_rate_limit_covers_all_connections_of_a_player() {
    let server = TestServer::start().await;
    let guest = server.guest("ada").await;
    let mut ada = guest.chat().await;
    for line in 0..LINES_BURST_MAX {
        ada.say(ChatChannel::Lobby, &format!("line {line}")).await.unwrap();
    }

    let refused = ada.say(ChatChannel::Lobby, "one more").await;
    let elsewhere = guest.chat().await.say(ChatChannel::Lobby, "from my other window").await;

    assert_eq!(refused, Err(ChatRefusal::TooFast));
    assert_eq!(elsewhere, Err(ChatRefusal::TooFast));
    let mut bob = server.guest("bob").await.chat().await;
    assert!(bob.say(ChatChannel::Lobby, "others may").await.is_ok());
}

#[tokio::test]
async fn an_invalid_message_closes_the_chat() {
    let server = TestServer::start().await;
    let mut ada = server.guest("ada").await.chat().await;

    ada.send_text("{\"type\":\"shout\"}").await;

    assert_eq!(ada.closed().await.code, Some(close::MALFORMED));
}

#[tokio::test]
async fn a_flood_of_messages_closes_the_chat() {
    let server = TestServer::start().await;
    let mut ada = server.guest("ada").await.chat().await;
    let exit = r#"{"type":"exit","room":"ABCDEF"}"#;

    for _ in 0..200 {
        ada.send_text(exit).await;
    }

    assert_eq!(ada.closed().await.code, Some(close::POLICY));
}

#[tokio::test]
async fn the_chat_history_survives_a_crash() {
    let mut server = ServerProcess::start(10).await;
    let ada = server.guest("ada").await;
    let mut chat = ada.chat().await;
    let said = chat.say(ChatChannel::Lobby, "remember me").await.unwrap();

    server.kill();
    server.restart().await;

    let mut chat = ada.chat().await;
    assert_eq!(chat.greeting.last().map(|line| line.text.as_str()), Some("remember me"));
    let next = chat.say(ChatChannel::Lobby, "I am back").await.unwrap();
    assert!(next > said, "numbers go on over restarts");
}
