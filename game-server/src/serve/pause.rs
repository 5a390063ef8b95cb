//! The pause before a refusal for asking too often.
//!
//! `Retry-After` slows those who read it. A client that asks on in a loop is slowed by this pause instead, to a request a
//! second on each of its connections, whose number is bounded: so the loop takes little from everybody else.

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
