//! A body that is used while it arrives: replay files, and matches that still run.
//!
//! Chunks come as they came over the line. Whoever drops the stream ends the request, so a page that is left
//! costs the server nothing more.

use js_sys::Uint8Array;
use shared::api::{Problem, ProblemKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestInit, Response,
};

/// Why a body does not come, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StreamError {
    /// The server does not answer, or the line broke.
    Cut,
    /// The server said no, and why.
    Refused(Problem),
}

impl StreamError {
    /// What happened and what helps, as a sentence for people.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Cut => "The connection to the server is cut.".to_owned(),
            Self::Refused(problem) => problem.detail.clone(),
        }
    }

    /// Whether it makes no sense to ask again.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Cut => false,
            Self::Refused(problem) => matches!(
                problem.known_kind(),
                Some(
                    ProblemKind::NotFound
                        | ProblemKind::RoomEnded
                        | ProblemKind::Gone
                        | ProblemKind::BadRequest
                        | ProblemKind::Forbidden
                )
            ),
        }
    }
}

/// Ends a request from outside.
#[derive(Debug, Clone)]
pub(crate) struct Scissors(AbortController);

impl Scissors {
    /// Ends it: whoever waits for a chunk gets [`StreamError::Cut`].
    pub(crate) fn cut(&self) {
        self.0.abort();
    }
}

/// A growing body.
#[derive(Debug)]
pub(crate) struct ByteStream {
    chunks: ReadableStreamDefaultReader,
    controller: AbortController,
    length: Option<u64>,
}

impl ByteStream {
    /// Asks for a body and waits for its beginning.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub(crate) async fn open(path: &str) -> Result<Self, StreamError> {
        let controller = AbortController::new().or(Err(StreamError::Cut))?;
        let guard = AbortOnDrop(Some(controller.clone()));
        let response = fetch(path, &controller).await.or(Err(StreamError::Cut))?;
        if !response.ok() {
            return Err(StreamError::Refused(problem_of(&response).await));
        }
        let body = response.body().ok_or(StreamError::Cut)?;
        let chunks: ReadableStreamDefaultReader =
            body.get_reader().dyn_into().or(Err(StreamError::Cut))?;
        guard.forget();
        Ok(Self { chunks, controller, length: length_of(&response) })
    }

    /// Bytes in all, when the server knows and the body is not packed.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Something that can end this from outside.
    pub(crate) fn scissors(&self) -> Scissors {
        Scissors(self.controller.clone())
    }

    /// The next bytes; nothing at the end.
    ///
    /// # Errors
    /// When the line broke.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        let read = JsFuture::from(self.chunks.read()).await.or(Err(StreamError::Cut))?;
        let read: ReadableStreamReadResult = read.unchecked_into();
        if read.get_done().unwrap_or(true) {
            return Ok(None);
        }
        let bytes: Uint8Array = read.get_value().dyn_into().or(Err(StreamError::Cut))?;
        Ok(Some(bytes.to_vec()))
    }
}

impl Drop for ByteStream {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

/// Ends a request whose waiting was given up.
struct AbortOnDrop(Option<AbortController>);

impl AbortOnDrop {
    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

async fn fetch(path: &str, controller: &AbortController) -> Result<Response, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let request = RequestInit::new();
    request.set_signal(Some(&controller.signal()));
    JsFuture::from(window.fetch_with_str_and_init(path, &request)).await?.dyn_into()
}

fn length_of(response: &Response) -> Option<u64> {
    let headers = response.headers();
    let is_packed = headers.has("content-encoding").unwrap_or(false);
    let length = headers.get("content-length").ok().flatten()?;
    if is_packed { None } else { length.parse().ok() }
}

async fn problem_of(response: &Response) -> Problem {
    let text = match response.text() {
        Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()),
        Err(_) => None,
    };
    let said = text.and_then(|text| serde_json::from_str(&text).ok());
    said.unwrap_or_else(|| {
        let kind = match response.status() {
            404 => ProblemKind::NotFound,
            502..=504 => ProblemKind::Overloaded,
            _ => ProblemKind::Internal,
        };
        Problem::new(kind, "The server refused without saying why.")
    })
}
