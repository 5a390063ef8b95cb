//! HTTP bodies that are used while they arrive: replay files, and running matches.
//!
//! Dropping a body aborts its request, so a page that was left costs the server nothing more.

mod download;
mod follow;

pub(crate) use download::{Download, Progress, file_path};
pub(crate) use follow::{FollowState, Follower};

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Uint8Array;
use shared::replay::ReplayReader;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestCache,
    RequestCredentials, RequestInit,
};

use super::{ANSWER_MS_MAX, ApiError, abort_after, check_status, fetch, notify};

/// After how many milliseconds without an answer a request for a body is given up. With the silence that its reader
/// allows, that is less than two heartbeats of a stream.
const HEAD_MS_MAX: u32 = 12_000;
/// The status of a body that resumes an earlier one (RFC 9110 §15.3.7).
const PARTIAL_CONTENT: u16 = 206;

/// What came of a body.
enum Chunk {
    Bytes(Uint8Array),
    End,
    /// Nothing came for as long as the reader waits.
    Silence,
}

/// A body that is arriving.
#[derive(Debug)]
pub(crate) struct Body {
    chunks: ReadableStreamDefaultReader,
    abort: AbortController,
    /// Whether it resumes where the last one broke off.
    continues: bool,
    /// The strong entity tag of the file. A later request can resume only the same one.
    tag: Option<String>,
}

/// The requests that one reader makes, one after the other. Shared by the reader's owner and its task.
#[derive(Debug, Default)]
struct Requests {
    is_stopped: Cell<bool>,
    /// The next request is made at once.
    again: Cell<bool>,
    /// That the stream diverged has been reported.
    is_divergence_reported: Cell<bool>,
    current: RefCell<Option<AbortController>>,
}

impl Requests {
    /// Aborts the current request.
    fn abort(&self) {
        if let Some(request) = self.current.borrow().as_ref() {
            request.abort();
        }
    }

    /// Aborts the current request and ends the task.
    fn stop(&self) {
        self.is_stopped.set(true);
        self.abort();
    }

    fn are_stopped(&self) -> bool {
        self.is_stopped.get()
    }

    /// The controller that aborts the next request.
    fn next(&self) -> Result<AbortController, ApiError> {
        let request = AbortController::new().or(Err(ApiError::Offline))?;
        self.current.replace(Some(request.clone()));
        Ok(request)
    }
}

/// The news of a stream.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) bytes: Vec<u8>,
    /// Where the next slice begins.
    pub(crate) cursor: Option<String>,
}

/// Requests the news of a stream as one answer.
pub(crate) async fn slice(path: &str) -> Result<Slice, ApiError> {
    let init = RequestInit::new();
    init.set_signal(Some(&abort_after(ANSWER_MS_MAX)?));
    let response = check_status(fetch(path, &init).await?).await?;
    let cursor = response.headers().get("Pushback-Cursor").ok().flatten();
    let bytes =
        JsFuture::from(response.array_buffer().map_err(to_offline)?).await.map_err(to_offline)?;
    Ok(Slice { bytes: Uint8Array::new(&bytes).to_vec(), cursor })
}

/// Whether a request carries the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// With the session, if there is one: the server knows who is watching.
    WithSession,
    /// Without a session.
    Anonymous,
}

/// Where an earlier body broke off.
#[derive(Debug, Clone)]
struct ResumePoint {
    /// Bytes that have arrived.
    bytes: u64,
    /// The entity tag of the file that they are from.
    tag: String,
}

impl Body {
    /// Requests a body, or the rest of one (RFC 9110 §14.2, §13.1.5), and waits until it begins.
    async fn open(
        path: &str,
        resume: Option<&ResumePoint>,
        credentials: Credentials,
        abort: &AbortController,
    ) -> Result<Self, ApiError> {
        let init = RequestInit::new();
        init.set_credentials(match credentials {
            Credentials::WithSession => RequestCredentials::SameOrigin,
            Credentials::Anonymous => RequestCredentials::Omit,
        });
        init.set_signal(Some(&abort.signal()));
        // The browser's cache would hold a stream back until it is complete.
        init.set_cache(RequestCache::NoStore);
        if let Some(resume) = resume {
            init.set_headers(&rest_headers(resume).map_err(to_offline)?.into());
        }
        let begun = Rc::new(Cell::new(false));
        let (is_begun, request) = (begun.clone(), abort.clone());
        notify::later(HEAD_MS_MAX, move || {
            if !is_begun.get() {
                request.abort();
            }
        });
        let response = check_status(fetch(path, &init).await?).await?;
        begun.set(true);
        let stream = response.body().ok_or(ApiError::OldBrowser)?;
        let tag = response.headers().get("ETag").ok().flatten();
        Ok(Self {
            chunks: ReadableStreamDefaultReader::new(&stream).or(Err(ApiError::OldBrowser))?,
            abort: abort.clone(),
            continues: response.status() == PARTIAL_CONTENT,
            // A weak tag does not guarantee the same bytes.
            tag: tag.filter(|tag| tag.starts_with('"')),
        })
    }

    /// The next chunk. After this many milliseconds without one the line counts as dead.
    async fn next(&mut self, silence_ms_max: u32) -> Result<Chunk, ApiError> {
        let read = notify::within(&self.chunks.read(), silence_ms_max).await.map_err(to_offline)?;
        if read.is_undefined() {
            return Ok(Chunk::Silence);
        }
        let read: ReadableStreamReadResult = read.unchecked_into();
        if read.get_done().unwrap_or(true) {
            return Ok(Chunk::End);
        }
        Ok(Chunk::Bytes(read.get_value().dyn_into().map_err(to_offline)?))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

fn rest_headers(resume: &ResumePoint) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    headers.set("Range", &format!("bytes={}-", resume.bytes))?;
    headers.set("If-Range", &resume.tag)?;
    Ok(headers)
}

/// Whether the decoded match differs from what the stream says, once for each reader. That is a bug, on one side or
/// the other.
fn is_newly_diverged(reader: &ReplayReader, known: &Cell<bool>) -> bool {
    reader.diverged() > 0 && !known.replace(true)
}

fn warn_diverged() {
    web_sys::console::warn_1(
        &"The decoded match differs from the one on the server. Please report this.".into(),
    );
}

fn to_offline(_exception: JsValue) -> ApiError {
    ApiError::Offline
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use shared::id::{ReplayId, RoomId};
    use shared::replay::{ReplayHeader, ReplayReader, ReplayWriter};
    use shared::sim::{Mode, World};
    use shared::snapshot::StreamEncoder;

    use super::is_newly_diverged;

    #[test]
    fn a_diverged_stream_is_reported_once() {
        let header = ReplayHeader {
            id: ReplayId::from_bits(1),
            room: RoomId::from_bits(1),
            mode: Mode::Duel,
            seed: 1,
            round_ticks: 1_200,
            started_at_ms: 0,
        };
        let (mut world, mut encoder) = (World::new(Mode::Duel, 1, 1_200), StreamEncoder::new());
        drop(world.step(&[]));
        let (mut reader, known) = (ReplayReader::new(), Cell::new(false));
        reader.push(&ReplayWriter::new(&header).1).unwrap();
        reader.push(&encoder.keyframe(&world)).unwrap();
        assert!(!is_newly_diverged(&reader, &known));

        world.rng.0 ^= 1;
        reader.push(&encoder.keyframe(&world)).unwrap();

        assert!(is_newly_diverged(&reader, &known));
        assert!(!is_newly_diverged(&reader, &known));
    }
}
