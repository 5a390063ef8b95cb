//! A bucket of an S3-compatible store: the complete recordings of all servers, and a copy of what each server has not
//! completed.
//!
//! Needs neither conditional writes nor multipart uploads nor versions: stores differ there, and a round has some hundred
//! kilobytes.
//!
//! | key | what |
//! | --- | --- |
//! | `replays/{id}/{bytes}` | a complete recording; a cut-off copy of another length overwrites nothing |
//! | `parts/{node}/{id}` | what a server has of a running round |
//! | `parts/{node}/{id}.result` | a result that the database has not taken yet |
//! | `parts/{node}/{id}.damaged` | a part that another server could not read when it saved what a dead one left |
//! | `parts/{node}/write-check` | written and deleted at each start |

use std::fs;
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig,
};
use shared::id::ReplayId;

use super::folder::Kind;
use super::listed::Listed;
use super::url::BucketUrl;
use crate::node::NodeName;

/// The longest time for one request.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How often and how long a request is tried again before its caller hears of the failure.
const RETRIES_MAX: usize = 2;
const RETRY_WITHIN: Duration = Duration::from_secs(10);
/// The name of an object that is there for a moment at each start. No id parses from it.
const CHECK: &str = "write-check";
/// The ending of a result's key.
const RESULT: &str = ".result";
/// The ending of the key of a part that cannot be read. No id parses from it.
const DAMAGED: &str = ".damaged";

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The file of the credentials cannot be read.
    #[error("the credentials in {file} cannot be read")]
    Credentials {
        /// The file.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// A line of the file is no setting.
    #[error("line {line} of the credentials in {file} is no AWS_… setting")]
    Setting {
        /// The file.
        file: String,
        /// The line's number, from 1.
        line: usize,
    },
    /// A file of an earlier run can not be fetched.
    #[error("what an earlier run left in the bucket cannot be fetched")]
    Fetch(#[from] io::Error),
    /// The settings do not fit together, or the store refuses.
    #[error("the bucket {bucket} cannot be used")]
    Store {
        /// The bucket's address.
        bucket: String,
        /// The store's error.
        source: object_store::Error,
    },
}

/// What a server keeps in a bucket beside complete recordings.
pub(super) type Unfinished = (ReplayId, Kind);

/// A bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    node: NodeName,
    /// For people.
    name: Arc<str>,
}

impl Bucket {
    /// A bucket at this address, for the server of this name. The credentials are those of the environment
    /// (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and the others of the AWS tools), or of a file with such lines. Asks
    /// nothing of the store yet.
    ///
    /// # Errors
    /// See [`BucketError`].
    pub fn new(
        url: &BucketUrl,
        credentials: Option<&FilePath>,
        node: NodeName,
    ) -> Result<Self, BucketError> {
        // The store's client takes the TLS of the process. Does nothing the second time.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut builder = AmazonS3Builder::from_env();
        if let Some(file) = credentials {
            for (key, value) in settings(file)? {
                builder = builder.with_config(key, value);
            }
        }
        builder = builder
            .with_bucket_name(&url.bucket)
            .with_region(&url.region)
            .with_virtual_hosted_style_request(url.is_in_host)
            .with_client_options(
                ClientOptions::new()
                    .with_timeout(REQUEST_WITHIN)
                    .with_connect_timeout(CONNECT_WITHIN)
                    .with_allow_http(
                        url.endpoint.as_ref().is_some_and(|url| url.scheme() == "http"),
                    ),
            )
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: RETRIES_MAX,
                retry_timeout: RETRY_WITHIN,
            });
        if let Some(endpoint) = &url.endpoint {
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        let unusable = |source| BucketError::Store { bucket: url.to_string(), source };
        let store = builder.build().map_err(unusable)?;
        Ok(Self::in_store(Arc::new(store), url, node))
    }

    pub(super) fn in_store(store: Arc<dyn ObjectStore>, url: &BucketUrl, node: NodeName) -> Self {
        let (prefix, name) = (Path::from(url.prefix.as_str()), url.to_string().into());
        Self { store, prefix, node, name }
    }

    pub(super) fn unusable(&self, source: object_store::Error) -> BucketError {
        BucketError::Store { bucket: self.name.to_string(), source }
    }

    /// Succeeds when the store answers.
    pub(super) async fn answers(&self) -> io::Result<()> {
        self.list_unfinished().await.map(drop).map_err(failed)
    }

    /// Writes and deletes an object, so that a store that only reads is known before a round ends.
    pub(super) async fn check_writing(&self) -> object_store::Result<()> {
        let key = self.parts().join(CHECK);
        self.store.put(&key, PutPayload::from_static(b"written at each start")).await?;
        match self.store.delete(&key).await {
            Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// The size of a complete recording.
    pub(super) async fn size(&self, listed: Listed) -> io::Result<u64> {
        Ok(self.store.head(&self.whole(listed)).await.map_err(failed)?.size)
    }

    /// `length` bytes from `offset` of a complete recording. Fewer at its end.
    pub(super) async fn read(
        &self,
        listed: Listed,
        offset: u64,
        length: usize,
    ) -> io::Result<Vec<u8>> {
        let end = listed.bytes.min(offset.saturating_add(length as u64));
        if offset >= end {
            return Ok(Vec::new());
        }
        let bytes = self.store.get_range(&self.whole(listed), offset..end).await;
        Ok(bytes.map_err(failed)?.into())
    }

    /// Puts a complete recording.
    pub(super) async fn put_whole(&self, id: ReplayId, bytes: Vec<u8>) -> io::Result<()> {
        let listed = Listed { id, bytes: bytes.len() as u64 };
        self.store.put(&self.whole(listed), bytes.into()).await.map_err(failed)?;
        Ok(())
    }

    /// Deletes a recording of this length. Succeeds when there is none.
    pub(super) async fn remove_whole(&self, listed: Listed) -> io::Result<()> {
        self.remove(&self.whole(listed)).await
    }

    /// Deletes a recording, at whatever length it is there.
    pub(super) async fn delete(&self, id: ReplayId) -> io::Result<()> {
        let folder = self.prefix.clone().join("replays").join(id.to_string());
        let mut found = self.store.list(Some(&folder));
        while let Some(object) = found.try_next().await.map_err(failed)? {
            self.remove(&object.location).await?;
        }
        Ok(())
    }

    /// The same bucket, as the server of another name uses it.
    pub(super) fn of(&self, node: NodeName) -> Self {
        Self { node, ..self.clone() }
    }

    /// What this server has not completed, each with its size.
    pub(super) async fn list_unfinished(&self) -> object_store::Result<Vec<(Unfinished, u64)>> {
        let folder = self.parts();
        let mut found = self.store.list(Some(&folder));
        let mut unfinished = Vec::new();
        while let Some(object) = found.try_next().await? {
            // Anything else is not ours.
            if let Some(what) = unfinished_of(object.location.filename()) {
                unfinished.push((what, object.size));
            }
        }
        Ok(unfinished)
    }

    /// What all servers have not completed.
    pub(super) async fn list_unfinished_of_all(&self) -> io::Result<Vec<(NodeName, Unfinished)>> {
        let folder = self.prefix.clone().join("parts");
        let mut found = self.store.list(Some(&folder));
        let mut unfinished = Vec::new();
        while let Some(object) = found.try_next().await.map_err(failed)? {
            let Some(below) = object.location.prefix_match(&folder) else { continue };
            let below: Vec<_> = below.collect();
            let [node, name] = below.as_slice() else { continue };
            let what = unfinished_of(Some(name.as_ref()));
            if let (Ok(node), Some(what)) = (node.as_ref().parse(), what) {
                unfinished.push((node, what));
            }
        }
        Ok(unfinished)
    }

    /// Keeps a part that cannot be read under another name, for an operator.
    pub(super) async fn set_aside(&self, id: ReplayId, bytes: Vec<u8>) -> io::Result<()> {
        let key = self.parts().join(format!("{id}{DAMAGED}"));
        self.store.put(&key, bytes.into()).await.map_err(failed)?;
        self.remove_unfinished((id, Kind::Part)).await
    }

    pub(super) async fn read_unfinished(&self, what: Unfinished) -> io::Result<Vec<u8>> {
        let found = self.store.get(&self.unfinished(what)).await.map_err(failed)?;
        Ok(found.bytes().await.map_err(failed)?.into())
    }

    pub(super) async fn put_unfinished(&self, what: Unfinished, bytes: Vec<u8>) -> io::Result<()> {
        self.store.put(&self.unfinished(what), bytes.into()).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn remove_unfinished(&self, what: Unfinished) -> io::Result<()> {
        self.remove(&self.unfinished(what)).await
    }

    /// Succeeds when there is no such object.
    async fn remove(&self, key: &Path) -> io::Result<()> {
        match self.store.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    fn whole(&self, Listed { id, bytes }: Listed) -> Path {
        self.prefix.clone().join("replays").join(id.to_string()).join(bytes.to_string())
    }

    fn parts(&self) -> Path {
        self.prefix.clone().join("parts").join(self.node.as_str())
    }

    fn unfinished(&self, (id, kind): Unfinished) -> Path {
        let ending = if kind == Kind::Result { RESULT } else { "" };
        self.parts().join(format!("{id}{ending}"))
    }
}

/// What the last part of a key names.
fn unfinished_of(name: Option<&str>) -> Option<Unfinished> {
    let name = name?;
    let (id, kind) = match name.strip_suffix(RESULT) {
        Some(id) => (id, Kind::Result),
        None => (name, Kind::Part),
    };
    Some((id.parse().ok()?, kind))
}

/// The settings in a file: lines such as `AWS_ACCESS_KEY_ID=…`. Empty lines and those that begin with `#` say nothing.
fn settings(file: &FilePath) -> Result<Vec<(AmazonS3ConfigKey, String)>, BucketError> {
    let shown = || file.display().to_string();
    let text = fs::read_to_string(file)
        .map_err(|source| BucketError::Credentials { file: shown(), source })?;
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(place, line)| {
            let setting = line.split_once('=').and_then(|(name, value)| {
                let key = name.trim().to_ascii_lowercase().parse().ok()?;
                Some((key, value.trim().trim_matches('"').to_owned()))
            });
            setting.ok_or_else(|| BucketError::Setting { file: shown(), line: place + 1 })
        })
        .collect()
}

fn failed(error: object_store::Error) -> io::Error {
    match error {
        object_store::Error::NotFound { .. } => io::Error::new(io::ErrorKind::NotFound, error),
        error => io::Error::other(error),
    }
}
