//! The places of spectators: each guest takes one.

use shared::api::Role;
use shared::protocol::close;
use shared::sim::Mode;
use tests::wait::DEADLINE;
use tests::{TestServer, eventually, within};

#[tokio::test]
async fn a_guest_with_many_sockets_takes_one_place_of_the_spectators() {
    let server = TestServer::start().await;
    let (ada, eve) = (server.guest("ada").await, server.guest("eve").await);
    let room = ada.public_room(Mode::Duel).await;
    let _ada = ada.play(room).await;

    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(eve.connect(room, Role::Spectator).await);
    }

    // The fifth took the place of the first.
    let first = within("the end of the first", sockets[0].closed()).await;
    assert_eq!(first.code, Some(close::REPLACED));
    eventually(DEADLINE, "one spectator", async || {
        (server.room(room).await.summary.spectators == 1).then_some(())
    })
    .await;
}
