//! The part of a file that a request asks for (RFC 9110 §14), from two headers, the entity tag and the size.

use std::ops::Range;

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};

/// The part to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything: the request names no range, one that is not understood, or a range of another version.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// The range begins after the end: 416.
    Nothing,
}

/// The part that a GET asks for, of a file of `size` bytes whose strong entity tag is `tag` (with its quotes).
pub(super) fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let text =
        |name| headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap_or(""));
    let Some(range) = text(RANGE) else { return Wanted::Whole };
    // A weak tag or a date is no proof that the bytes are the same (§13.1.5).
    if text(IF_RANGE).is_some_and(|known| known.trim() != tag) {
        return Wanted::Whole;
    }
    parse(range, size)
}

/// Several ranges in one request are answered with everything, as §14.2 allows.
fn parse(range: &str, size: u64) -> Wanted {
    let Some((unit, set)) = range.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => {
            if last.is_some_and(|last| last < first) {
                return Wanted::Whole;
            }
            if first >= size {
                return Wanted::Nothing;
            }
            let end = last.map_or(size, |last| last.saturating_add(1).min(size));
            Wanted::Part(first..end)
        }
        (Some(None), Some(Some(length))) if length == 0 || size == 0 => Wanted::Nothing,
        (Some(None), Some(Some(length))) => Wanted::Part(size.saturating_sub(length)..size),
        (None | Some(None), None | Some(None)) | (None, Some(Some(_))) | (Some(Some(_)), None) => {
            Wanted::Whole
        }
    }
}

/// Reads digits. A number that is too great counts as `u64::MAX`; `Some(None)` when the text is empty; `None` when it holds
/// anything but digits.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let is_number = text.bytes().all(|letter| letter.is_ascii_digit());
    is_number.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use http::header::{IF_RANGE, RANGE};
    use http::{HeaderMap, HeaderValue};

    use super::{Wanted, parse, wanted};

    #[test]
    fn good_ranges() {
        for (range, first, end) in [
            ("bytes=0-0", 0, 1),
            ("bytes=0-99", 0, 100),
            ("bytes=10-", 10, 100),
            ("bytes=99-", 99, 100),
            ("bytes=10-1000", 10, 100),
            ("bytes=10-99999999999999999999999", 10, 100),
            ("bytes=-1", 99, 100),
            ("bytes=-100", 0, 100),
            ("bytes=-1000", 0, 100),
            ("Bytes= 5-9 ", 5, 10),
        ] {
            assert_eq!(parse(range, 100), Wanted::Part(first..end), "{range}");
        }
    }

    #[test]
    fn ranges_after_the_end() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(parse(range, 100), Wanted::Nothing, "{range}");
        }
        assert_eq!(parse("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(parse("bytes=-5", 0), Wanted::Nothing);
    }

    #[test]
    fn a_range_that_is_not_understood_is_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=9-1",
            "bytes=+1-2",
            "lines=0-5",
            "bytes=0-1,5-6",
            "bytes=--1",
            "0-1",
            "bytes=1",
            "bytes=1 -2",
        ] {
            assert_eq!(parse(range, 100), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn if_range_guards_against_another_version() {
        let mut headers = HeaderMap::new();
        assert_eq!(wanted(&headers, "\"a\"", 9), Wanted::Whole);
        headers.insert(RANGE, HeaderValue::from_static("bytes=1-2"));
        assert_eq!(wanted(&headers, "\"a\"", 9), Wanted::Part(1..3));

        headers.insert(IF_RANGE, HeaderValue::from_static("\"a\""));
        assert_eq!(wanted(&headers, "\"a\"", 9), Wanted::Part(1..3));
        for other in ["\"b\"", "W/\"a\"", "Sat, 21 Nov 2026 08:00:00 GMT", ""] {
            headers.insert(IF_RANGE, HeaderValue::from_static(other));
            assert_eq!(wanted(&headers, "\"a\"", 9), Wanted::Whole, "{other}");
        }
    }
}
