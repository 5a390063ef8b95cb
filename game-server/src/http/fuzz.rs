//! Reading a request's headers, for the fuzzer.

use std::net::IpAddr;

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::ranges::{self, Wanted};
use super::sites::Sites;
use super::{accept, request_id};
use crate::client_address::{AddressRules, Proxies};
use crate::config::Config;
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
    let rules = AddressRules::new(Proxies::In(Vec::new()), 64);
    let behind_proxies = AddressRules::new(Proxies::EveryPeer, 64);
    let peer = IpAddr::from([192, 0, 2, 7]);
    assert_eq!(rules.of_request(&headers, peer).0, peer);
    let client = behind_proxies.of_request(&headers, peer);
    assert_eq!(behind_proxies.of_peer(client.0), client, "it is counted in one form");
    let sites = Sites::new(&Config::default());
    // A refusal repeats what the headers say, and never all of it.
    for checked in
        [sites.check_host(&Uri::from_static("/"), &headers), sites.check_origin(&headers)]
    {
        let advice = checked.err().map(|stranger| stranger.advice());
        assert!(advice.is_none_or(|advice| advice.chars().count() < 1_200));
    }
    let mut request = axum::extract::Request::default();
    *request.headers_mut() = headers;
    drop(request_id::drop_unclean(request));
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
}
