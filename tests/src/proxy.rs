//! A line between a client and the server that can be slow, and can be cut.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::site::Site;

/// A slow line lets a piece through this often.
const SLICE: Duration = Duration::from_millis(50);
/// Bytes that are carried at once.
const PIECE_BYTES: usize = 16 * 1024;

/// A line to a server.
#[derive(Debug)]
pub struct Proxy {
    site: Site,
    /// Cuts every connection when it changes.
    cuts: watch::Sender<u64>,
    /// Bytes a second towards the client, on each connection. Zero: as fast as it goes.
    limit: Arc<AtomicU64>,
    /// Bytes carried towards clients.
    carried: Arc<AtomicU64>,
    ended: CancellationToken,
    accepting: JoinHandle<()>,
}

#[derive(Clone)]
struct Line {
    server: SocketAddr,
    limit: Arc<AtomicU64>,
    carried: Arc<AtomicU64>,
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
        let ended = CancellationToken::new();
        let line = Line {
            server: server.address(),
            limit: limit.clone(),
            carried: carried.clone(),
            cuts: cut,
            ended: ended.clone(),
        };
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(line.clone().carry(client));
            }
        });
        Self { site, cuts, limit, carried, ended, accepting }
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

impl Line {
    async fn carry(self, client: TcpStream) {
        let mut cuts = self.cuts.clone();
        cuts.mark_unchanged();
        let Ok(server) = TcpStream::connect(self.server).await else { return };
        // Neither socket is worth a story when it cannot be tuned.
        client.set_nodelay(true).ok();
        server.set_nodelay(true).ok();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let up = async {
            tokio::io::copy(&mut from_client, &mut to_server).await.ok();
            to_server.shutdown().await.ok();
        };
        let down = async {
            let mut piece = vec![0; PIECE_BYTES];
            while let Ok(length @ 1..) = from_server.read(&mut piece).await {
                if self.let_through(&piece[..length], &mut to_client).await.is_err() {
                    break;
                }
            }
            to_client.shutdown().await.ok();
        };
        tokio::select! {
            _ = async { tokio::join!(up, down) } => {}
            _ = cuts.changed() => {}
            () = self.ended.cancelled() => {}
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
