//! Large files: recordings of rounds.
//!
//! A recording grows in a folder on this machine. A complete one stays there or, when the server has a [`Bucket`], goes to
//! it (`sending`); until it has arrived, and while the bucket cannot be reached, it is read from the folder.

mod bucket;
mod folder;
mod left;
mod listed;
mod sending;
mod url;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use shared::id::ReplayId;
use tokio::sync::Notify;

use crate::blocking::blocking;
use crate::metrics::{Counted, Gauge};
use folder::{Folder, Kind, PartFile};

pub use bucket::{Bucket, BucketError};
pub use left::Left;
pub use listed::Listed;
pub use url::BucketUrl;

/// The recordings' files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: Arc<Folder>,
    bucket: Option<Bucket>,
    /// Notified when a complete recording is there to be sent.
    finished: Arc<Notify>,
    /// Recordings that are being written.
    growing: Gauge,
}

impl Blobs {
    /// Files in a folder. It is created when it is missing.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn open(path: PathBuf) -> io::Result<Self> {
        let folder = blocking(move || Folder::open(path)).await?;
        let (folder, finished) = (Arc::new(folder), Arc::default());
        Ok(Self { folder, bucket: None, finished, growing: Gauge::default() })
    }

    /// The same, with a bucket for what is complete.
    #[must_use]
    pub fn with_bucket(self, bucket: Option<Bucket>) -> Self {
        Self { bucket, ..self }
    }

    /// Creates an empty recording that grows.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn create(&self, id: ReplayId) -> io::Result<Growing> {
        let part = self.on_disk(move |folder| folder.create(id)).await?;
        Ok(Growing { blobs: self.clone(), id, part: Some(part), _counted: self.growing.enter() })
    }

    /// The size in bytes of a recording, complete or growing.
    ///
    /// # Errors
    /// `NotFound` when there is none; another when the disk or the bucket fails.
    pub async fn size(&self, listed: Listed) -> io::Result<u64> {
        let here = self.on_disk(move |folder| folder.size(listed.id)).await;
        match (&self.bucket, here) {
            (Some(bucket), Err(_)) => bucket.size(listed).await,
            (_, here) => here,
        }
    }

    /// `length` bytes from `offset` of a recording, complete or growing. Fewer at its end.
    ///
    /// # Errors
    /// As for [`Blobs::size`].
    pub async fn read(&self, listed: Listed, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let here = self.on_disk(move |folder| folder.read(listed.id, offset, length)).await;
        match (&self.bucket, here) {
            (Some(bucket), Err(_)) => bucket.read(listed, offset, length).await,
            (_, here) => here,
        }
    }

    /// The parts that an earlier run left behind, by id.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn parts(&self) -> io::Result<Vec<ReplayId>> {
        self.ids(Kind::Part).await
    }

    /// Whether there is a part of this recording.
    pub async fn has_part(&self, id: ReplayId) -> bool {
        self.parts().await.is_ok_and(|parts| parts.contains(&id))
    }

    /// The bytes of a part.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read_part(&self, id: ReplayId) -> io::Result<Vec<u8>> {
        self.on_disk(move |folder| folder.read_all(id, Kind::Part)).await
    }

    /// Cuts a part to the length that could be recovered. That takes no room on a full disk.
    ///
    /// # Errors
    /// When it cannot be cut.
    pub async fn cut_part(&self, id: ReplayId, length: u64) -> io::Result<()> {
        self.on_disk(move |folder| folder.cut_part(id, length)).await
    }

    /// Makes a part a complete recording.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub async fn finish_part(&self, id: ReplayId) -> io::Result<()> {
        self.on_disk(move |folder| folder.finish_part(id)).await?;
        self.finished.notify_one();
        Ok(())
    }

    /// Renames a part that cannot be read, so that [`Blobs::parts`] skips it. An operator can examine it.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub async fn set_aside(&self, id: ReplayId) -> io::Result<()> {
        self.on_disk(move |folder| folder.set_aside(id)).await
    }

    /// Keeps the result of a round beside its recording, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put_result(&self, id: ReplayId, bytes: Vec<u8>) -> io::Result<()> {
        self.on_disk(move |folder| folder.write(id, Kind::Result, &bytes)).await
    }

    /// The rounds whose results are kept here, by id.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn results(&self) -> io::Result<Vec<ReplayId>> {
        self.ids(Kind::Result).await
    }

    /// A result that is kept here.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read_result(&self, id: ReplayId) -> io::Result<Vec<u8>> {
        self.on_disk(move |folder| folder.read_all(id, Kind::Result)).await
    }

    /// Removes a result. Succeeds when there is none.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn remove_result(&self, id: ReplayId) -> io::Result<()> {
        self.on_disk(move |folder| folder.remove(id, Kind::Result)).await
    }

    /// Deletes a recording, complete or growing. Succeeds when there is none.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub async fn delete(&self, id: ReplayId) -> io::Result<()> {
        self.on_disk(move |folder| {
            folder.remove(id, Kind::Whole)?;
            folder.remove(id, Kind::Part)
        })
        .await?;
        match &self.bucket {
            Some(bucket) => bucket.delete(id).await,
            None => Ok(()),
        }
    }

    async fn ids(&self, kind: Kind) -> io::Result<Vec<ReplayId>> {
        let found = self.on_disk(move |folder| folder.list(kind)).await?;
        Ok(found.into_iter().map(|(id, _)| id).collect())
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let folder = self.folder.clone();
        blocking(move || work(&folder)).await
    }
}

/// A recording that grows. When it is dropped the part stays, and [`Blobs::parts`] finds it.
#[derive(Debug)]
pub struct Growing {
    blobs: Blobs,
    id: ReplayId,
    /// `None` only while it is written, or when that broke off.
    part: Option<PartFile>,
    _counted: Counted,
}

impl Growing {
    /// Adds bytes at the end. Readers see them at once.
    ///
    /// # Errors
    /// When the disk refuses, for example because it is full. The file then ends as before.
    pub async fn append(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let mut part = self.part.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (part, appended) = blocking(move || {
            let appended = part.append(&bytes);
            Ok((part, appended))
        })
        .await?;
        self.part = Some(part);
        appended
    }

    /// Completes the recording: all of it is on the disk, then it gets its final name.
    ///
    /// # Errors
    /// When it cannot be written; the part stays.
    pub async fn finish(mut self) -> io::Result<()> {
        let part = self.part.take().ok_or(io::ErrorKind::BrokenPipe)?;
        blocking(move || part.sync()).await?;
        self.blobs.finish_part(self.id).await
    }
}
