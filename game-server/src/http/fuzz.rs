//! Reading a request's headers, for the fuzzer.

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::ranges::{self, Wanted};
use super::{accept, request_id};
use crate::etag;

const TAG: &str = "\"7f3c\"";
const OFFERED: [&str; 3] = ["application/json", "text/event-stream", "application/x-ndjson"];

/// Lines of `name: value` are read as this server reads them.
///
/// # Panics
/// When a range is outside of the file, or a chosen type was not offered.
pub fn request_headers(bytes: &[u8]) {
    let Some((size, lines)) = bytes.split_first_chunk() else { return };
    let size = u64::from(u16::from_le_bytes(*size));
    let headers: HeaderMap = lines.split(|byte| *byte == b'\n').filter_map(header).collect();

    match ranges::wanted(&headers, TAG, size) {
        Wanted::Whole | Wanted::Nothing => {}
        Wanted::Part(part) => {
            assert!(part.start < part.end && part.end <= size, "{part:?} of {size}");
        }
    }
    let chosen = accept::choose(&headers, &OFFERED);
    assert!(chosen.is_none_or(|index| index < OFFERED.len()), "{chosen:?}");
    let takes_any = headers.get_all(IF_NONE_MATCH).iter().any(|known| known == "*");
    assert!(!takes_any || etag::is_known(TAG, &headers));
    let mut request = axum::extract::Request::default();
    *request.headers_mut() = headers;
    drop(request_id::drop_unclean(request));
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
}
