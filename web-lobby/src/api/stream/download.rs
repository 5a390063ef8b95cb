//! Downloading a recording while it plays. After a disconnect the download resumes where it broke off.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use presentation::backoff::Backoff;
use presentation::words;
use shared::id::ReplayId;
use shared::replay::ReplayReader;
use wasm_bindgen_futures::spawn_local;

use super::super::{ApiError, notify, retry};
use super::{Body, Chunk, Credentials, Requests, ResumePoint, is_newly_diverged, warn_diverged};

/// The delay after the first failure, and the longest one.
const RETRY_FIRST: Duration = Duration::from_millis(700);
const RETRY_LONGEST: Duration = Duration::from_secs(10);
/// After how many milliseconds of silence a connection counts as dead.
const SILENCE_MS_MAX: u32 = 15_000;
/// How many bytes are decoded at once. A cached file arrives in chunks of megabytes, and frames go first.
const PIECE_BYTES: usize = 32 * 1024;

/// The state of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing has arrived yet.
    Opening,
    Loading,
    /// Disconnected, and about to resume.
    Reconnecting,
    /// The whole recording is here.
    Complete,
    /// The whole file is here, but the end of the round is missing from it.
    Truncated,
    /// The file cannot be read further, with the reason.
    Damaged(String),
    /// The server refused, with the reason.
    Refused(String),
}

impl Progress {
    /// Whether more may arrive.
    pub(crate) const fn may_grow(&self) -> bool {
        matches!(self, Self::Opening | Self::Loading | Self::Reconnecting)
    }
}

/// What has arrived so far.
pub(crate) struct Downloaded {
    pub(crate) reader: ReplayReader,
    pub(crate) progress: Progress,
    /// The entity tag of the file that the bytes are from.
    tag: Option<String>,
}

/// Downloads until it is dropped.
pub(crate) struct Download {
    downloaded: Rc<RefCell<Downloaded>>,
    requests: Rc<Requests>,
}

impl Download {
    /// Starts a download.
    pub(crate) fn start(replay: ReplayId) -> Self {
        let downloaded = Rc::new(RefCell::new(Downloaded {
            reader: ReplayReader::new(),
            progress: Progress::Opening,
            tag: None,
        }));
        let requests = Rc::new(Requests::default());
        spawn_local(download(file_path(replay), downloaded.clone(), requests.clone()));
        Self { downloaded, requests }
    }

    /// Reads what has arrived.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Downloaded) -> T) -> T {
        look(&self.downloaded.borrow())
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.requests.stop();
    }
}

impl Downloaded {
    /// Where the last body broke off. `None` when the next one cannot resume there.
    fn resume_point(&self) -> Option<ResumePoint> {
        let bytes = self.reader.bytes();
        let tag = self.tag.clone().filter(|_| bytes > 0)?;
        Some(ResumePoint { bytes, tag })
    }

    fn begin(&mut self, body: &Body) {
        if !body.continues {
            self.reader = ReplayReader::new();
        }
        self.tag.clone_from(&body.tag);
        self.progress = Progress::Loading;
    }
}

/// The path of a recording's file.
pub(crate) fn file_path(replay: ReplayId) -> String {
    format!("/api/replays/{replay}/file")
}

async fn download(path: String, downloaded: Rc<RefCell<Downloaded>>, requests: Rc<Requests>) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
    while !requests.are_stopped() {
        let before = downloaded.borrow().reader.bytes();
        let outcome = download_rest(&path, &downloaded, &requests).await;
        requests.abort();
        let progress = match outcome {
            Ok(progress) => progress,
            Err(error) if error.may_succeed_later() => Progress::Reconnecting,
            Err(error) => Progress::Refused(error.to_string()),
        };
        let is_over = !progress.may_grow();
        downloaded.borrow_mut().progress = progress;
        if is_over || requests.are_stopped() {
            return;
        }
        if downloaded.borrow().reader.bytes() > before {
            backoff.reset();
        }
        notify::sleep(retry::next_delay_ms(&mut backoff)).await;
    }
}

async fn download_rest(
    path: &str,
    downloaded: &Rc<RefCell<Downloaded>>,
    requests: &Rc<Requests>,
) -> Result<Progress, ApiError> {
    let resume = downloaded.borrow().resume_point();
    let mut body =
        Body::open(path, resume.as_ref(), Credentials::WithSession, &requests.next()?).await?;
    downloaded.borrow_mut().begin(&body);
    loop {
        let bytes = match body.next(SILENCE_MS_MAX).await? {
            Chunk::Bytes(bytes) => bytes.to_vec(),
            Chunk::End => break,
            // The rest is asked for again.
            Chunk::Silence => return Err(ApiError::Offline),
        };
        for piece in bytes.chunks(PIECE_BYTES) {
            if requests.are_stopped() {
                return Ok(Progress::Loading);
            }
            let pushed = downloaded.borrow_mut().reader.push(piece);
            if let Err(error) = pushed {
                return Ok(Progress::Damaged(words::sentence(&error.to_string())));
            }
            if is_newly_diverged(&downloaded.borrow().reader, &requests.is_divergence_reported) {
                warn_diverged();
            }
            if bytes.len() > PIECE_BYTES {
                notify::sleep(0).await;
            }
        }
    }
    let is_complete = downloaded.borrow().reader.is_complete();
    Ok(if is_complete { Progress::Complete } else { Progress::Truncated })
}
