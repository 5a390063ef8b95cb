//! Each test of the store, on SQLite and on PostgreSQL.

use shared::id::{PlayerId, PlayerName};
use tempfile::TempDir;

use super::{DatabaseUrl, Players as _, SqlStore};
use crate::player::Player;
use crate::token::hash_token;

/// Makes a test for each engine from each of these functions, which take an empty store.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let (store, _folder) = crate::storage::testing::sqlite_store().await;
                super::$test(&store).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let store = crate::storage::testing::postgres_store().await;
                super::$test(&store).await;
            })+
        }
    };
}
pub(in crate::storage) use on_both_engines;

/// A store in a folder that is deleted with it.
pub(in crate::storage) async fn sqlite_store() -> (SqlStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(&folder.path().join("test.sqlite"));
    (SqlStore::open(&url).await.unwrap(), folder)
}

/// A store in a database of its own.
pub(in crate::storage) async fn postgres_store() -> SqlStore {
    let url = DatabaseUrl::from(test_postgres::empty_database().as_str());
    SqlStore::open(&url).await.unwrap()
}

/// Adds a guest with a session whose token is the guest's name.
pub(in crate::storage) async fn guest(store: &SqlStore, id: u64, name: &str) -> Player {
    let player = Player { id: PlayerId::from_bits(id), name: PlayerName::parse(name).unwrap() };
    store.add_guest(player.clone(), hash_token(name), 1_000).await.unwrap();
    player
}
