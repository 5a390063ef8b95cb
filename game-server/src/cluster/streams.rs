//! Streams of NATS: opening one, and making it where it is missing.

use async_nats::jetstream::context::{
    CreateStreamError, CreateStreamErrorKind, GetStreamError, GetStreamErrorKind,
};
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, ErrorCode};

use super::nats::Nats;

/// Where there are as many servers, a message is on that many. One of them may die.
const REPLICAS: usize = 3;

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

/// Opens a stream. Makes it when it is missing, on three servers where there are as many.
///
/// # Errors
/// See [`OpenStreamError`].
pub async fn open_stream(nats: &Nats, config: Config) -> Result<Stream, OpenStreamError> {
    let jetstream = nats.jetstream();
    match jetstream.get_stream(&config.name).await {
        Ok(found) => return Ok(found),
        Err(error) if is_missing(&error) => {}
        Err(error) => return Err(OpenStreamError::Get(error)),
    }
    let make = |num_replicas| jetstream.create_stream(Config { num_replicas, ..config.clone() });
    let made = match make(REPLICAS).await {
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
