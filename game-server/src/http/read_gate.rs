//! Reads that cost more than a row: how many run at once, and how many of one address wait.
//!
//! One that finds no room waits for its turn. So a page gets its list however many of them another address asks for: it
//! waits behind `ADDRESS_MAX` of those at most.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use shared::api::ProblemKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{HttpResult, Refuse, Refused, one_of};
use super::failures::Fault;
use super::problem::ProblemResponse;
use super::refusal::Refusal;
use crate::client_address::ClientAddress;
use crate::sync::lock;

/// Reads that run at once.
const RUNNING_MAX: usize = 2;
/// Reads of one address that run or wait.
const ADDRESS_MAX: u32 = 16;
/// How long a read waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(5);
/// `Retry-After` of a read that is refused.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Lets reads through. Its table has an entry for each address that reads just now, so it is bounded by the
/// connections.
pub struct ReadGate {
    running: Arc<Semaphore>,
    addresses: Mutex<HashMap<IpAddr, u32>>,
}

impl Default for ReadGate {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(RUNNING_MAX)), addresses: Mutex::default() }
    }
}

/// A read that runs. As an argument of a route it waits for its turn.
pub struct Reading {
    _turn: OwnedSemaphorePermit,
    _place: Place,
}

/// Counts a read of an address for as long as it lives.
struct Place {
    gate: Arc<ReadGate>,
    address: IpAddr,
}

impl ReadGate {
    /// Waits for a turn.
    ///
    /// # Errors
    /// When the address has too many reads already, or no turn comes in time.
    pub async fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Reading, ReadRefused> {
        let place = self.place(address)?;
        let turn = tokio::time::timeout(TURN_WITHIN, self.running.clone().acquire_owned()).await;
        match turn {
            Ok(Ok(turn)) => Ok(Reading { _turn: turn, _place: place }),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(ReadRefused::NoTurn(NoTurn)),
        }
    }

    fn place(self: &Arc<Self>, address: IpAddr) -> Result<Place, TooManyReads> {
        let mut addresses = lock(&self.addresses);
        let count = addresses.entry(address).or_default();
        if *count >= ADDRESS_MAX {
            return Err(TooManyReads);
        }
        *count += 1;
        Ok(Place { gate: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = lock(&self.gate.addresses);
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

impl<S> FromRequestParts<S> for Reading
where
    S: Send + Sync,
    Arc<ReadGate>: FromRef<S>,
{
    type Rejection = Refused<ReadError>;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Self, ReadError> {
        let address: ClientAddress = parts.extensions.get().copied().ok_or(Fault)?;
        Ok(Arc::<ReadGate>::from_ref(state).enter(address.0).await?)
    }
}

one_of! {
    /// Why a read does not run.
    pub enum ReadError {
        /// The address is not known.
        Fault(Fault),
        /// There is no room for it.
        Refused(ReadRefused),
    }
}

one_of! {
    /// Why there is no room for a read.
    pub enum ReadRefused {
        /// The address has too many.
        TooMany(TooManyReads),
        /// All together have too many.
        NoTurn(NoTurn),
    }
}

/// The address has too many reads already.
#[derive(Debug)]
pub struct TooManyReads;

impl TooManyReads {
    const REFUSAL: Refusal =
        Refusal::new(ProblemKind::TooMany).when("too many lists at once for one address");
}

impl Refuse for TooManyReads {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail = "Too many lists at once for this address. Wait for the earlier ones.";
        ProblemResponse::new(Self::REFUSAL, detail).with_wait(RETRY_AFTER)
    }
}

/// No turn came in time.
#[derive(Debug)]
pub struct NoTurn;

impl NoTurn {
    const REFUSAL: Refusal = Refusal::new(ProblemKind::Busy).when("too many lists are being read");
}

impl Refuse for NoTurn {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail = "Too many lists are being read just now. Try again in a moment.";
        ProblemResponse::new(Self::REFUSAL, detail).with_wait(RETRY_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use futures_util::future::join_all;

    use super::{ADDRESS_MAX, RUNNING_MAX, ReadGate, ReadRefused};

    const GREEDY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const MODEST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    #[tokio::test]
    async fn an_address_that_reads_much_waits_for_itself_and_others_get_their_turn() {
        let gate = Arc::new(ReadGate::default());
        let first = join_all((0..RUNNING_MAX).map(|_| gate.enter(GREEDY))).await;
        let mut waiting: Vec<_> =
            (RUNNING_MAX..ADDRESS_MAX as usize).map(|_| Box::pin(gate.enter(GREEDY))).collect();
        assert!(waiting.iter_mut().all(|read| read.as_mut().now_or_never().is_none()));

        assert!(matches!(gate.enter(GREEDY).await, Err(ReadRefused::TooMany(_))));
        let modest = gate.enter(MODEST);
        drop(first);
        let (of_others, modest) =
            tokio::join!(join_all(waiting.into_iter().map(|read| read.map(drop))), modest);

        assert_eq!(of_others.len(), ADDRESS_MAX as usize - RUNNING_MAX);
        assert!(modest.is_ok());
        drop(modest);
        assert!(gate.addresses.lock().unwrap().is_empty());
    }
}
