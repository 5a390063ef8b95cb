//! Streams of NATS: opening one, making it where it is missing, and how many servers have it.

use async_nats::jetstream::context::{
    CreateStreamError, CreateStreamErrorKind, GetStreamError, GetStreamErrorKind,
};
use async_nats::jetstream::stream::{Config, Info, Stream};
use async_nats::jetstream::{self, ErrorCode};

use super::nats::Nats;

/// Where there are as many servers, a message is on that many. One of them may die.
const REPLICAS: usize = 3;
/// The first version whose replicas compare and set. Before 2.9.21, of two writes at once that expect the same revision, both
/// succeed (nats-server #4320), and before 2.10.19 replicas may come to differ when a row is made (#5794).
const REPLICATES_SINCE: (i64, i64, i64) = (2, 11, 0);

/// Why a stream cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenStreamError {
    /// It cannot be asked for.
    #[error("a stream of NATS does not answer")]
    Get(#[source] GetStreamError),
    /// It is missing and cannot be made.
    #[error("a stream of NATS cannot be made")]
    Make(#[source] CreateStreamError),
}

/// Opens a stream, with what it says of itself now. Makes it when it is missing, and asks for replicas where it was made while
/// there was one server only.
///
/// # Errors
/// See [`OpenStreamError`].
pub async fn open_stream(nats: &Nats, config: Config) -> Result<Stream, OpenStreamError> {
    let jetstream = nats.jetstream();
    match jetstream.get_stream(&config.name).await {
        Ok(found) => {
            replicate(nats, found.cached_info()).await;
            return Ok(found);
        }
        Err(error) if is_missing(&error) => {}
        Err(error) => return Err(OpenStreamError::Get(error)),
    }
    let make = |num_replicas| jetstream.create_stream(Config { num_replicas, ..config.clone() });
    let made = match make(replicas(nats)).await {
        Err(error) if has_code(&error, &TOO_FEW_SERVERS) => make(1).await,
        made => made,
    };
    match made {
        // Another node was faster, and made it otherwise.
        Err(error) if has_code(&error, &[ErrorCode::STREAM_NAME_EXIST]) => {
            jetstream.get_stream(&config.name).await.map_err(OpenStreamError::Get)
        }
        made => made.map_err(OpenStreamError::Make),
    }
}

/// How many replicas there are to be, as far as it is known before they are asked for.
fn replicas(nats: &Nats) -> usize {
    let is_cluster = nats.client().server_info().cluster.is_some();
    if is_cluster && is_new(nats) { REPLICAS } else { 1 }
}

fn is_new(nats: &Nats) -> bool {
    let (major, minor, patch) = REPLICATES_SINCE;
    nats.client().is_server_compatible(major, minor, patch)
}

async fn replicate(nats: &Nats, found: &Info) {
    let stream = found.config.name.as_str();
    if found.config.num_replicas > 1 && !is_new(nats) {
        let version = nats.client().server_info().version;
        tracing::warn!(stream, version, "NATS is too old for replicas, and loses writes");
    }
    if found.config.num_replicas >= replicas(nats) {
        return;
    }
    let config = Config { num_replicas: REPLICAS, ..found.config.clone() };
    if let Err(error) = nats.jetstream().update_stream(config).await {
        tracing::debug!(stream, %error, "a stream stays without replicas");
    }
}

/// What a server says that has too few others, or none.
const TOO_FEW_SERVERS: [ErrorCode; 3] = [
    ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED,
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::CLUSTER_NO_PEERS,
];

fn is_missing(error: &GetStreamError) -> bool {
    let GetStreamErrorKind::JetStream(said) = error.kind() else { return false };
    said.error_code() == ErrorCode::STREAM_NOT_FOUND
}

fn has_code(error: &CreateStreamError, codes: &[ErrorCode]) -> bool {
    let CreateStreamErrorKind::JetStream(said) = error.kind() else { return false };
    codes.contains(&jetstream::Error::error_code(&said))
}
