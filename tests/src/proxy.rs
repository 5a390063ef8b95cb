//! A line between a client and the server that can be slow or far, and can be cut.
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
    ended: CancellationToken,
}

impl Proxy {
    /// A line to this server.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn to(server: &Site) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let site = Site::at(listener.local_addr().expect("a bound port"));
        let (cuts, cut) = watch::channel(0);
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
            ended: ended.clone(),
        };
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(line.clone().carry(client));
            }
        });
        Self { site, cuts, limit, distance, carried, tamper, ended, accepting }
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

/// The next piece, once it has arrived.
async fn arrived(way: &mut mpsc::Receiver<Piece>) -> Option<Vec<u8>> {
    let (at, piece) = way.recv().await?;
    sleep_until(at).await;
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
            let mut way = up_out;
            while let Some(piece) = arrived(&mut way).await {
                if to_server.write_all(&piece).await.is_err() {
                    break;
                }
            }
            to_server.shutdown().await.ok();
        };
        let down = async {
            let mut way = down_out;
            while let Some(mut piece) = arrived(&mut way).await {
                self.tamper.look_at(&mut piece);
                if self.let_through(&piece, &mut to_client).await.is_err() {
                    break;
                }
            }
            to_client.shutdown().await.ok();
        };
        let sending = async {
            tokio::join!(self.send(from_client, up_in, 1), self.send(from_server, down_in, 2))
        };
        tokio::select! {
            _ = async { tokio::join!(sending, up, down) } => {}
            _ = cuts.changed() => {}
            () = self.ended.cancelled() => {}
        }
    }

    /// Sends on what comes, each piece with the moment of its arrival.
    async fn send(&self, mut from: OwnedReadHalf, way: mpsc::Sender<Piece>, seed: u64) {
        let mut chance = Rng(seed);
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
