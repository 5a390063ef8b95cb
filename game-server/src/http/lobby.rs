//! The lobby's files, which are built into the server. They answer every address that no other route takes.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use rust_embed::{Embed, EmbeddedFile};
use sha2::{Digest as _, Sha256};

use super::accept::takes_encoding;
use super::error::Refused;
use super::failures::{NotFound, OtherNode, OtherVersion};
use super::guard;
use crate::etag;

/// The page for every address of the lobby: the lobby's own router reads the address.
const PAGE: &str = "index.html";
/// Encodings, the best first, and the endings of the encoded files that may lie beside a file.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
/// The fewest digits of a hash in a file's name. A file with such a name never changes.
const NAME_HASH_DIGITS_MIN: usize = 8;

#[derive(Embed)]
#[folder = "$PUSHBACK_LOBBY_FOLDER"]
struct Files;

/// Serves a file, or the page for an address of the lobby.
pub(super) async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with('@') {
        return Refused(OtherNode).into_response();
    }
    let is_api = ["api", "ws"].contains(&path.split('/').next().unwrap_or_default());
    if is_api {
        return Refused(NotFound("address: see /api/docs for those that are")).into_response();
    }
    if !method.is_safe() {
        return guard::wrong_method().await.into_response();
    }
    // An address with a dot in its last part is a file. The page in place of a missing script would only hide the fault.
    let is_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let name = if is_file { path } else { PAGE };
    file(name, &headers).unwrap_or_else(|| Refused(NotFound("file")).into_response())
}

fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    let is_encoded = ENCODINGS.iter().any(|(_, ending)| name.ends_with(ending));
    let plain = Files::get(name).filter(|_| !is_encoded)?;
    let (encoding, file) = best_encoding(name, headers).unzip();
    let file = file.unwrap_or(plain);
    let tag = format!("\"{}\"", STANDARD.encode(&file.metadata.sha256_hash()[..12]));

    if !etag::is_wanted(&tag, headers) {
        return Some(Refused(OtherVersion).into_response());
    }
    let mut response = if etag::is_known(&tag, headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(bytes_of(file)))
    };
    let answer = response.headers_mut();
    answer.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(caching(name)));
    answer.insert(CONTENT_TYPE, content_type(name));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(ETAG, tag);
    }
    if let Some(encoding) = encoding {
        answer.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if name == PAGE {
        answer.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY.clone());
    }
    Some(response)
}

fn bytes_of(file: EmbeddedFile) -> Bytes {
    match file.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    }
}

fn best_encoding(name: &str, headers: &HeaderMap) -> Option<(&'static str, EmbeddedFile)> {
    ENCODINGS
        .iter()
        .filter(|(encoding, _)| takes_encoding(encoding, headers))
        .find_map(|(encoding, ending)| Some((*encoding, Files::get(&format!("{name}{ending}"))?)))
}

fn caching(name: &str) -> &'static str {
    let is_hashed = name.rsplit_once('.').and_then(|(stem, _)| stem.rsplit_once('-')).is_some_and(
        |(_, hash)| {
            hash.len() >= NAME_HASH_DIGITS_MIN && hash.bytes().all(|b| b.is_ascii_hexdigit())
        },
    );
    if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn content_type(name: &str) -> HeaderValue {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let text = match guess.type_().as_str() {
        "text" => format!("{guess}; charset=utf-8"),
        _ => guess.to_string(),
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// The policy of the page: its own scripts, WebAssembly, and the inline scripts that it contains.
static PAGE_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let page = Files::get(PAGE).map(|file| file.data).unwrap_or_default();
    let policy = guard::content_policy(&inline_scripts(&String::from_utf8_lossy(&page)));
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
});

/// The `script-src` entries of a page's inline scripts.
fn inline_scripts(page: &str) -> String {
    let mut entries = String::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("<script") {
        let Some((attributes, after)) = after.split_once('>') else { break };
        let Some((script, after)) = after.split_once("</script>") else { break };
        if !attributes.contains("src=") {
            let hash = STANDARD.encode(Sha256::digest(script.as_bytes()));
            entries.push_str(&format!(" 'sha256-{hash}'"));
        }
        rest = after;
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::{caching, content_type, inline_scripts};

    #[test]
    fn files_with_a_hash_in_their_name_never_change() {
        assert!(caching("app_bg-0a1b2c3d4e5f.wasm").contains("immutable"));
        assert_eq!(caching("index.html"), "no-cache");
        assert_eq!(caching("some-name.css"), "no-cache");
        assert_eq!(content_type("app-1.wasm"), "application/wasm");
        assert_eq!(content_type("app.js"), "text/javascript; charset=utf-8");
    }

    #[test]
    fn inline_scripts_are_named_by_their_hash() {
        // The example of the CSP specification.
        let page = "<script src=\"/a.js\"></script><script>alert('Hello, world.');</script>";
        assert_eq!(inline_scripts(page), " 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
    }
}
