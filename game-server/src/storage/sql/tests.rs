//! Connections to PostgreSQL that say nothing any more, and transactions that are left open.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::SqlStore;
use crate::storage::testing::{guest, postgres_store};
use crate::storage::{DatabaseUrl, Players as _};
use crate::token::hash_token;

/// What does not come within this time never comes.
const WITHIN: Duration = Duration::from_secs(40);

/// A way to the database. When the second value changes, the connections of before stay open and say nothing any more, as when
/// their host is gone and another has its address.
async fn way_to_database() -> (SocketAddr, watch::Sender<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (lose, lost) = watch::channel(());
    tokio::spawn(async move {
        loop {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let mut lost = lost.clone();
            lost.mark_unchanged();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(test_postgres::address()).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    // Held, and not closed, until the test ends.
                    Ok(()) = lost.changed() => sleep(2 * WITHIN).await,
                }
            });
        }
    });
    (address, lose)
}

#[tokio::test]
async fn a_query_to_a_host_that_is_gone_fails_in_time_and_the_next_one_goes_to_another() {
    let (way, lose) = way_to_database().await;
    let database = test_postgres::database_at(&test_postgres::empty_database(), way);
    let store = SqlStore::open(&DatabaseUrl::from(database.as_str())).await.unwrap();
    guest(&store, 1, "Ada").await;
    let ada = || store.session(hash_token("Ada"));
    // All connections for reading, and every one was used just now.
    let mut used = Vec::new();
    for _ in 0..super::READS_MAX {
        used.push(store.reads.acquire().await.unwrap());
    }
    drop(used);
    while store.reads.num_idle() < super::READS_MAX as usize {
        sleep(Duration::from_millis(1)).await;
    }

    lose.send_replace(());
    let asked = (0..super::READS_MAX).map(|_| ada());
    let answers = timeout(WITHIN, futures_util::future::join_all(asked)).await.expect("in time");

    for answer in answers {
        let error = answer.unwrap_err();
        assert!(error.is_transient() && error.is_busy(), "{error:?}");
    }
    let answered = async {
        while ada().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(10), answered).await.expect("other connections");
}

#[tokio::test]
async fn a_transaction_that_is_left_open_lets_its_locks_go() {
    let store = postgres_store().await;
    let ada = guest(&store, 1, "Ada").await;
    let mut left = store.writes.begin().await.unwrap();
    sqlx::query("UPDATE players SET points = 1 WHERE id = 1").execute(&mut *left).await.unwrap();

    let renamed = async { while store.rename(ada.id, ada.name.clone()).await.is_err() {} };

    timeout(WITHIN, renamed).await.expect("the row is free in time");
}
