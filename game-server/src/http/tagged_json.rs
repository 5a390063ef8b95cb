//! JSON answers that a client may keep: with an entity tag, compressed where the client takes it, and only when the
//! client does not have them already (RFC 9110 §8.8.3, §13).

use std::io::{self, Write as _};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::accept::takes_encoding;
use super::failures::{Fault, OtherVersion};
use crate::etag;

/// Shorter answers are not compressed: there is little to gain.
const COMPRESSED_FROM_BYTES: usize = 400;
/// Bytes of the digest in a tag.
const TAG_BYTES: usize = 12;

/// Answers with a body, or that the client has it.
///
/// # Errors
/// When the client wants another version, or the body does not encode.
pub(super) fn answer(body: &impl Serialize, asked: &HeaderMap) -> Result<Response, TaggedError> {
    let plain = serde_json::to_vec(body).map_err(|_unencodable| TaggedError::Fault(Fault))?;
    let is_packed = plain.len() >= COMPRESSED_FROM_BYTES && takes_encoding("gzip", asked);
    let digest = Sha256::digest(&plain);
    // The bytes that are sent have the tag, so that each encoding has its own (RFC 9110 §8.8.3.3).
    let encoding = if is_packed { "-gzip" } else { "" };
    let tag = format!("\"{}{encoding}\"", URL_SAFE_NO_PAD.encode(&digest[..TAG_BYTES]));
    if !etag::is_wanted(&tag, asked) {
        return Err(TaggedError::OtherVersion(OtherVersion));
    }
    let mut response = if etag::is_known(&tag, asked) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content(plain, is_packed)?
    };
    let headers = response.headers_mut();
    let tag = HeaderValue::try_from(tag);
    headers.insert(ETAG, tag.map_err(|_unprintable| TaggedError::Fault(Fault))?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    Ok(response)
}

super::error::one_of! {
    /// Why there is no such answer.
    pub enum TaggedError {
        /// The client wants another version.
        OtherVersion(OtherVersion),
        /// The answer cannot be written.
        Fault(Fault),
    }
}

fn content(plain: Vec<u8>, is_packed: bool) -> Result<Response, TaggedError> {
    let bytes = if is_packed { gzip(&plain).or(Err(TaggedError::Fault(Fault)))? } else { plain };
    let mut response = Response::new(Body::from(Bytes::from(bytes)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if is_packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_MATCH, IF_NONE_MATCH};
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{TaggedError, answer};

    #[test]
    fn a_known_version_is_not_sent_again_and_a_long_one_is_compressed() {
        let list = vec!["a recorded round"; 200];
        let mut asked = HeaderMap::new();
        asked.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"));
        let first = answer(&list, &asked).unwrap();
        assert_eq!(first.headers()[CONTENT_ENCODING], "gzip");

        asked.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());

        assert_eq!(answer(&list, &asked).unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer(&vec!["another"], &asked).unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn a_client_that_wants_another_version_gets_none() {
        let mut asked = HeaderMap::new();
        asked.insert(IF_MATCH, HeaderValue::from_static("\"another\""));

        assert!(matches!(answer(&["a"], &asked), Err(TaggedError::OtherVersion(_))));
    }

    #[test]
    fn each_encoding_has_a_tag_by_which_it_can_be_asked_for() {
        let list = vec!["a recorded round"; 200];
        let mut asked = HeaderMap::new();
        let plain = answer(&list, &asked).unwrap().headers()[ETAG].clone();
        asked.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let packed = answer(&list, &asked).unwrap().headers()[ETAG].clone();
        assert_ne!(plain, packed);

        asked.insert(IF_MATCH, packed);
        assert_eq!(answer(&list, &asked).unwrap().status(), StatusCode::OK);
        asked.insert(IF_MATCH, plain);
        assert!(answer(&list, &asked).is_err());
    }
}
