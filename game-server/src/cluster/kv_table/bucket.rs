//! The bucket of a table in NATS: making it, reading it from its leader, following it, writing to it.
//!
//! It is laid out as a key-value bucket, so that the tools of NATS show it. What decides asks the leader: a bucket also allows
//! reads from any replica, which may be behind. Writes are made by hand, because async-nats does not tell the revision of a
//! removal.

use std::error::Error as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::connection::State as Connection;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MARKER_REASON};
use async_nats::jetstream::consumer::push::OrderedConfig;
use async_nats::jetstream::consumer::{DeliverPolicy, ReplayPolicy};
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, LastRawMessageErrorKind, StorageType, Stream as Handle,
};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::{sleep, timeout};

use crate::cluster::nats::{Nats, REQUEST_WITHIN};
use crate::cluster::streams::open_stream;
use crate::cluster::table::{Expect, WriteError};

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How soon a write that waits for a connection looks for one.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const OPERATION: &str = "KV-Operation";
const PUT: &str = "PUT";
const DELETE: &str = "DEL";

/// The bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    nats: Nats,
    stream: String,
    prefix: String,
}

/// What the leader says of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// When it was made. Another time is another bucket.
    pub(super) created: String,
    /// The newest revision, also of entries that are not there any more.
    pub(super) last: u64,
}

/// One entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) revision: u64,
    /// `None` is the mark of a removed row.
    pub(super) value: Option<Bytes>,
}

impl Bucket {
    /// The bucket of a table.
    pub(super) fn new(nats: Nats, table: &str) -> Self {
        Self { nats, stream: format!("KV_pb1_{table}"), prefix: format!("$KV.pb1_{table}.") }
    }

    /// Asks for its state. Makes the bucket if it is missing.
    pub(super) async fn open(&self) -> Result<State, BoxError> {
        Ok(state(open_stream(&self.nats, self.config()).await?.cached_info()))
    }

    /// Counts the connections to NATS. What was missed between two of them is not known.
    pub(super) fn connections(&self) -> u64 {
        self.nats.client().statistics().connects.load(Ordering::Relaxed)
    }

    /// Asks for its state. An error if it is missing.
    pub(super) async fn state(&self) -> Result<State, BoxError> {
        Ok(state(&self.handle().await?.get_info().await?))
    }

    fn config(&self) -> Config {
        Config {
            name: self.stream.clone(),
            subjects: vec![format!("{}>", self.prefix)],
            max_messages_per_subject: 1,
            storage: StorageType::File,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            ..Config::default()
        }
    }

    /// The newest entry that is there.
    pub(super) async fn newest(&self) -> Result<Option<u64>, BoxError> {
        Ok(self.last_of(&format!("{}>", self.prefix)).await?.map(|entry| entry.revision))
    }

    /// The entry of a key.
    pub(super) async fn entry(&self, key: &str) -> Result<Option<Entry>, BoxError> {
        self.last_of(&self.subject(key)).await
    }

    async fn last_of(&self, subject: &str) -> Result<Option<Entry>, BoxError> {
        let found = self.handle().await?.get_last_raw_message_by_subject(subject).await;
        match found {
            Ok(found) => {
                let key = found.subject.strip_prefix(&self.prefix).unwrap_or_default().to_owned();
                let value = value(Some(&found.headers), found.payload);
                Ok(Some(Entry { key, revision: found.sequence, value }))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// All entries in the order of their revisions, and then every change. Each comes once. An error is the end.
    ///
    /// There is one entry a key, so that all of them are the last of each key. Not asked for as such: NATS 2.9 makes a list of
    /// those when it is asked, and where one is replaced before it is delivered, the newest comes twice.
    pub(super) async fn entries(&self) -> Result<BoxStream<'_, Result<Entry, BoxError>>, BoxError> {
        let config = OrderedConfig {
            deliver_subject: self.nats.client().new_inbox(),
            filter_subject: format!("{}>", self.prefix),
            replay_policy: ReplayPolicy::Instant,
            deliver_policy: DeliverPolicy::All,
            ..OrderedConfig::default()
        };
        let consumer = self.handle().await?.create_consumer(config).await?;
        let messages = consumer.messages().await?.map_err(BoxError::from);
        let entries = messages.and_then(async |message| {
            let revision = message.info()?.stream_sequence;
            let key = message.subject.strip_prefix(&self.prefix).unwrap_or_default().to_owned();
            let value = value(message.headers.as_ref(), message.payload.clone());
            Ok(Entry { key, revision, value })
        });
        Ok(entries.boxed())
    }

    /// Writes an entry if what is there is as expected. Returns its revision. `None` as a value removes the row.
    pub(super) async fn write_if(
        &self,
        key: &str,
        value: Option<Bytes>,
        expect: Expect,
    ) -> Result<u64, WriteError> {
        match expect {
            Expect::Anything => self.write(key, value, None).await,
            Expect::Revision(revision) => self.write(key, value, Some(revision)).await,
            Expect::Absent => match self.write(key, value.clone(), Some(0)).await {
                // The mark of a removed row, perhaps.
                Err(WriteError::Conflict) => {
                    let found = self.entry(key).await.map_err(WriteError::Away)?;
                    let mark = found.map_or(Ok(0), |entry| match entry.value {
                        Some(_) => Err(WriteError::Conflict),
                        None => Ok(entry.revision),
                    })?;
                    self.write(key, value, Some(mark)).await
                }
                written => written,
            },
        }
    }

    /// Writes an entry. Returns its revision. `expected` is the revision of the entry before; 0 means that there is none, not even
    /// the mark of a removed row. `None` as a value removes the row.
    async fn write(
        &self,
        key: &str,
        value: Option<Bytes>,
        expected: Option<u64>,
    ) -> Result<u64, WriteError> {
        // What is sent while there is no connection would be kept, and written much later.
        while self.nats.client().connection_state() != Connection::Connected {
            sleep(LOOK_EVERY).await;
        }
        let mut headers = HeaderMap::new();
        if let Some(expected) = expected {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(expected));
        }
        if value.is_none() {
            headers.insert(OPERATION, DELETE);
        }
        let jetstream = self.nats.jetstream();
        let sent =
            jetstream.publish_with_headers(self.subject(key), headers, value.unwrap_or_default());
        let acknowledged = sent.await.map_err(write_error)?.await.map_err(write_error)?;
        Ok(acknowledged.sequence)
    }

    /// Deletes the mark of a removed row, unless there is a row again.
    pub(super) async fn forget(&self, key: &str, mark: u64) -> Result<(), BoxError> {
        let purge = self.handle().await?.purge().filter(self.subject(key)).sequence(mark + 1);
        timeout(REQUEST_WITHIN, purge).await??;
        Ok(())
    }

    fn subject(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn handle(&self) -> Result<Handle<()>, BoxError> {
        // It asks nobody.
        Ok(self.nats.jetstream().get_stream_no_info(&self.stream).await?)
    }
}

fn state(info: &Info) -> State {
    State { created: info.created.to_string(), last: info.state.last_sequence }
}

fn value(headers: Option<&HeaderMap>, payload: Bytes) -> Option<Bytes> {
    let is_mark = |headers: &HeaderMap| {
        let operation = headers.get(OPERATION).map(HeaderValue::as_str);
        operation.is_some_and(|operation| operation != PUT)
            || headers.get(NATS_MARKER_REASON).is_some()
    };
    (!headers.is_some_and(is_mark)).then_some(payload)
}

/// Newer servers have two codes for the same answer, of which async-nats knows one.
fn write_error(error: PublishError) -> WriteError {
    let refusal = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    let is_conflict = error.kind() == PublishErrorKind::WrongLastSequence
        || refusal.is_some_and(|refusal| {
            refusal.error_code() == ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
        });
    if is_conflict { WriteError::Conflict } else { WriteError::Away(error.into()) }
}
