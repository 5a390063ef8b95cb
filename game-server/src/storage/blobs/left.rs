//! What other servers have left in the bucket of rounds that they have not completed.

use std::collections::BTreeMap;
use std::io;

use shared::id::ReplayId;

use super::bucket::{Bucket, Unfinished};
use super::folder::Kind;
use super::{Blobs, Listed};
use crate::node::NodeName;

/// What one server has in the bucket of one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The server.
    pub node: NodeName,
    /// The recording.
    pub id: ReplayId,
    /// Whether there is a part of the recording.
    pub has_part: bool,
    /// Whether there is a result that was not settled.
    pub has_result: bool,
}

impl Blobs {
    /// What all servers have not completed, in the order of the rounds. Nothing without a bucket.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn left(&self) -> io::Result<Vec<Left>> {
        let Some(bucket) = &self.bucket else { return Ok(Vec::new()) };
        let mut found = BTreeMap::<_, (bool, bool)>::new();
        for (node, (id, kind)) in bucket.list_unfinished_of_all().await? {
            let (has_part, has_result) = found.entry((id, node)).or_default();
            match kind {
                Kind::Result => *has_result = true,
                Kind::Part | Kind::Whole => *has_part = true,
            }
        }
        let left = found.into_iter().map(|((id, node), (has_part, has_result))| Left {
            node,
            id,
            has_part,
            has_result,
        });
        Ok(left.collect())
    }

    /// The part of a recording that a server left. `None` when it is not there any more.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn read_left_part(&self, left: &Left) -> io::Result<Option<Vec<u8>>> {
        self.read_left(left, Kind::Part).await
    }

    /// The result that a server left. `None` when it is not there any more.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn read_left_result(&self, left: &Left) -> io::Result<Option<Vec<u8>>> {
        self.read_left(left, Kind::Result).await
    }

    /// Removes the part that a server left. Succeeds when there is none.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn remove_left_part(&self, left: &Left) -> io::Result<()> {
        self.of(left)?.remove_unfinished(what(left, Kind::Part)).await
    }

    /// Removes the result that a server left. Succeeds when there is none.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn remove_left_result(&self, left: &Left) -> io::Result<()> {
        self.of(left)?.remove_unfinished(what(left, Kind::Result)).await
    }

    /// Renames a part that cannot be read, so that [`Blobs::left`] skips it.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn set_left_aside(&self, left: &Left, bytes: Vec<u8>) -> io::Result<()> {
        self.of(left)?.set_aside(left.id, bytes).await
    }

    /// Puts a recording into the bucket, as complete as it will be.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn put_whole(&self, id: ReplayId, bytes: Vec<u8>) -> io::Result<()> {
        self.bucket()?.put_whole(id, bytes).await
    }

    /// Removes a recording of this length from the bucket. Others stay.
    ///
    /// # Errors
    /// When the bucket fails.
    pub async fn remove_whole(&self, listed: Listed) -> io::Result<()> {
        self.bucket()?.remove_whole(listed).await
    }

    async fn read_left(&self, left: &Left, kind: Kind) -> io::Result<Option<Vec<u8>>> {
        match self.of(left)?.read_unfinished(what(left, kind)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn of(&self, left: &Left) -> io::Result<Bucket> {
        Ok(self.bucket()?.of(left.node.clone()))
    }

    fn bucket(&self) -> io::Result<&Bucket> {
        self.bucket.as_ref().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

fn what(left: &Left, kind: Kind) -> Unfinished {
    (left.id, kind)
}

#[cfg(test)]
impl Blobs {
    /// The same with a bucket in memory, for the server of this name.
    pub(crate) fn with_memory(
        self,
        store: std::sync::Arc<object_store::memory::InMemory>,
        node: &str,
    ) -> Self {
        let url = "s3://replays/pushback".parse().unwrap();
        self.with_bucket(Some(Bucket::in_store(store, &url, node.parse().unwrap())))
    }

    /// Leaves a part in the bucket, as if this server had died.
    pub(crate) async fn leave_part(&self, id: ReplayId, bytes: Vec<u8>) {
        self.bucket().unwrap().put_unfinished((id, Kind::Part), bytes).await.unwrap();
    }

    /// The same with a result.
    pub(crate) async fn leave_result(&self, id: ReplayId, bytes: Vec<u8>) {
        self.bucket().unwrap().put_unfinished((id, Kind::Result), bytes).await.unwrap();
    }
}
