//! Content negotiation: chooses the offered media type that a client prefers (RFC 9110 §12.5.1), and whether it takes an
//! encoding (§12.5.3).

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING};

/// The index in `offered` of the type to answer with: the one with the greatest weight, then the one that the client
/// named more exactly, then the one offered first. Without an `Accept` header, the first. `None` when the client takes
/// none of them.
pub(super) fn choose(headers: &HeaderMap, offered: &[&str]) -> Option<usize> {
    let ranges: Vec<(&str, f32)> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(range)
        .collect();
    if ranges.is_empty() {
        return Some(0);
    }
    let mut best: Option<(f32, u8, usize)> = None;
    for (index, media_type) in offered.iter().enumerate() {
        // The most exact range that matches a type gives its weight.
        let matching = ranges
            .iter()
            .filter_map(|(range, quality)| Some((exactness(range, media_type)?, *quality)))
            .max_by_key(|(exactness, _)| *exactness);
        let Some((exactness, quality)) = matching else { continue };
        let is_better = best.is_none_or(|(best_quality, best_exactness, _)| {
            quality > best_quality || (quality == best_quality && exactness > best_exactness)
        });
        if quality > 0.0 && is_better {
            best = Some((quality, exactness, index));
        }
    }
    best.map(|(_, _, index)| index)
}

/// Splits a media range from its weight, as in `text/*;q=0.5`.
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let quality = parts
        .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .and_then(|weight| weight.parse().ok())
        .unwrap_or(1.0);
    (range, quality)
}

/// How exactly a range names a type, from 0 (`*/*`) to 2 (the type itself). `None` when it does not match.
fn exactness(range: &str, media_type: &str) -> Option<u8> {
    if range.eq_ignore_ascii_case(media_type) {
        return Some(2);
    }
    if range == "*/*" {
        return Some(0);
    }
    let kind = range.strip_suffix("/*")?;
    media_type.split_once('/').is_some_and(|(own, _)| own.eq_ignore_ascii_case(kind)).then_some(1)
}

/// Whether the client takes an encoding. A weight of 0 is a refusal; other weights are not compared.
pub(super) fn takes_encoding(encoding: &str, headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            name.trim().eq_ignore_ascii_case(encoding).then_some(weight.trim())
        })
        .any(|weight| weight.trim_start_matches("q=").parse().is_ok_and(|q: f32| q > 0.0))
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, ACCEPT_ENCODING};
    use http::{HeaderMap, HeaderValue};

    use super::{choose, takes_encoding};

    fn chosen(accept: &'static str) -> Option<&'static str> {
        let offered = ["application/json", "text/event-stream", "application/x-ndjson"];
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        choose(&headers, &offered).map(|index| offered[index])
    }

    #[test]
    fn the_client_gets_the_type_that_it_prefers() {
        assert_eq!(choose(&HeaderMap::new(), &["a/b", "c/d"]), Some(0));
        assert_eq!(chosen("*/*"), Some("application/json"));
        assert_eq!(chosen("text/event-stream"), Some("text/event-stream"));
        assert_eq!(chosen("Text/Event-Stream, */*"), Some("text/event-stream"));
        assert_eq!(chosen("application/x-ndjson;q=0.9, */*;q=0.1"), Some("application/x-ndjson"));
        assert_eq!(chosen("text/html,application/xml;q=0.9,*/*;q=0.8"), Some("application/json"));
        assert_eq!(chosen("application/*"), Some("application/json"));
        assert_eq!(chosen("application/json;q=0, */*"), Some("text/event-stream"));
        assert_eq!(chosen("text/html"), None);
    }

    #[test]
    fn an_encoding_is_taken_unless_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br;q=0"));
        assert!(takes_encoding("gzip", &headers));
        assert!(!takes_encoding("br", &headers));
        assert!(!takes_encoding("zstd", &headers));
    }
}
