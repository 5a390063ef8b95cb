//! What a connection's socket and its service know of each other: whether a request is being answered, and whether its
//! body was left unread.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use crate::connections::AddressShare;

/// The exchanges of one connection, one after the other: a request and its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchanges(Arc<State>);

/// One task reads and writes all of it, so that no order between threads matters.
#[derive(Debug, Default)]
struct State {
    /// How many have begun. Wraps.
    begun: AtomicU32,
    is_running: AtomicBool,
    /// The connection ends without having read what the client still sends.
    has_unread_body: AtomicBool,
}

/// An exchange that goes on until this is dropped.
#[derive(Debug)]
pub(super) struct Exchange {
    exchanges: Exchanges,
    ends: bool,
}

impl Exchanges {
    /// A request's head has arrived.
    pub(super) fn begin(&self) -> Exchange {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        self.0.is_running.store(true, Ordering::Relaxed);
        Exchange { exchanges: self.clone(), ends: true }
    }

    /// How many have begun. Wraps.
    pub(super) fn begun(&self) -> u32 {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Whether a request is being answered.
    pub(super) fn is_running(&self) -> bool {
        self.0.is_running.load(Ordering::Relaxed)
    }

    /// Whether a request was answered before all of its body was read.
    pub(super) fn has_unread_body(&self) -> bool {
        self.0.has_unread_body.load(Ordering::Relaxed)
    }
}

impl Exchange {
    /// The connection has become a WebSocket: the exchange ends with the connection.
    pub(super) fn never_ends(mut self) {
        self.ends = false;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.ends {
            self.exchanges.0.is_running.store(false, Ordering::Relaxed);
        }
    }
}

/// The body of a request. Notes when it is dropped before its end.
pub(super) struct RequestBody {
    incoming: Incoming,
    exchanges: Exchanges,
    is_whole: bool,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, exchanges: Exchanges) -> Self {
        let is_whole = http_body::Body::is_end_stream(&incoming);
        Self { incoming, exchanges, is_whole }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        // After an error there is nothing more to read.
        self.is_whole |= !matches!(frame, Some(Ok(_))) || self.incoming.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if !self.is_whole {
            self.exchanges.0.has_unread_body.store(true, Ordering::Relaxed);
        }
    }
}

/// The body of an answer. The exchange goes on, and the client's share is taken, until it is dropped.
pub(super) struct AnswerBody {
    body: Body,
    _exchange: Option<Exchange>,
    _share: Option<AddressShare>,
}

impl AnswerBody {
    pub(super) fn new(body: Body, exchange: Option<Exchange>, share: Option<AddressShare>) -> Self {
        Self { body, _exchange: exchange, _share: share }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
