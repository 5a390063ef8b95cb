//! The pause before a refusal for asking too often.
//!
//! Some clients ignore `Retry-After` and ask in a loop. The pause slows such a client to one request a second on each
//! connection, and the number of its connections is bounded.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use axum::response::Response;
use futures_util::future::{BoxFuture, Either};
use http::StatusCode;
use tokio::time::sleep;

use crate::tasks::Tasks;

/// How long such a refusal waits. A server that stops sends it at once.
const PAUSE: Duration = Duration::from_secs(1);

type Answered = Result<Response, Infallible>;

/// The answer, after the pause if it needs one.
pub(super) fn before(
    response: Response,
    tasks: Tasks,
) -> Either<Ready<Answered>, BoxFuture<'static, Answered>> {
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        return Either::Left(ready(Ok(response)));
    }
    Either::Right(Box::pin(async move {
        tokio::select! {
            () = tasks.stopping() => {}
            () = sleep(PAUSE) => {}
        }
        Ok(response)
    }))
}
