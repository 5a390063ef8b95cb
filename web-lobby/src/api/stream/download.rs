//! Downloading a recording that plays meanwhile. A cut line is taken up again where it broke.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use presentation::backoff::Backoff;
use presentation::words;
use shared::id::ReplayId;
use shared::replay::ReplayReader;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use super::super::{ApiError, wake};
use super::{Asks, Body, Cut, is_newly_diverged, tell_diverged};

/// The delay after the first failure, and the longest one.
const RETRY_FIRST: Duration = Duration::from_millis(700);
const RETRY_LONGEST: Duration = Duration::from_secs(10);
/// A browser that has the file at hand gives it in pieces of megabytes; after so many bytes pictures go first.
const PIECE_BYTES: usize = 32 * 1024;

/// How a download stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing has come yet.
    Opening,
    Loading,
    /// The line is cut; it is tried again from there.
    Reconnecting,
    /// All is here, to the end of the round.
    Whole,
    /// All there is is here, but the round's end is missing.
    CutOff,
    /// It cannot be read (any further), and why.
    Damaged(String),
    /// The server has none, and why.
    Refused(String),
}

impl Progress {
    /// Whether more may come.
    pub(crate) const fn may_grow(&self) -> bool {
        matches!(self, Self::Opening | Self::Loading | Self::Reconnecting)
    }
}

/// What has been got so far.
pub(crate) struct Downloaded {
    pub(crate) reader: ReplayReader,
    pub(crate) progress: Progress,
    /// Names the state of the file that the bytes are from.
    tag: Option<String>,
}

/// Downloads until it is dropped.
pub(crate) struct Download {
    downloaded: Rc<RefCell<Downloaded>>,
    line: Rc<Line>,
}

#[derive(Default)]
struct Line {
    left: Cell<bool>,
    /// It was told that the recording leads elsewhere than it says. A keyframe in it heals that.
    diverged: Cell<bool>,
    request: RefCell<Option<AbortController>>,
}

impl Line {
    fn cut(&self) {
        if let Some(request) = self.request.borrow().as_ref() {
            request.abort();
        }
    }

    /// What the next request is ended with.
    fn next(&self) -> Result<AbortController, ApiError> {
        let request = AbortController::new().or(Err(ApiError::Offline))?;
        self.request.replace(Some(request.clone()));
        Ok(request)
    }
}

impl Download {
    /// Begins.
    pub(crate) fn start(replay: ReplayId) -> Self {
        let downloaded = Rc::new(RefCell::new(Downloaded {
            reader: ReplayReader::new(),
            progress: Progress::Opening,
            tag: None,
        }));
        let line = Rc::new(Line::default());
        spawn_local(download(file_address(replay), downloaded.clone(), line.clone()));
        Self { downloaded, line }
    }

    /// Looks at what has been got.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Downloaded) -> T) -> T {
        look(&self.downloaded.borrow())
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.line.left.set(true);
        self.line.cut();
    }
}

impl Downloaded {
    /// Where the last body broke off, when the next can go on from there.
    fn cut(&self) -> Option<Cut> {
        let bytes = self.reader.bytes();
        let tag = self.tag.clone().filter(|_| bytes > 0)?;
        Some(Cut { bytes, tag })
    }

    fn begin(&mut self, body: &Body) {
        if !body.continues {
            self.reader = ReplayReader::new();
        }
        self.tag.clone_from(&body.tag);
        self.progress = Progress::Loading;
    }
}

/// Where a recording's file is.
pub(crate) fn file_address(replay: ReplayId) -> String {
    format!("/api/replays/{replay}/file")
}

async fn download(path: String, downloaded: Rc<RefCell<Downloaded>>, line: Rc<Line>) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_LONGEST);
    while !line.left.get() {
        let before = downloaded.borrow().reader.bytes();
        let outcome = download_rest(&path, &downloaded, &line).await;
        line.cut();
        let progress = match outcome {
            Ok(progress) => progress,
            Err(error) if error.may_pass() => Progress::Reconnecting,
            Err(error) => Progress::Refused(error.to_string()),
        };
        let is_over = !progress.may_grow();
        downloaded.borrow_mut().progress = progress;
        if is_over || line.left.get() {
            return;
        }
        if downloaded.borrow().reader.bytes() > before {
            backoff.reset();
        }
        wake::sleep(wake::next_delay_ms(&mut backoff)).await;
    }
}

async fn download_rest(
    path: &str,
    downloaded: &Rc<RefCell<Downloaded>>,
    line: &Rc<Line>,
) -> Result<Progress, ApiError> {
    let cut = downloaded.borrow().cut();
    let mut body = Body::open(path, cut.as_ref(), Asks::AsOneself, &line.next()?).await?;
    downloaded.borrow_mut().begin(&body);
    while let Some(bytes) = body.next().await? {
        for piece in bytes.chunks(PIECE_BYTES) {
            if line.left.get() {
                return Ok(Progress::Loading);
            }
            let pushed = downloaded.borrow_mut().reader.push(piece);
            if let Err(error) = pushed {
                return Ok(Progress::Damaged(words::sentence(&error.to_string())));
            }
            if is_newly_diverged(&downloaded.borrow().reader, &line.diverged) {
                tell_diverged();
            }
            if bytes.len() > PIECE_BYTES {
                TimeoutFuture::new(0).await;
            }
        }
    }
    let is_complete = downloaded.borrow().reader.is_complete();
    Ok(if is_complete { Progress::Whole } else { Progress::CutOff })
}
