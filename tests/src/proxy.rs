//! A TCP proxy between a client and the server that delays, limits, holds back or cuts.
//!
//! It forwards bytes in order, so a delayed piece delays the pieces behind it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::sim::rng::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::site::Site;

/// The interval at which a limited connection forwards a piece.
const SLICE: Duration = Duration::from_millis(50);
/// Bytes that are forwarded at once.
const PIECE_BYTES: usize = 16 * 1024;
/// Most pieces in flight in one direction. When the queue is full, the sender waits, as with TCP.
const PIECES_MAX: usize = 256;

/// A proxy in front of a server.
#[derive(Debug)]
pub struct Proxy {
    site: Site,
    /// Cuts every connection when it changes.
    cuts: watch::Sender<u64>,
    /// While true, no piece is forwarded.
    holds: watch::Sender<bool>,
    /// Bytes a second towards the client on each connection. Zero means no limit.
    limit: Arc<AtomicU64>,
    delay: Arc<Delay>,
    /// Bytes forwarded to clients.
    carried: Arc<AtomicU64>,
    tamper: Tamper,
    ended: CancellationToken,
    accepting: JoinHandle<()>,
}

/// Changes a piece on its way to a client. Returns true when it has changed one.
type Change = Box<dyn FnMut(&mut [u8]) -> bool + Send>;

/// A pending change of one piece.
#[derive(Clone, Default)]
struct Tamper(Arc<Mutex<Option<Change>>>);

impl Tamper {
    fn offer(&self, piece: &mut [u8]) {
        // After a panic inside the change, pieces pass unchanged.
        let Ok(mut change) = self.0.lock() else { return };
        if change.as_mut().is_some_and(|change| change(piece)) {
            *change = None;
        }
    }
}

impl fmt::Debug for Tamper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tamper")
    }
}

/// The one-way delay, in microseconds.
#[derive(Debug, Default)]
struct Delay {
    least: AtomicU64,
    spread: AtomicU64,
}

impl Delay {
    /// The delay of a piece that arrives now.
    fn of_next_piece(&self, rng: &mut Rng) -> Duration {
        let spread = u32::try_from(self.spread.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let more = u64::from(rng.below(spread));
        Duration::from_micros(self.least.load(Ordering::Relaxed) + more)
    }
}

#[derive(Clone)]
struct Relay {
    server: SocketAddr,
    limit: Arc<AtomicU64>,
    delay: Arc<Delay>,
    carried: Arc<AtomicU64>,
    tamper: Tamper,
    cuts: watch::Receiver<u64>,
    holds: watch::Receiver<bool>,
    ended: CancellationToken,
    /// Decides the jitter.
    seed: u64,
}

impl Proxy {
    /// A proxy to this server.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn to(server: &Site) -> Self {
        Self::seeded(server, 0).await
    }

    /// A proxy to this server. The seed decides the jitter.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn seeded(server: &Site, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let site = Site::at(listener.local_addr().expect("a bound port"));
        let (cuts, cut) = watch::channel(0);
        let (holds, held) = watch::channel(false);
        let (limit, carried) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let delay = Arc::<Delay>::default();
        let (tamper, ended) = (Tamper::default(), CancellationToken::new());
        let line = Relay {
            server: server.address(),
            limit: limit.clone(),
            delay: delay.clone(),
            carried: carried.clone(),
            tamper: tamper.clone(),
            cuts: cut,
            holds: held,
            ended: ended.clone(),
            seed,
        };
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(line.clone().carry(client));
            }
        });
        Self { site, cuts, holds, limit, delay, carried, tamper, ended, accepting }
    }

    /// The server as seen through the proxy.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Cuts every connection that is open now.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// While held, the proxy forwards no bytes in either direction. Afterwards it forwards them all at once, in order.
    pub fn hold(&self, is_held: bool) {
        self.holds.send_replace(is_held);
    }

    /// Limits the bytes a second towards each client. Zero means no limit.
    pub fn limit(&self, bytes_per_second: u64) {
        self.limit.store(bytes_per_second, Ordering::Relaxed);
    }

    /// Sets the delay in each direction: from `least` to `least + spread`.
    pub fn delay(&self, least: Duration, spread: Duration) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.delay.least.store(micros(least), Ordering::Relaxed);
        self.delay.spread.store(micros(spread), Ordering::Relaxed);
    }

    /// Calls `change` with each piece towards a client until it returns true, which means that it has changed one.
    pub fn alter(&self, change: impl FnMut(&mut [u8]) -> bool + Send + 'static) {
        if let Ok(mut tamper) = self.tamper.0.lock() {
            *tamper = Some(Box::new(change));
        }
    }

    /// Bytes forwarded to clients so far.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.ended.cancel();
    }
}

/// Bytes, and the moment at which to forward them.
type Piece = (Instant, Vec<u8>);

/// The next piece, once its delay has passed and it is not held back. `None` when the proxy is gone.
async fn arrived(
    way: &mut mpsc::Receiver<Piece>,
    holds: &mut watch::Receiver<bool>,
) -> Option<Vec<u8>> {
    let (at, piece) = way.recv().await?;
    sleep_until(at).await;
    holds.wait_for(|is_held| !is_held).await.ok()?;
    Some(piece)
}

impl Relay {
    async fn carry(self, client: TcpStream) {
        let mut cuts = self.cuts.clone();
        cuts.mark_unchanged();
        let Ok(server) = TcpStream::connect(self.server).await else { return };
        // A proxy works without the option, too.
        client.set_nodelay(true).ok();
        server.set_nodelay(true).ok();
        let (from_client, mut to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        let (up_in, up_out) = mpsc::channel(PIECES_MAX);
        let (down_in, down_out) = mpsc::channel(PIECES_MAX);
        let up = async {
            let (mut way, mut holds) = (up_out, self.holds.clone());
            while let Some(piece) = arrived(&mut way, &mut holds).await {
                if to_server.write_all(&piece).await.is_err() {
                    break;
                }
            }
            to_server.shutdown().await.ok();
        };
        let down = async {
            let (mut way, mut holds) = (down_out, self.holds.clone());
            while let Some(mut piece) = arrived(&mut way, &mut holds).await {
                self.tamper.offer(&mut piece);
                if self.let_through(&piece, &mut to_client).await.is_err() {
                    break;
                }
            }
            to_client.shutdown().await.ok();
        };
        let sending = async {
            let [up, down] = [1, 2].map(|way| Rng(self.seed.wrapping_mul(2).wrapping_add(way)));
            tokio::join!(self.send(from_client, up_in, up), self.send(from_server, down_in, down))
        };
        tokio::select! {
            _ = async { tokio::join!(sending, up, down) } => {}
            _ = cuts.changed() => {}
            () = self.ended.cancelled() => {}
        }
    }

    /// Queues what is read, each piece with the moment at which to forward it.
    async fn send(&self, mut from: OwnedReadHalf, way: mpsc::Sender<Piece>, mut rng: Rng) {
        let mut last = Instant::now();
        let mut piece = vec![0; PIECE_BYTES];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            last = last.max(Instant::now() + self.delay.of_next_piece(&mut rng));
            if way.send((last, piece[..length].to_vec())).await.is_err() {
                break;
            }
        }
    }

    /// The limit applies when the bytes are here, because it may be set while a connection waits for them.
    async fn let_through(&self, mut rest: &[u8], client: &mut OwnedWriteHalf) -> io::Result<()> {
        while !rest.is_empty() {
            let most = self.most_at_once();
            let (now, later) = rest.split_at(most.min(rest.len()));
            client.write_all(now).await?;
            self.carried.fetch_add(now.len() as u64, Ordering::Relaxed);
            if most < PIECE_BYTES {
                sleep(SLICE).await;
            }
            rest = later;
        }
        Ok(())
    }

    fn most_at_once(&self) -> usize {
        let limit = self.limit.load(Ordering::Relaxed);
        if limit == 0 {
            return PIECE_BYTES;
        }
        let slices = 1_000 / u64::try_from(SLICE.as_millis()).unwrap_or(1);
        usize::try_from(limit / slices).unwrap_or(PIECE_BYTES).clamp(1, PIECE_BYTES - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::Proxy;
    use crate::site::Site;
    use crate::within;

    #[tokio::test]
    async fn what_is_held_back_arrives_afterwards_in_order() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::to(&Site::at(listener.local_addr().unwrap())).await;
        let mut client = TcpStream::connect(proxy.site().address()).await.unwrap();
        let (mut server, _) = within("the line", listener.accept()).await.unwrap();
        let mut got = [0; 2];
        client.write_all(b"ab").await.unwrap();
        within("what was sent before", server.read_exact(&mut got)).await.unwrap();

        proxy.hold(true);
        client.write_all(b"c").await.unwrap();
        server.write_all(b"x").await.unwrap();
        let a_while = Duration::from_millis(50);
        assert!(timeout(a_while, server.read_u8()).await.is_err(), "nothing goes up");
        assert!(timeout(a_while, client.read_u8()).await.is_err(), "nothing comes down");
        client.write_all(b"d").await.unwrap();
        proxy.hold(false);

        within("what was held back", server.read_exact(&mut got)).await.unwrap();
        assert_eq!(&got, b"cd");
        assert_eq!(within("what was held back", client.read_u8()).await.unwrap(), b'x');
    }
}
