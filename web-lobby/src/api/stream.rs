//! HTTP bodies that are used while they arrive: replay files, and matches that still run.
//!
//! Chunks come as they came over the line. Whoever drops a body ends the request, so a page that is left costs
//! the server nothing more.

mod download;
mod follow;

pub(crate) use download::{Download, Progress, file_address};
pub(crate) use follow::{Follower, Following};

use std::cell::Cell;

use js_sys::Uint8Array;
use shared::replay::ReplayReader;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, AbortSignal, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult,
    RequestCache, RequestCredentials, RequestInit,
};

use super::{ANSWER_MS_MAX, ApiError, accepted, fetch};

/// The status of a body that does not begin at the beginning.
const PARTIAL_CONTENT: u16 = 206;

/// A body on its way.
#[derive(Debug)]
pub(crate) struct Body {
    chunks: ReadableStreamDefaultReader,
    abort: AbortController,
    /// Whether it goes on where the last one was cut.
    continues: bool,
    /// Names this state of the file: a later request goes on only when it is still the same.
    tag: Option<String>,
}

/// What was new in a stream.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) bytes: Vec<u8>,
    /// Where the next one goes on.
    pub(crate) cursor: Option<String>,
}

/// Asks for what is new in a stream, all of it at once.
pub(crate) async fn slice(path: &str) -> Result<Slice, ApiError> {
    let init = RequestInit::new();
    init.set_signal(Some(&AbortSignal::timeout_with_u32(ANSWER_MS_MAX)));
    let response = accepted(fetch(path, &init).await?).await?;
    let cursor = response.headers().get("Pushback-Cursor").ok().flatten();
    let bytes = JsFuture::from(response.array_buffer().map_err(broken)?).await.map_err(broken)?;
    Ok(Slice { bytes: Uint8Array::new(&bytes).to_vec(), cursor })
}

/// Who asks for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Whoever has the session, if there is one: the server knows who watches.
    AsOneself,
    /// A passer-by.
    AsNobody,
}

/// Where an earlier body was cut.
#[derive(Debug, Clone)]
struct Cut {
    /// Bytes that are here.
    bytes: u64,
    /// The tag of the file that they are from.
    tag: String,
}

impl Body {
    /// Asks for a body, or for the rest of one (RFC 9110 §14.2, §13.1.5), and waits for its beginning.
    async fn open(
        path: &str,
        cut: Option<&Cut>,
        asks: Asks,
        abort: &AbortController,
    ) -> Result<Self, ApiError> {
        let init = RequestInit::new();
        init.set_credentials(match asks {
            Asks::AsOneself => RequestCredentials::SameOrigin,
            Asks::AsNobody => RequestCredentials::Omit,
        });
        init.set_signal(Some(&abort.signal()));
        // The browser's cache would hold a stream back until it has all of it.
        init.set_cache(RequestCache::NoStore);
        if let Some(cut) = cut {
            init.set_headers(&rest_headers(cut).map_err(broken)?.into());
        }
        let response = accepted(fetch(path, &init).await?).await?;
        let stream = response.body().ok_or(ApiError::Unreadable)?;
        let tag = response.headers().get("ETag").ok().flatten();
        Ok(Self {
            chunks: stream.get_reader().dyn_into().or(Err(ApiError::Unreadable))?,
            abort: abort.clone(),
            continues: response.status() == PARTIAL_CONTENT,
            // A weak tag does not vouch for bytes.
            tag: tag.filter(|tag| tag.starts_with('"')),
        })
    }

    /// The next chunk; nothing at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        let read = JsFuture::from(self.chunks.read()).await.map_err(broken)?;
        let read: ReadableStreamReadResult = read.unchecked_into();
        if read.get_done().unwrap_or(true) {
            return Ok(None);
        }
        let bytes: Uint8Array = read.get_value().dyn_into().map_err(broken)?;
        Ok(Some(bytes.to_vec()))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

fn rest_headers(cut: &Cut) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    headers.set("Range", &format!("bytes={}-", cut.bytes))?;
    headers.set("If-Range", &cut.tag)?;
    Ok(headers)
}

/// Whether a stream leads elsewhere than it says, the first time that it is seen. Somebody has a bug then, and whoever
/// looks at the console is to know of it.
fn is_newly_diverged(reader: &ReplayReader, known: &Cell<bool>) -> bool {
    reader.diverged() > 0 && !known.replace(true)
}

fn tell_diverged() {
    web_sys::console::warn_1(&"The match went elsewhere than here.".into());
}

fn broken(_exception: JsValue) -> ApiError {
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
    fn a_stream_that_leads_elsewhere_is_noticed_once() {
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
