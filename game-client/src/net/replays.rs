//! Recordings of a server: the list, and one file as it arrives.
//!
//! A file is read once at a time. When the connection breaks, the rest is asked for as a range; the tag makes sure that it
//! is the rest of the same file. No session is needed, so the server is named in each request.

use std::time::{Duration, Instant};

use reqwest::header::{ETAG, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};
use shared::api::ReplayList;
use shared::id::{PlayerId, ReplayId};
use shared::sim::Mode;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::api::{Api, CallError};
use super::backoff::Backoff;
use super::{Report, Trouble};

/// A download that brings nothing for so long is begun again.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Which part of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayPage {
    /// Only what is older than this one.
    pub before: Option<ReplayId>,
    /// Only rounds of these rules.
    pub mode: Option<Mode>,
    /// Only rounds in which this player took part.
    pub player: Option<PlayerId>,
}

/// What the game asks about recordings.
#[derive(Debug, Clone)]
pub enum ReplayRequest {
    /// A page of the list.
    List {
        /// Of which server.
        server: String,
        /// Which.
        page: ReplayPage,
    },
    /// A whole file, from its beginning. The one before is read no further.
    Read {
        /// Of which server.
        server: String,
        /// Which recording.
        replay: ReplayId,
        /// Comes back with every part of it.
        reading: u32,
    },
    /// Nothing more of the file.
    Stop,
}

/// What comes of it.
#[derive(Debug, Clone)]
pub enum ReplayReport {
    /// A page of the list.
    Listed(ReplayPage, Result<ReplayList, Trouble>),
    /// Something of a file.
    Of {
        /// As it was asked for.
        reading: u32,
        /// What.
        part: ReplayPart,
    },
}

/// What comes of a file that is read.
#[derive(Debug, Clone)]
pub enum ReplayPart {
    /// The next bytes.
    Bytes {
        /// Bytes before these. Zero: the file begins, perhaps again.
        from: u64,
        /// They follow each other without a gap.
        bytes: Vec<u8>,
    },
    /// The connection broke; it goes on then.
    Interrupted {
        /// Why.
        why: Trouble,
        /// When.
        retry_at: Instant,
    },
    /// No more bytes will come: it is all there, or the server has refused and said why.
    Ended(Option<Trouble>),
}

/// Serves the requests.
#[derive(Default)]
pub(super) struct Replays {
    /// Dropping it stops the file that is being read.
    reading: Option<oneshot::Sender<()>>,
}

impl Replays {
    /// Begins what is asked for, as a task.
    pub(super) fn serve(
        &mut self,
        request: ReplayRequest,
        reports: &mpsc::Sender<Report>,
        tasks: &mut JoinSet<()>,
    ) {
        let reports = reports.clone();
        match request {
            ReplayRequest::List { server, page } => {
                tasks.spawn(async move {
                    let list = list(&server, page).await.map_err(|error| error.trouble());
                    let report = ReplayReport::Listed(page, list);
                    drop(reports.send(Report::Replays(report)).await);
                });
            }
            ReplayRequest::Read { server, replay, reading } => {
                let (stop, stopped) = oneshot::channel();
                self.reading = Some(stop);
                let path = format!("/api/replays/{replay}/file");
                let download = Download { reading, path, reports, have: 0, tag: None };
                tasks.spawn(async move {
                    tokio::select! {
                        () = download.run(&server) => {}
                        _ = stopped => {}
                    }
                });
            }
            ReplayRequest::Stop => self.reading = None,
        }
    }
}

async fn list(server: &str, page: ReplayPage) -> Result<ReplayList, CallError> {
    let before = page.before.map(|before| format!("&before={before}")).unwrap_or_default();
    let player = page.player.map(|player| format!("&player={player}")).unwrap_or_default();
    let mode = page.mode.map(|mode| format!("&mode={}", mode.title().to_lowercase()));
    let mode = mode.unwrap_or_default();
    api(server)?.get(&format!("/api/replays?limit=20{before}{player}{mode}")).await
}

fn api(server: &str) -> Result<Api, CallError> {
    Api::new(server).map_err(CallError::Unreachable)
}

/// A file on its way.
struct Download {
    reading: u32,
    path: String,
    reports: mpsc::Sender<Report>,
    /// Bytes that have arrived.
    have: u64,
    /// The file's strong tag.
    tag: Option<HeaderValue>,
}

impl Download {
    /// Reads on until all is there, nobody listens, or the server refuses.
    async fn run(mut self, server: &str) {
        let mut backoff = Backoff::default();
        loop {
            let before = self.have;
            let why = match self.read(server).await {
                Ok(()) => None,
                Err(error) if error.may_pass() => {
                    if self.have > before {
                        backoff.reset();
                    }
                    let pause = backoff.next().max(error.pause());
                    let (why, retry_at) = (error.trouble(), Instant::now() + pause);
                    if !self.tell(ReplayPart::Interrupted { why, retry_at }).await {
                        return;
                    }
                    sleep(pause).await;
                    continue;
                }
                Err(error) => Some(error.trouble()),
            };
            // When the game has gone, nobody waits for it.
            self.tell(ReplayPart::Ended(why)).await;
            return;
        }
    }

    /// One connection: the file, or what is missing of it.
    async fn read(&mut self, server: &str) -> Result<(), CallError> {
        let mut answer = self.ask(server).await?;
        // A whole file instead of its rest is another file, or from a server without ranges.
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            self.have = 0;
        }
        self.tag = answer.headers().get(ETAG).cloned();
        loop {
            let chunk = timeout(SILENCE_MAX, answer.chunk()).await;
            let chunk = chunk.map_err(|_elapsed| CallError::Silent)?;
            let Some(chunk) = chunk.map_err(CallError::Unreachable)? else { return Ok(()) };
            let from = self.have;
            self.have += chunk.len() as u64;
            if !self.tell(ReplayPart::Bytes { from, bytes: chunk.to_vec() }).await {
                return Ok(());
            }
        }
    }

    async fn ask(&self, server: &str) -> Result<Response, CallError> {
        let api = api(server)?;
        let mut call = api.download(&self.path);
        if let (Some(tag), true) = (&self.tag, self.have > 0) {
            call = call.header(RANGE, format!("bytes={}-", self.have)).header(IF_RANGE, tag);
        }
        let asked = timeout(SILENCE_MAX, super::api::send(call)).await;
        asked.map_err(|_elapsed| CallError::Silent)?
    }

    /// False: the game has gone. When the reports are full this waits, and TCP holds the rest.
    async fn tell(&self, part: ReplayPart) -> bool {
        let report = ReplayReport::Of { reading: self.reading, part };
        self.reports.send(Report::Replays(report)).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use shared::id::ReplayId;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio::task::JoinSet;

    use super::{ReplayPart, ReplayReport, ReplayRequest, Replays};
    use crate::net::Report;

    /// Gives each connection the next answer, then closes it. Returns what was asked.
    async fn serve(listener: TcpListener, answers: Vec<&'static str>) -> Vec<String> {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 4_096];
            let count = stream.read(&mut request).await.expect("a request");
            asked.push(String::from_utf8_lossy(&request[..count]).to_lowercase());
            stream.write_all(answer.as_bytes()).await.expect("a listener");
        }
        asked
    }

    /// Reads a file of such a server to its end.
    async fn read(answers: Vec<&'static str>) -> (Vec<ReplayPart>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = tokio::spawn(serve(listener, answers));
        let (reports, mut heard) = mpsc::channel(64);
        let (mut replays, mut tasks) = (Replays::default(), JoinSet::new());
        let replay = ReplayId::from_bits(1);
        let request = ReplayRequest::Read { server, replay, reading: 7 };
        replays.serve(request, &reports, &mut tasks);
        let mut parts = Vec::new();
        while let Some(Report::Replays(ReplayReport::Of { reading: 7, part })) = heard.recv().await
        {
            parts.push(part);
            if matches!(parts.last(), Some(ReplayPart::Ended(_))) {
                break;
            }
        }
        (parts, asked.await.expect("a server"))
    }

    fn bytes(parts: &[ReplayPart]) -> Vec<(u64, String)> {
        let text = |part: &ReplayPart| match part {
            ReplayPart::Bytes { from, bytes } => {
                Some((*from, String::from_utf8_lossy(bytes).into_owned()))
            }
            ReplayPart::Interrupted { .. } | ReplayPart::Ended(_) => None,
        };
        parts.iter().filter_map(text).collect()
    }

    #[tokio::test]
    async fn a_file_that_was_cut_is_read_on_where_it_ended() {
        let (parts, asked) = read(vec![
            "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n01234",
            "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n56789",
        ])
        .await;

        assert_eq!(bytes(&parts), [(0, "01234".to_owned()), (5, "56789".to_owned())]);
        assert!(matches!(parts[1], ReplayPart::Interrupted { .. }));
        assert!(matches!(parts.last(), Some(ReplayPart::Ended(None))));
        assert!(asked[1].contains("range: bytes=5-") && asked[1].contains("if-range: \"a\""));
    }

    #[tokio::test]
    async fn another_file_begins_anew_and_a_refusal_ends_it() {
        let (parts, _) = read(vec![
            "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n01234",
            "HTTP/1.1 200 OK\r\nETag: \"b\"\r\nContent-Length: 9\r\n\r\nabc",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        ])
        .await;

        assert_eq!(bytes(&parts), [(0, "01234".to_owned()), (0, "abc".to_owned())]);
        assert!(matches!(parts.last(), Some(ReplayPart::Ended(Some(_)))));
    }
}
