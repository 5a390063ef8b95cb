//! A line between a client and the server that can be slow or far, can be cut, and can hold everything back for a while.
//!
//! It carries bytes in order, as TCP does: what is delayed holds up what comes after it.

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

/// A slow line lets a piece through this often.
const SLICE: Duration = Duration::from_millis(50);
/// Bytes that are carried at once.
const PIECE_BYTES: usize = 16 * 1024;
/// Pieces that are on their way in one direction. When so many are, the sender waits, as TCP makes it.
const PIECES_MAX: usize = 256;

/// A line to a server.
#[derive(Debug)]
pub struct Proxy {
    site: Site,
    /// Cuts every connection when it changes.
    cuts: watch::Sender<u64>,
    /// While it is true, nothing arrives.
    holds: watch::Sender<bool>,
    /// Bytes a second towards the client, on each connection. Zero: as fast as it goes.
    limit: Arc<AtomicU64>,
    distance: Arc<Distance>,
    /// Bytes carried towards clients.
    carried: Arc<AtomicU64>,
    tamper: Tamper,
    ended: CancellationToken,
    accepting: JoinHandle<()>,
}

/// What changes a piece on its way to a client. True: that was it.
type Change = Box<dyn FnMut(&mut [u8]) -> bool + Send>;

/// Who sits in the line and changes something, once.
#[derive(Clone, Default)]
struct Tamper(Arc<Mutex<Option<Change>>>);

impl Tamper {
    fn look_at(&self, piece: &mut [u8]) {
        // A change that panicked is none any more.
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

/// How long everything is on its way, in microseconds.
#[derive(Debug, Default)]
struct Distance {
    least: AtomicU64,
    spread: AtomicU64,
}

impl Distance {
    /// How long a piece is on its way that sets out now.
    fn of_a_piece(&self, chance: &mut Rng) -> Duration {
        let spread = u32::try_from(self.spread.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let more = u64::from(chance.below(spread));
        Duration::from_micros(self.least.load(Ordering::Relaxed) + more)
    }
}

#[derive(Clone)]
struct Line {
    server: SocketAddr,
    limit: Arc<AtomicU64>,
    distance: Arc<Distance>,
    carried: Arc<AtomicU64>,
    tamper: Tamper,
    cuts: watch::Receiver<u64>,
    holds: watch::Receiver<bool>,
    ended: CancellationToken,
    /// Decides how much longer pieces take.
    seed: u64,
}

impl Proxy {
    /// A line to this server.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn to(server: &Site) -> Self {
        Self::seeded(server, 0).await
    }

    /// The same. The seed decides how much longer pieces take, where they may.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn seeded(server: &Site, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let site = Site::at(listener.local_addr().expect("a bound port"));
        let (cuts, cut) = watch::channel(0);
        let (holds, held) = watch::channel(false);
        let (limit, carried) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let distance = Arc::<Distance>::default();
        let (tamper, ended) = (Tamper::default(), CancellationToken::new());
        let line = Line {
            server: server.address(),
            limit: limit.clone(),
            distance: distance.clone(),
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
        Self { site, cuts, holds, limit, distance, carried, tamper, ended, accepting }
    }

    /// The server as seen through the line.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Cuts every connection that is open now.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// While it is held, nothing arrives in either direction. What was held back arrives at once afterwards, in order.
    pub fn hold(&self, is_held: bool) {
        self.holds.send_replace(is_held);
    }

    /// Lets so many bytes a second through towards each client. Zero: as fast as it goes.
    pub fn limit(&self, bytes_per_second: u64) {
        self.limit.store(bytes_per_second, Ordering::Relaxed);
    }

    /// From now on everything is so long on its way in each direction, and up to `spread` longer.
    pub fn delay(&self, least: Duration, spread: Duration) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.distance.least.store(micros(least), Ordering::Relaxed);
        self.distance.spread.store(micros(spread), Ordering::Relaxed);
    }

    /// Shows what goes to clients, piece by piece, to somebody who may change it, until one was changed.
    pub fn alter(&self, change: impl FnMut(&mut [u8]) -> bool + Send + 'static) {
        if let Ok(mut tamper) = self.tamper.0.lock() {
            *tamper = Some(Box::new(change));
        }
    }

    /// Bytes carried towards clients so far.
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

/// Some bytes, and when they arrive.
type Piece = (Instant, Vec<u8>);

/// The next piece, once it has arrived and is not held back. Nothing comes any more when the proxy is gone.
async fn arrived(
    way: &mut mpsc::Receiver<Piece>,
    holds: &mut watch::Receiver<bool>,
) -> Option<Vec<u8>> {
    let (at, piece) = way.recv().await?;
    sleep_until(at).await;
    holds.wait_for(|is_held| !is_held).await.ok()?;
    Some(piece)
}

impl Line {
    async fn carry(self, client: TcpStream) {
        let mut cuts = self.cuts.clone();
        cuts.mark_unchanged();
        let Ok(server) = TcpStream::connect(self.server).await else { return };
        // Neither socket is worth a story when it cannot be tuned.
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
                self.tamper.look_at(&mut piece);
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

    /// Sends on what comes, each piece with the moment of its arrival.
    async fn send(&self, mut from: OwnedReadHalf, way: mpsc::Sender<Piece>, mut chance: Rng) {
        let mut last = Instant::now();
        let mut piece = vec![0; PIECE_BYTES];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            last = last.max(Instant::now() + self.distance.of_a_piece(&mut chance));
            if way.send((last, piece[..length].to_vec())).await.is_err() {
                break;
            }
        }
    }

    /// The limit counts from when the bytes are here: it may be set while a connection waits for them.
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
