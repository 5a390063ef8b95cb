//! HTTP bodies that are used while they arrive: `fetch` and its chunks.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader, RequestCache, RequestInit};

use super::{ApiError, accepted, fetch, headers, set};

/// A body on its way.
#[derive(Debug)]
pub(crate) struct Body {
    reader: ReadableStreamDefaultReader,
    /// Bytes to come, where the server knows.
    pub(crate) length: Option<u64>,
    /// Whether it goes on where the last one was cut.
    pub(crate) continues: bool,
    /// Names this state of the file: a later request goes on only when it is still the same.
    pub(crate) tag: Option<String>,
}

/// Where an earlier body was cut.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    /// Bytes that are here.
    pub(crate) bytes: u64,
    /// The tag of the file that they are from.
    pub(crate) tag: String,
}

impl Body {
    /// Asks for a body, or for the rest of one (RFC 9110 §14.2, §13.1.5).
    pub(crate) async fn open(
        path: &str,
        cut: Option<&Cut>,
        abort: &AbortController,
    ) -> Result<Self, ApiError> {
        let init = RequestInit::new();
        init.set_signal(Some(&abort.signal()));
        // The browser's cache would hold a stream back until it has all of it.
        init.set_cache(RequestCache::NoStore);
        let headers = headers();
        if let Some(cut) = cut {
            set(&headers, "Range", &format!("bytes={}-", cut.bytes));
            set(&headers, "If-Range", &cut.tag);
        }
        init.set_headers(&headers);

        let response = accepted(fetch(path, &init).await?).await?;
        let header = |name: &str| response.headers().get(name).ok().flatten();
        let stream = response.body().ok_or(ApiError::Unreadable)?;
        Ok(Self {
            length: header("Content-Length").and_then(|length| length.parse().ok()),
            continues: response.status() == 206,
            tag: header("ETag").filter(|tag| tag.starts_with('"')),
            reader: stream.get_reader().unchecked_into(),
        })
    }

    /// The next chunk; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        let cut = |_exception: JsValue| ApiError::Offline;
        let result: JsValue = JsFuture::from(self.reader.read()).await.map_err(cut)?.into();
        let done = Reflect::get(&result, &"done".into()).map_err(cut)?;
        if done.is_truthy() {
            return Ok(None);
        }
        let value = Reflect::get(&result, &"value".into()).map_err(cut)?;
        Ok(Some(value.unchecked_into::<Uint8Array>().to_vec()))
    }
}
