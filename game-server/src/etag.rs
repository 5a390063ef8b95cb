//! Entity tags (RFC 9110 §8.8.3): the name of a version, so that a client asks only for another one.

use http::HeaderMap;
use http::header::IF_NONE_MATCH;

/// Whether the client has the version `tag`, which includes its quotes. The comparison is weak, and `*` matches any tag
/// (§13.1.2).
#[must_use]
pub fn is_known(tag: &str, headers: &HeaderMap) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use http::header::IF_NONE_MATCH;
    use http::{HeaderMap, HeaderValue};

    use super::is_known;

    #[test]
    fn lists_weak_tags_and_the_star_are_understood() {
        let mut headers = HeaderMap::new();
        assert!(!is_known("\"a\"", &headers));

        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(known));
            assert!(is_known("\"a\"", &headers), "{known}");
        }
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("a"));
        assert!(!is_known("\"a\"", &headers));
    }
}
