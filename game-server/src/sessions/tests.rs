//! How long a session lasts, and when its cookie is set again.

use std::sync::Arc;

use shared::id::PlayerName;

use super::cookie::{Carrier, Presented};
use super::{DAY_MS, Sessions, UNUSED_MS_MAX};
use crate::clock::now_ms;
use crate::cluster::post::Alone;
use crate::storage::{DatabaseUrl, Players as _, SqlStore};
use crate::token::hash_token;

async fn open(folder: &tempfile::TempDir) -> (Sessions, Arc<SqlStore>) {
    let url = DatabaseUrl::sqlite(&folder.path().join("sessions.sqlite"));
    let store = Arc::new(SqlStore::open(&url).await.unwrap());
    (Sessions::open(store.clone(), false, Arc::new(Alone::default())).await.unwrap(), store)
}

fn by(token: &str, by: Carrier) -> Presented<'_> {
    Presented { token, by }
}

#[tokio::test]
async fn an_unused_session_ends_and_each_day_of_use_renews_it() {
    let folder = tempfile::tempdir().unwrap();
    let (sessions, store) = open(&folder).await;
    let ada = sessions.begin(PlayerName::parse("Ada").unwrap()).await.unwrap();
    let (token, now) = (hash_token(&ada.token), now_ms());
    let find = async |carrier| sessions.find(by(&ada.token, carrier)).await.unwrap();

    assert!(!find(Carrier::Cookie).await.unwrap().renews_cookie, "it is new");
    assert!(find(Carrier::OldCookie).await.unwrap().renews_cookie, "it moves to its new name");

    // Days pass: nobody remembers a session for so long.
    store.note_use(token, now - 89 * DAY_MS).await.unwrap();
    sessions.cache.forget_session(token);
    assert!(find(Carrier::Cookie).await.unwrap().renews_cookie);
    assert!(!find(Carrier::Cookie).await.unwrap().renews_cookie, "once a day is enough");

    let life = sessions.life(by(&ada.token, Carrier::Cookie));
    store.note_use(token, now - UNUSED_MS_MAX).await.unwrap();
    sessions.cache.forget_session(token);
    assert!(find(Carrier::Bearer).await.is_none() && life.has_ended());
    assert_eq!(store.session(token).await.unwrap(), None);
}

#[tokio::test]
async fn unused_sessions_are_removed_and_those_of_before_begin_to_count() {
    let folder = tempfile::tempdir().unwrap();
    let (sessions, store) = open(&folder).await;
    let name = || PlayerName::parse("Ada").unwrap();
    let old = hash_token(&sessions.begin(name()).await.unwrap().token);
    let unknown = hash_token(&sessions.begin(name()).await.unwrap().token);
    store.note_use(old, now_ms() - UNUSED_MS_MAX - 1).await.unwrap();
    // As the migration leaves a session from before it.
    store.note_use(unknown, 0).await.unwrap();

    let (again, store) = open(&folder).await;

    assert_eq!(store.session(old).await.unwrap(), None);
    let kept = store.session(unknown).await.unwrap().unwrap();
    assert!(now_ms() - kept.used_at_ms < DAY_MS);
    assert_eq!(again.cookie().name(), sessions.cookie().name(), "a server keeps its identity");
}

#[tokio::test]
async fn two_servers_have_cookies_of_their_own() {
    let folders = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (open(&folders.0).await.0, open(&folders.1).await.0);

    assert_ne!(one.cookie().name(), other.cookie().name());
}
