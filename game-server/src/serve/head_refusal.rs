//! The answer to a request whose head is not taken: it is given below HTTP.

use http::StatusCode;
use shared::api::{Problem, ProblemKind};

use crate::plain_page::plain_page;

/// The longest head of a request. Cookies that other programs left on the same host are a part of it.
pub(super) const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Why the head of a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadRefused {
    /// It is longer than `HEAD_BYTES_MAX`.
    TooLong {
        /// The client is a browser that shows the answer.
        wants_page: bool,
    },
    /// It did not arrive in time.
    Late,
}

/// The whole answer, head and body.
pub(super) fn answer_to(why: HeadRefused) -> String {
    let too_long = format!(
        "The request's headers have more than {} KB: mostly cookies. Cookies belong to a host and not to a port, so on \
         localhost those of other programs come along. Delete the cookies of this host in your browser, or open this \
         server by its address (127.0.0.1 in place of localhost).",
        HEAD_BYTES_MAX / 1024
    );
    match why {
        HeadRefused::TooLong { wants_page: true } => page(&too_long),
        HeadRefused::TooLong { wants_page: false } => {
            head_and_body(&Problem::new(ProblemKind::HeadTooLarge, too_long))
        }
        HeadRefused::Late => {
            let detail = "The headers of the request did not arrive in time.";
            let mut problem = Problem::new(ProblemKind::BadRequest, detail);
            problem.status = StatusCode::REQUEST_TIMEOUT.as_u16();
            head_and_body(&problem)
        }
    }
}

fn page(sentence: &str) -> String {
    let kind = ProblemKind::HeadTooLarge;
    answer(kind.status(), "text/html; charset=utf-8", &plain_page(kind.title(), sentence))
}

fn head_and_body(problem: &Problem) -> String {
    let body = serde_json::to_string(problem).unwrap_or_default();
    answer(problem.status, "application/problem+json", &body)
}

fn answer(status: u16, media_type: &str, body: &str) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {media_type}\r\nCache-Control: no-store\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        reason.unwrap_or_default(),
        body.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::{HeadRefused, answer_to};

    #[test]
    fn a_head_that_is_too_long_gets_a_page_or_a_problem_that_says_what_to_do() {
        for (wants_page, media_type) in [(true, "text/html"), (false, "application/problem+json")] {
            let answer = answer_to(HeadRefused::TooLong { wants_page });

            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{head}");
            assert!(head.contains(media_type), "{head}");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
            assert!(body.contains("Delete the cookies of this host"), "{body}");
        }
    }
}
