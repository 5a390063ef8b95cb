//! Whoever has a room's page open keeps the room, and is counted.

use reqwest::Method;
use shared::sim::Mode;
use tests::browser::Browser;
use tests::wait::DEADLINE;
use tests::{TestServer, eventually, within};

#[tokio::test]
async fn readers_of_a_rooms_stream_are_counted_once_each_as_watching() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;
    let (bob, cid) = (server.guest("bob").await, server.guest("cid").await);
    // Nobody sits in it, so that nothing ticks there.
    let room = ada.private_room(Mode::Brawl).await;
    let path = format!("/api/rooms/{}/live", server.room_address(room).await);
    let read = async |token: Option<&str>| {
        let request = server.request(Method::GET, &path);
        let request =
            token.map_or(server.request(Method::GET, &path), |it| request.bearer_auth(it));
        within("the stream", request.send()).await.unwrap()
    };
    let spectators = async |wanted: u32| {
        eventually(DEADLINE, "the spectators", async || {
            (server.room(room).await.summary.spectators == wanted).then_some(())
        })
        .await;
    };

    let streams = [
        read(Some(ada.token())).await,
        read(Some(bob.token())).await,
        // The second window of the same guest.
        read(Some(bob.token())).await,
        read(None).await,
    ];
    spectators(3).await;
    // A guest who watches over a socket as well is still one, and a player is none.
    let _seat = cid.play(room).await;
    let _socket = bob.spectate(room).await;
    spectators(3).await;
    let own = read(Some(cid.token())).await;
    drop(streams);
    spectators(1).await;
    drop(own);
}

#[tokio::test]
async fn a_page_that_watches_a_room_is_counted() {
    let server = TestServer::start().await;
    let room = server.guest("ada").await.private_room(Mode::Brawl).await;
    let browser = Browser::start().await;

    browser.open(&server.url(&format!("/rooms/{room}/watch"))).await;

    eventually(DEADLINE, "the visitor", async || {
        (server.room(room).await.summary.spectators == 1).then_some(())
    })
    .await;
}
