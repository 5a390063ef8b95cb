//! What becomes of what a dead node left, over a bucket in memory.

use std::sync::Arc;

use futures_util::future::join_all;
use object_store::memory::InMemory;
use shared::api::ReplaySummary;
use tempfile::TempDir;

use super::super::recover::tests::{ID, recording};
use super::super::tests::round_record;
use super::{Left, Salvage, SalvageError, is_lost};
use crate::clock::now_ms;
use crate::storage::RoundRecord;
use crate::storage::blobs::{Blobs, Listed};
use crate::testing::Bench;

/// A steward with a bucket that it shares with the node `dead`.
struct Heir {
    bench: Bench,
    blobs: Blobs,
    of_dead: Blobs,
    salvage: Salvage,
    _folder: TempDir,
}

impl Heir {
    async fn start() -> Self {
        let (bench, folder) = (Bench::start().await, tempfile::tempdir().unwrap());
        let store = Arc::new(InMemory::new());
        let blobs = Blobs::open(folder.path().to_owned()).await.unwrap();
        let of_dead = blobs.clone().with_memory(store.clone(), "dead");
        let blobs = blobs.with_memory(store, "heir");
        let (rounds, on_settled) = (bench.app.store.clone(), Arc::new(|_: &_, _: &[_]| {}));
        let salvage = Salvage::new(&bench.app.tasks, rounds, blobs.clone(), on_settled);
        Self { bench, blobs, of_dead, salvage, _folder: folder }
    }

    async fn entry(&self) -> Option<ReplaySummary> {
        self.bench.app.store.replay(ID).await.unwrap()
    }

    async fn left(&self) -> Vec<Left> {
        self.salvage.left().await.unwrap()
    }

    async fn has_file(&self, bytes: u64) -> bool {
        self.blobs.size(Listed { id: ID, bytes }).await.is_ok()
    }
}

/// The recording as it grows, and when it is whole.
fn cut_and_whole() -> (Vec<u8>, Vec<u8>) {
    let (bytes, last) = recording();
    (bytes[..bytes.len() - 1].to_vec(), [bytes, last].concat())
}

/// The result of the round of that recording.
fn result(whole: &[u8]) -> RoundRecord {
    let round = round_record();
    let replay = ReplaySummary { ticks: 120, bytes: whole.len() as u64, ..round.replay };
    RoundRecord { replay, ..round }
}

#[tokio::test]
async fn a_part_and_a_result_are_saved_once_however_often_it_is_done() {
    let heir = Heir::start().await;
    let (cut, whole) = cut_and_whole();
    let round = result(&whole);
    heir.of_dead.leave_part(ID, cut.clone()).await;
    heir.of_dead.leave_result(ID, serde_json::to_vec(&round).unwrap()).await;
    let left = heir.left().await;
    assert_eq!(left.len(), 1);
    assert!(left[0].has_part && left[0].has_result && left[0].node.as_str() == "dead");

    let twice = (0..2).map(|_| heir.salvage.take_over(&left[0]));
    for done in join_all(twice).await {
        done.unwrap();
    }

    let entry = heir.entry().await.unwrap();
    assert_eq!((entry.ticks, entry.complete), (119, false));
    assert_eq!(entry.players, round.replay.players, "those of the result");
    assert!(heir.has_file(entry.bytes).await && heir.left().await.is_empty());
    let player = round.result.standings[0].player.id;
    let row = heir.bench.app.store.row(player).await.unwrap().unwrap();
    assert_eq!((row.rounds, row.points), (1, 3));
    heir.bench.stop().await;
}

#[tokio::test]
async fn a_longer_part_replaces_a_shorter_one_and_never_the_whole() {
    let heir = Heir::start().await;
    let (cut, whole) = cut_and_whole();
    let half = cut[..cut.len() / 2].to_vec();
    let take_over = async |part: &[u8]| {
        heir.of_dead.leave_part(ID, part.to_vec()).await;
        for left in heir.left().await {
            heir.salvage.take_over(&left).await.unwrap();
        }
        assert!(heir.left().await.is_empty());
        heir.entry().await.unwrap()
    };

    let short = take_over(&half).await;
    let long = take_over(&cut).await;
    assert!(short.ticks < long.ticks && long.ticks == 119);
    assert!(!heir.has_file(short.bytes).await && heir.has_file(long.bytes).await);
    assert_eq!(take_over(&half).await, long);
    assert!(!heir.has_file(short.bytes).await, "no entry names it");

    // The node comes back with its disk.
    let (bytes, complete) = (whole.len() as u64, true);
    let original = ReplaySummary { ticks: 120, bytes, complete, ..long };
    heir.bench.app.store.put_replay(original.clone()).await.unwrap();
    heir.blobs.put_whole(ID, whole).await.unwrap();
    assert_eq!(take_over(&cut).await, original);
    heir.bench.stop().await;
}

#[tokio::test]
async fn a_whole_recording_that_may_still_come_is_waited_for() {
    let heir = Heir::start().await;
    let (cut, whole) = cut_and_whole();
    let entry = result(&whole).replay;
    let fresh = ReplaySummary { started_at_ms: now_ms(), ..entry.clone() };
    heir.bench.app.store.put_replay(fresh.clone()).await.unwrap();
    heir.of_dead.leave_part(ID, cut).await;
    let left = heir.left().await;

    let waits = heir.salvage.take_over(&left[0]).await;
    assert!(matches!(waits, Err(SalvageError::WholeMayCome)), "{waits:?}");
    assert_eq!((heir.entry().await, heir.left().await), (Some(fresh.clone()), left.clone()));
    assert!(is_lost(&fresh, now_ms() + 700_000));

    heir.bench.app.store.remove_replay(ID).await.unwrap();
    heir.bench.app.store.put_replay(entry).await.unwrap();
    heir.salvage.take_over(&left[0]).await.unwrap();
    let entry = heir.entry().await.unwrap();
    assert_eq!((entry.ticks, entry.complete), (119, false));
    assert!(heir.has_file(entry.bytes).await);
    heir.bench.stop().await;
}

#[tokio::test]
async fn a_whole_recording_that_comes_while_its_part_is_listed_is_listed_again() {
    let heir = Heir::start().await;
    let (cut, whole) = cut_and_whole();
    let entry = result(&whole).replay;
    let part =
        ReplaySummary { ticks: 119, bytes: cut.len() as u64, complete: false, ..entry.clone() };

    heir.salvage.replace(&entry, &part).await.unwrap();
    assert_eq!(heir.entry().await, Some(part.clone()), "its file is lost");
    heir.blobs.put_whole(ID, whole).await.unwrap();
    heir.salvage.replace(&entry, &part).await.unwrap();

    assert_eq!(heir.entry().await, Some(entry));
    heir.bench.stop().await;
}

#[tokio::test]
async fn what_cannot_be_played_is_removed_or_set_aside() {
    let heir = Heir::start().await;
    for part in [Vec::new(), b"no recording at all".to_vec()] {
        heir.of_dead.leave_part(ID, part).await;
        for left in heir.left().await {
            heir.salvage.take_over(&left).await.unwrap();
        }
        assert!(heir.left().await.is_empty());
    }
    assert_eq!(heir.entry().await, None);

    heir.of_dead.leave_result(ID, b"{\"of\":\"a newer build\"}".to_vec()).await;
    let left = heir.left().await;
    let refused = heir.salvage.take_over(&left[0]).await;
    assert!(matches!(refused, Err(SalvageError::Result(_))), "{refused:?}");
    assert_eq!(heir.left().await, left, "another build can settle it");
    heir.bench.stop().await;
}
