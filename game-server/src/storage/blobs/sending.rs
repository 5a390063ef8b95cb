//! Sends what is in the folder to the bucket: complete recordings, which then leave the folder, and every four seconds a copy
//! of what is not complete, from which a start on another disk goes on.
//!
//! There is no queue that could fill: each pass compares the folder with what the bucket has. While the bucket cannot be
//! reached everything stays in the folder, and the next pass sends it.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::iter;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use shared::id::ReplayId;
use tokio::time::sleep;

use super::Blobs;
use super::bucket::{Bucket, BucketError, Unfinished};
use super::folder::Kind;
use crate::metrics::Engine;
use crate::tasks::Tasks;

/// The pause between two copies of a running round. With the time to write and to send one, a lost disk costs five seconds.
const SEND_EVERY: Duration = Duration::from_secs(4);
/// Files that are sent at once, and so are in memory.
const AT_ONCE_MAX: usize = 8;
/// The pause before a bucket that could not be opened is tried again.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How often the folder is looked at while the server stops.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The part of the time to stop that is kept for the steps after the sending.
const STOP_RESERVE: Duration = Duration::from_millis(500);

impl Blobs {
    /// Fetches from the bucket what this server has not completed and does not have any more, because its disk is another, and
    /// begins to send. Does nothing without a bucket.
    ///
    /// # Errors
    /// When the bucket does not answer for `limit`, refuses, or the disk fails.
    pub async fn start_sending(
        &self,
        tasks: &Tasks,
        engine: Engine,
        limit: Duration,
    ) -> Result<(), BucketError> {
        let Some(bucket) = self.bucket.clone() else { return Ok(()) };
        let unfinished = open_within(&bucket, limit).await?;
        let mut sender =
            Sender { blobs: self.clone(), bucket, engine, sent: unfinished.into_iter().collect() };
        sender.fetch_lost().await?;
        let stop = tasks.clone();
        tasks.spawn_vital("bucket", async move {
            tokio::select! {
                () = sender.run(&stop) => {}
                // What is left stays in the folder for the next start.
                () = stop.stop_overdue(STOP_RESERVE) => {}
            }
        });
        Ok(())
    }
}

/// What a server has not completed, as soon as the bucket says so and can be written.
async fn open_within(
    bucket: &Bucket,
    limit: Duration,
) -> Result<Vec<(Unfinished, u64)>, BucketError> {
    let began = Instant::now();
    loop {
        match open(bucket).await {
            Ok(unfinished) => return Ok(unfinished),
            Err(error) if may_pass(&error) && began.elapsed() < limit => {
                say_waiting(&error);
                sleep(OPEN_AGAIN_AFTER).await;
            }
            Err(error) => return Err(bucket.unusable(error)),
        }
    }
}

async fn open(bucket: &Bucket) -> object_store::Result<Vec<(Unfinished, u64)>> {
    let unfinished = bucket.list_unfinished().await?;
    bucket.check_writing().await?;
    Ok(unfinished)
}

fn say_waiting(error: &object_store::Error) {
    let error = error as &dyn Error;
    tracing::warn!(error, "the start waits for the bucket, which does not answer");
}

/// Whether the store was not reached at all, so that the same request can succeed later. An answer that refuses stays: the
/// bucket is missing, or the credentials are wrong.
fn may_pass(error: &object_store::Error) -> bool {
    iter::successors(Some(error as &dyn Error), |&error| error.source())
        .any(|error| error.is::<object_store::client::HttpError>())
}

/// Why a pass ended early.
#[derive(Debug)]
enum SendError {
    Bucket(io::Error),
    Disk(io::Error),
}

struct Sender {
    blobs: Blobs,
    bucket: Bucket,
    engine: Engine,
    /// What the bucket has of what is not complete, with the sizes there.
    sent: BTreeMap<Unfinished, u64>,
}

impl Sender {
    async fn fetch_lost(&self) -> Result<(), BucketError> {
        for (id, kind) in self.sent.keys().copied() {
            if self.blobs.on_disk(move |folder| Ok(folder.has(id, kind))).await? {
                continue;
            }
            let bytes = match self.bucket.read_unfinished((id, kind)).await {
                // Another node has saved it since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                bytes => bytes?,
            };
            let length = bytes.len();
            tracing::info!(replay = %id, bytes = length, "a recording of a lost disk is fetched");
            self.blobs.on_disk(move |folder| folder.write(id, kind, &bytes)).await?;
        }
        Ok(())
    }

    async fn run(&mut self, tasks: &Tasks) {
        while !tasks.is_stopping() {
            self.pass().await;
            tokio::select! {
                () = sleep(SEND_EVERY) => {}
                () = self.blobs.finished.notified() => {}
                () = tasks.stopping() => {}
            }
        }
        // The rounds that the stop cuts off are completed meanwhile.
        loop {
            let growing = self.blobs.growing.count();
            if self.pass().await == 0 && growing == 0 {
                return;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Sends what can be sent. Returns how many complete recordings are left.
    async fn pass(&mut self) -> usize {
        if let Err(error) = self.send().await {
            match error {
                SendError::Bucket(error) => self.engine.failed(&error),
                SendError::Disk(error) => {
                    tracing::error!(%error, "the folder of the recordings cannot be listed");
                }
            }
        }
        let left = self.list(Kind::Whole).await.map_or(0, |left| left.len());
        self.engine.set_waiting(left as u64);
        left
    }

    async fn send(&mut self) -> Result<(), SendError> {
        let whole = self.list(Kind::Whole).await.map_err(SendError::Disk)?;
        self.engine.set_waiting(whole.len() as u64);
        let sending = stream::iter(whole).map(Ok);
        sending.try_for_each_concurrent(AT_ONCE_MAX, |(id, _)| self.send_whole(id)).await?;

        let mut unfinished = BTreeMap::new();
        for kind in [Kind::Part, Kind::Result] {
            let found = self.list(kind).await.map_err(SendError::Disk)?;
            unfinished.extend(found.into_iter().map(|(id, bytes)| ((id, kind), bytes)));
        }
        let is_new = |(what, bytes): &(&Unfinished, &u64)| self.sent.get(what) != Some(*bytes);
        let new: Vec<_> = unfinished.iter().filter(is_new).map(|(what, _)| *what).collect();
        let copies = stream::iter(new).map(|what| self.send_copy(what));
        let copies: Vec<_> = copies.buffer_unordered(AT_ONCE_MAX).try_collect().await?;
        self.sent.extend(copies.into_iter().flatten());

        let is_gone = |what: &&Unfinished| !unfinished.contains_key(what);
        for what in self.sent.keys().filter(is_gone).copied().collect::<Vec<_>>() {
            self.remove_copy(what).await?;
        }
        // Nothing may have been sent: whether the bucket is there is known in any case.
        self.timed(self.bucket.answers()).await?;
        Ok(())
    }

    async fn send_whole(&self, id: ReplayId) -> Result<(), SendError> {
        let Some(bytes) = self.read(id, Kind::Whole).await else { return Ok(()) };
        self.timed(self.bucket.put_whole(id, bytes)).await?;
        if let Err(error) = self.blobs.on_disk(move |folder| folder.remove(id, Kind::Whole)).await {
            // It is sent again, and nothing else happens.
            tracing::warn!(replay = %id, %error, "a recording that was sent could not be removed here");
        }
        Ok(())
    }

    async fn send_copy(&self, what: Unfinished) -> Result<Option<(Unfinished, u64)>, SendError> {
        let Some(bytes) = self.read(what.0, what.1).await else { return Ok(None) };
        let length = bytes.len() as u64;
        self.timed(self.bucket.put_unfinished(what, bytes)).await?;
        Ok(Some((what, length)))
    }

    /// Removes a copy of what is not there any more: a part whose recording was sent, and the result of a settled round.
    async fn remove_copy(&mut self, what: Unfinished) -> Result<(), SendError> {
        // A part that became complete since this pass began is not sent yet.
        if what.1 == Kind::Part
            && self.blobs.on_disk(move |folder| folder.size(what.0)).await.is_ok()
        {
            return Ok(());
        }
        self.timed(self.bucket.remove_unfinished(what)).await?;
        self.sent.remove(&what);
        Ok(())
    }

    async fn list(&self, kind: Kind) -> io::Result<Vec<(ReplayId, u64)>> {
        self.blobs.on_disk(move |folder| folder.list(kind)).await
    }

    /// `None` when the file is not there any more, or cannot be read.
    async fn read(&self, id: ReplayId, kind: Kind) -> Option<Vec<u8>> {
        match self.blobs.on_disk(move |folder| folder.read_all(id, kind)).await {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(replay = %id, %error, "a file cannot be sent to the bucket");
                None
            }
        }
    }

    /// A request, whose answer says that the bucket is there.
    async fn timed(&self, request: impl Future<Output = io::Result<()>>) -> Result<(), SendError> {
        let began = Instant::now();
        request.await.map_err(SendError::Bucket)?;
        self.engine.answered(began.elapsed());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use futures_util::TryStreamExt as _;
    use object_store::ObjectStore as _;
    use object_store::memory::InMemory;
    use shared::id::ReplayId;
    use tempfile::TempDir;

    use super::Sender;
    use crate::metrics::Engines;
    use crate::storage::blobs::{Blobs, Bucket, BucketUrl, Listed};

    const ID: ReplayId = ReplayId::from_bits(77);
    const NODE: &str = "eu-1";

    /// A store whose servers come and go.
    #[derive(Default)]
    struct Store(Arc<InMemory>);

    impl Store {
        /// A server with an empty folder, as it starts.
        async fn server(&self) -> (Sender, TempDir) {
            let folder = tempfile::tempdir().unwrap();
            let url: BucketUrl = "s3://replays/pushback".parse().unwrap();
            let bucket = Bucket::in_store(self.0.clone(), &url, NODE.parse().unwrap());
            let blobs = Blobs::open(folder.path().to_owned()).await.unwrap();
            let blobs = blobs.with_bucket(Some(bucket.clone()));
            let sent: BTreeMap<_, _> =
                bucket.list_unfinished().await.unwrap().into_iter().collect();
            let sender = Sender { blobs, bucket, engine: Engines::default().bucket, sent };
            sender.fetch_lost().await.unwrap();
            (sender, folder)
        }

        async fn keys(&self) -> Vec<String> {
            let found = self.0.list(None).map_ok(|object| object.location.to_string());
            let mut keys: Vec<_> = found.try_collect().await.unwrap();
            keys.sort();
            keys
        }
    }

    #[tokio::test]
    async fn a_recording_is_copied_while_it_grows_and_moves_when_it_is_complete() {
        let store = Store::default();
        let (mut sender, _folder) = store.server().await;
        let blobs = sender.blobs.clone();
        let part = format!("pushback/parts/{NODE}/{ID}");

        let mut growing = blobs.create(ID).await.unwrap();
        growing.append(b"one".to_vec()).await.unwrap();
        assert_eq!(sender.pass().await, 0);
        assert_eq!(store.keys().await, std::slice::from_ref(&part));
        growing.append(b" two".to_vec()).await.unwrap();
        sender.pass().await;
        let listed = Listed { id: ID, bytes: 7 };
        assert_eq!(sender.sent.values().collect::<Vec<_>>(), [&7]);

        growing.finish().await.unwrap();
        assert_eq!(blobs.size(listed).await.unwrap(), 7, "read from the folder meanwhile");
        sender.pass().await;

        assert_eq!(store.keys().await, [format!("pushback/replays/{ID}/7")]);
        assert!(
            !sender.blobs.on_disk(|folder| Ok(folder.has(ID, super::Kind::Whole))).await.unwrap()
        );
        assert_eq!(blobs.size(listed).await.unwrap(), 7);
        assert_eq!(blobs.read(listed, 4, 100).await.unwrap(), b"two");
        assert_eq!(blobs.read(listed, 7, 100).await.unwrap(), b"");

        blobs.delete(ID).await.unwrap();
        assert!(store.keys().await.is_empty());
        let gone = blobs.size(listed).await.unwrap_err();
        assert_eq!(gone.kind(), std::io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_start_on_another_disk_has_the_parts_and_results_of_the_lost_one() {
        let store = Store::default();
        let (mut lost, _folder) = store.server().await;
        let mut growing = lost.blobs.create(ID).await.unwrap();
        growing.append(b"half a round".to_vec()).await.unwrap();
        lost.blobs.put_result(ID, b"a result".to_vec()).await.unwrap();
        lost.pass().await;

        let (mut heir, _other_folder) = store.server().await;

        assert_eq!(heir.blobs.parts().await.unwrap(), [ID]);
        assert_eq!(heir.blobs.read_part(ID).await.unwrap(), b"half a round");
        assert_eq!(heir.blobs.read_result(ID).await.unwrap(), b"a result");

        // Settled and completed, as the start does: nothing is fetched a third time.
        heir.blobs.remove_result(ID).await.unwrap();
        heir.blobs.cut_part(ID, 4).await.unwrap();
        heir.blobs.finish_part(ID).await.unwrap();
        heir.pass().await;
        assert_eq!(store.keys().await, [format!("pushback/replays/{ID}/4")]);
    }

    #[tokio::test]
    async fn a_late_original_overwrites_no_shorter_copy() {
        let store = Store::default();
        for bytes in [&b"half"[..], b"the whole"] {
            let (mut sender, _folder) = store.server().await;
            let mut growing = sender.blobs.create(ID).await.unwrap();
            growing.append(bytes.to_vec()).await.unwrap();
            growing.finish().await.unwrap();
            sender.pass().await;
        }

        let (reader, _folder) = store.server().await;
        for (bytes, text) in [(4, &b"half"[..]), (9, b"the whole")] {
            let listed = Listed { id: ID, bytes };
            assert_eq!(reader.blobs.read(listed, 0, 100).await.unwrap(), text);
        }
    }

    #[tokio::test]
    async fn another_server_s_parts_are_its_own() {
        let store = Store::default();
        let url: BucketUrl = "s3://replays/pushback".parse().unwrap();
        let other = Bucket::in_store(store.0.clone(), &url, "us-1".parse().unwrap());
        other.put_unfinished((ID, super::Kind::Part), b"theirs".to_vec()).await.unwrap();

        let (mut sender, _folder) = store.server().await;
        sender.pass().await;

        assert!(sender.blobs.parts().await.unwrap().is_empty());
        assert_eq!(store.keys().await, [format!("pushback/parts/us-1/{ID}")]);
    }
}
