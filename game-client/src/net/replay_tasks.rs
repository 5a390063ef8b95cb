//! The recordings of a server: the list, and one download at a time.
//!
//! When the connection breaks, the rest of the file is requested as a range (RFC 9110 §14). `If-Range` with the strong
//! entity tag makes sure that it is the rest of the same file.

use std::time::{Duration, Instant};

use reqwest::header::{ETAG, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use shared::api::ReplayList;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::api::{Api, CallError, failure, known_entries};
use super::backoff::Backoff;
use super::events::{DownloadPart, EventSender, ReplayEvent, ReplayListing};
use super::requests::{DownloadId, ReplayPage, ReplayRequest};

/// A download on which nothing arrives for this long is requested again.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Starts the tasks that serve requests about recordings.
#[derive(Default)]
pub(super) struct ReplayTasks {
    /// Dropping it ends the download.
    download: Option<oneshot::Sender<()>>,
}

impl ReplayTasks {
    /// Serves a request in a task of its own.
    pub(super) fn serve(
        &mut self,
        request: ReplayRequest,
        events: &EventSender,
        tasks: &mut JoinSet<()>,
    ) {
        let events = events.clone();
        match request {
            ReplayRequest::List { server, page } => {
                tasks.spawn(async move {
                    let list = list(&server, page).await.map_err(|error| error.user_error());
                    events.send(ReplayEvent::Listed(page, list)).await;
                });
            }
            ReplayRequest::Download { server, replay, id } => {
                let (stop, stopped) = oneshot::channel();
                self.download = Some(stop);
                let path = format!("/api/replays/{replay}/file");
                let download = Download { id, path, events, received: 0, tag: None };
                tasks.spawn(async move {
                    tokio::select! {
                        () = download.run(&server) => {}
                        _ = stopped => {}
                    }
                });
            }
            ReplayRequest::Stop => self.download = None,
        }
    }
}

async fn list(server: &str, page: ReplayPage) -> Result<ReplayListing, CallError> {
    let before = page.before.map(|before| format!("&before={before}")).unwrap_or_default();
    let player = page.player.map(|player| format!("&player={player}")).unwrap_or_default();
    let mode = page.mode.map(|mode| format!("&mode={}", mode.title().to_lowercase()));
    let mode = mode.unwrap_or_default();
    let path = format!("/api/replays?limit=20{before}{player}{mode}");
    let (mut answer, time) = api(server)?.get_at::<Value>(&path).await?;
    let (replays, not_understood) = known_entries(&mut answer, "replays")?;
    let next = answer.get("next").cloned().unwrap_or_default();
    let next = serde_json::from_value(next).map_err(|_reason| CallError::NotPushback)?;
    Ok(ReplayListing { list: ReplayList { replays, next }, not_understood, time })
}

fn api(server: &str) -> Result<Api, CallError> {
    Api::new(server).map_err(CallError::Unreachable)
}

/// A download in progress.
struct Download {
    id: DownloadId,
    path: String,
    events: EventSender,
    /// The bytes that have arrived.
    received: u64,
    /// The file's strong entity tag.
    tag: Option<HeaderValue>,
}

impl Download {
    /// Downloads until the file is complete, the server refuses, or the game has ended.
    async fn run(mut self, server: &str) {
        let mut backoff = Backoff::default();
        loop {
            let before = self.received;
            let error = match self.receive(server).await {
                Ok(()) => None,
                Err(error) if error.is_transient() => {
                    if self.received > before {
                        backoff.reset();
                    }
                    let pause = backoff.next().max(error.retry_after());
                    let (error, retry_at) = (error.user_error(), Instant::now() + pause);
                    if !self.report(DownloadPart::Interrupted { error, retry_at }).await {
                        return;
                    }
                    sleep(pause).await;
                    continue;
                }
                Err(error) => Some(error.user_error()),
            };
            self.report(DownloadPart::Ended(error)).await;
            return;
        }
    }

    /// One connection: receives the file, or the rest of it.
    async fn receive(&mut self, server: &str) -> Result<(), CallError> {
        let mut answer = self.request(server).await?;
        // A whole file instead of the rest: it is another file, or the server has no ranges.
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            self.received = 0;
        }
        self.tag = answer.headers().get(ETAG).cloned();
        loop {
            let chunk = timeout(SILENCE_MAX, answer.chunk()).await;
            let chunk = chunk.map_err(|_elapsed| CallError::TimedOut)?;
            let Some(chunk) = chunk.map_err(failure)? else { return Ok(()) };
            let from = self.received;
            self.received += chunk.len() as u64;
            if !self.report(DownloadPart::Bytes { from, bytes: chunk.to_vec() }).await {
                return Ok(());
            }
        }
    }

    async fn request(&self, server: &str) -> Result<Response, CallError> {
        let api = api(server)?;
        let mut call = api.download(&self.path);
        if let (Some(tag), true) = (&self.tag, self.received > 0) {
            call = call.header(RANGE, format!("bytes={}-", self.received)).header(IF_RANGE, tag);
        }
        let asked = timeout(SILENCE_MAX, super::api::send(call)).await;
        asked.map_err(|_elapsed| CallError::TimedOut)?
    }

    /// False when the game has ended.
    async fn report(&self, part: DownloadPart) -> bool {
        self.events.send(ReplayEvent::Download { id: self.id, part }).await
    }
}

#[cfg(test)]
mod tests {
    use shared::id::ReplayId;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::{DownloadId, DownloadPart, EventSender, ReplayEvent, ReplayRequest, ReplayTasks};
    use crate::net::events::NetEvent;

    /// Gives each connection the next answer, then closes it. Returns the requests.
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

    /// Downloads a file of such a server to its end. Returns the parts and the requests.
    async fn download(answers: Vec<&'static str>) -> (Vec<DownloadPart>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = tokio::spawn(serve(listener, answers));
        let (events, mut received) = EventSender::channel(64);
        let (mut replays, mut tasks) = (ReplayTasks::default(), JoinSet::new());
        let replay = ReplayId::from_bits(1);
        let request = ReplayRequest::Download { server, replay, id: DownloadId(7) };
        replays.serve(request, &events, &mut tasks);
        let mut parts = Vec::new();
        while let Some(NetEvent::Replay(ReplayEvent::Download { id: DownloadId(7), part })) =
            received.recv().await
        {
            parts.push(part);
            if matches!(parts.last(), Some(DownloadPart::Ended(_))) {
                break;
            }
        }
        (parts, asked.await.expect("a server"))
    }

    fn bytes(parts: &[DownloadPart]) -> Vec<(u64, String)> {
        let text = |part: &DownloadPart| match part {
            DownloadPart::Bytes { from, bytes } => {
                Some((*from, String::from_utf8_lossy(bytes).into_owned()))
            }
            DownloadPart::Interrupted { .. } | DownloadPart::Ended(_) => None,
        };
        parts.iter().filter_map(text).collect()
    }

    #[tokio::test]
    async fn a_download_that_was_cut_goes_on_where_it_ended() {
        let (parts, asked) = download(vec![
            "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n01234",
            "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n56789",
        ])
        .await;

        assert_eq!(bytes(&parts), [(0, "01234".to_owned()), (5, "56789".to_owned())]);
        assert!(matches!(parts[1], DownloadPart::Interrupted { .. }));
        assert!(matches!(parts.last(), Some(DownloadPart::Ended(None))));
        assert!(asked[1].contains("range: bytes=5-") && asked[1].contains("if-range: \"a\""));
    }

    #[tokio::test]
    async fn another_file_begins_at_zero_and_a_refusal_ends_the_download() {
        let (parts, _) = download(vec![
            "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n01234",
            "HTTP/1.1 200 OK\r\nETag: \"b\"\r\nContent-Length: 9\r\n\r\nabc",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        ])
        .await;

        assert_eq!(bytes(&parts), [(0, "01234".to_owned()), (0, "abc".to_owned())]);
        assert!(matches!(parts.last(), Some(DownloadPart::Ended(Some(_)))));
    }
}
