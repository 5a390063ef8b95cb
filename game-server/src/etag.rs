//! Entity tags (RFC 9110 §8.8.3): the name of a version, so that a client asks only for another one.

use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};

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

/// Whether the client wants the version `tag`, if there is one: a list in `If-Match` without it wants another. The
/// comparison is strong, so a weak tag matches nothing (§13.1.1).
#[must_use]
pub fn is_wanted(tag: &str, headers: &HeaderMap) -> bool {
    let mut wanted = headers.get_all(IF_MATCH).iter().peekable();
    wanted.peek().is_none()
        || wanted
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|wanted| wanted == "*" || wanted == tag)
}

#[cfg(test)]
mod tests {
    use http::header::{IF_MATCH, IF_NONE_MATCH};
    use http::{HeaderMap, HeaderValue};

    use super::{is_known, is_wanted};

    #[test]
    fn a_version_is_wanted_unless_only_others_are() {
        let mut headers = HeaderMap::new();
        assert!(is_wanted("\"a\"", &headers));
        for (wanted, expected) in [
            ("\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("W/\"a\"", false),
        ] {
            headers.insert(IF_MATCH, HeaderValue::from_static(wanted));
            assert_eq!(is_wanted("\"a\"", &headers), expected, "{wanted}");
        }
    }

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
