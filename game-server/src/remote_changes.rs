//! What other nodes have changed in the store and this one has in its memory: sessions that ended there, and names.
//!
//! A hint may be lost. What came from a session that has ended elsewhere then goes on until its token is next used, or for
//! a minute at most, and a name stays until the player comes again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::time::sleep;

use crate::cluster::post::{Hint, Post};
use crate::renames::Renames;
use crate::sessions::Sessions;
use crate::tasks::Tasks;

/// How often the sessions from which something is left are looked up in the store.
const COMPARE_EVERY: Duration = Duration::from_secs(60);

/// Starts to listen. A server that is alone has nobody to listen to.
pub fn start(tasks: &Tasks, post: &dyn Post, sessions: Arc<Sessions>, renames: Renames) {
    if post.is_alone() {
        return;
    }
    // A name is looked up in the store. The end of a session does not wait for that.
    let ending = end_sessions(post.heard(), sessions.clone());
    let comparing = compare_sessions(sessions, COMPARE_EVERY);
    let renaming = rename(post.heard(), renames);
    let stop = tasks.clone();
    tasks.spawn_vital("remote changes", async move {
        tokio::select! {
            () = stop.stopping() => {}
            ((), (), ()) = async { tokio::join!(ending, comparing, renaming) } => {}
        }
    });
}

async fn end_sessions(mut hints: BoxStream<'static, Hint>, sessions: Arc<Sessions>) {
    while let Some(hint) = hints.next().await {
        if let Hint::SessionEnded { token } = hint {
            sessions.ended_elsewhere(token);
        }
    }
}

/// Ends what came from sessions that have ended elsewhere although no hint said so.
async fn compare_sessions(sessions: Arc<Sessions>, every: Duration) {
    loop {
        sleep(every).await;
        if let Err(error) = sessions.end_unheard().await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "the sessions cannot be compared with the store yet");
        }
    }
}

async fn rename(mut hints: BoxStream<'static, Hint>, renames: Renames) {
    while let Some(hint) = hints.next().await {
        if let Hint::Renamed { player } = hint {
            renames.renamed_elsewhere(player).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, header};
    use shared::api::Scoreboard;
    use shared::id::{PlayerName, RoomId};
    use test_nats::Nats;
    use tokio::time::timeout;

    use crate::feeds::feed::Source as _;
    use crate::ladder::Seated;
    use crate::player::Player;
    use crate::sessions::SignedIn;
    use crate::sessions::cookie::{Carrier, Presented};
    use crate::storage::DatabaseUrl;
    use crate::testing::Bench;
    use crate::tickets::TicketScope;

    /// Much less than the cache of sessions would take.
    const SOON: Duration = Duration::from_secs(5);

    async fn node(name: &str, nats: &Nats, database: &str) -> Bench {
        Bench::start_with(|config| {
            config.nats = Some(nats.url().parse().unwrap());
            config.database_url = Some(DatabaseUrl::from(database));
            config.node = Some(name.parse().unwrap());
        })
        .await
    }

    fn name(text: &str) -> PlayerName {
        PlayerName::parse(text).unwrap()
    }

    /// Waits until the scoreboard of a node has a row of this name.
    async fn shows(node: &Bench, name: PlayerName) {
        let feed = &node.app.feeds.scoreboard;
        let mut changes = feed.changes();
        let has_row = |board: &Scoreboard| board.rows.iter().any(|row| row.name == name);
        let becomes = async {
            while !feed.with_state(has_row) {
                changes.changed().await.unwrap();
            }
        };
        timeout(SOON, becomes).await.unwrap_or_else(|_| panic!("{name} is not shown"));
    }

    #[tokio::test]
    async fn a_session_that_ends_and_a_new_name_are_seen_by_the_other_node() {
        let (nats, database) = (Nats::start(), test_postgres::empty_database());
        let (here, there) = (node("a", &nats, &database).await, node("b", &nats, &database).await);
        let ada = here.app.sessions.begin(name("Ada")).await.unwrap();
        let presented = || Presented { token: &ada.token, by: Carrier::Bearer };
        let life = there.app.sessions.life(presented());
        let find = async || {
            let found = there.app.sessions.find(presented()).await.unwrap();
            found.map(|found| found.player.name)
        };
        assert_eq!(find().await, Some(name("Ada")));
        // Where she sits, the ladder shows her, and hears of a new name last.
        let seated = Seated { public: true, player: ada.player.clone(), bot: false };
        there.app.ladder.seated(RoomId::from_bits(5), seated);
        shows(&there, name("Ada")).await;

        let renamed = Player { id: ada.player.id, name: name("Countess") };
        here.app.renames.rename(&renamed).await.unwrap();
        shows(&there, name("Countess")).await;
        assert_eq!(find().await, Some(name("Countess")));

        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {}", ada.token).parse().unwrap());
        here.app.sessions.end(&headers).await.unwrap();
        timeout(SOON, life.ended()).await.expect("the end of the session is seen");
        assert_eq!(find().await, None);
        here.stop().await;
        there.stop().await;
    }

    #[tokio::test]
    async fn the_name_in_a_late_hint_does_not_replace_a_newer_one() {
        let bench = Bench::start().await;
        let app = &bench.app;
        let ada = app.sessions.begin(name("Ada")).await.unwrap();
        let presented = Presented { token: &ada.token, by: Carrier::Bearer };
        let (life, player) = (app.sessions.life(presented), ada.player.clone());
        let token = crate::token::hash_token(&ada.token);
        let holder = SignedIn { player, token, life, by: Carrier::Bearer };
        let ticket = app.tickets.issue(holder, TicketScope::Chat).ticket;

        // By another node.
        app.store.rename(ada.player.id, name("Countess")).await.unwrap();
        let late = Player { name: name("Augusta"), ..ada.player };
        app.renames.renamed_elsewhere(late).await;

        let holder = app.tickets.redeem_chat(&ticket).unwrap();
        assert_eq!(holder.player.name, name("Countess"));
        bench.stop().await;
    }

    #[tokio::test]
    async fn a_session_that_has_ended_unheard_ends_when_its_token_is_used() {
        let bench = Bench::start().await;
        let sessions = &bench.app.sessions;
        let ada = sessions.begin(name("Ada")).await.unwrap();
        let presented = || Presented { token: &ada.token, by: Carrier::Bearer };
        let life = sessions.life(presented());

        // By another node, whose hint was lost.
        bench.app.store.end_session(crate::token::hash_token(&ada.token)).await.unwrap();

        assert!(sessions.find(presented()).await.unwrap().is_none() && life.has_ended());
        bench.stop().await;
    }

    #[tokio::test]
    async fn a_session_that_has_ended_unheard_ends_after_a_while_although_its_token_is_not_used() {
        let bench = Bench::start().await;
        let sessions = &bench.app.sessions;
        let (ada, bob) = (
            sessions.begin(name("Ada")).await.unwrap(),
            sessions.begin(name("Bob")).await.unwrap(),
        );
        let [of_ada, of_bob] = [&ada.token, &bob.token]
            .map(|token| sessions.life(Presented { token, by: Carrier::Bearer }));

        // By another node, whose hint was lost.
        bench.app.store.end_session(crate::token::hash_token(&ada.token)).await.unwrap();
        let comparing = super::compare_sessions(sessions.clone(), Duration::from_millis(5));

        tokio::select! {
            () = comparing => panic!("it goes on"),
            ended = timeout(SOON, of_ada.ended()) => ended.expect("the end is found"),
        }
        assert!(!of_bob.has_ended());
        bench.stop().await;
    }
}
