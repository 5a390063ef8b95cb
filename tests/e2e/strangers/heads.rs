//! Requests with many cookies: localhost collects those of every program that a developer ever ran there.

use shared::api::ProblemKind;
use tests::{TestServer, raw};

fn request(cookie_bytes: usize, more: &str) -> String {
    let cookie = format!("other={}", "x".repeat(cookie_bytes));
    format!("GET /api/rooms HTTP/1.1\r\nHost: localhost\r\n{more}Cookie: {cookie}\r\n\r\n")
}

#[tokio::test]
async fn heads_of_16_kb_and_more_are_taken_and_past_the_limit_the_answer_says_what_to_do() {
    let server = TestServer::start().await;
    for bytes in [8_200, 16 * 1024, 30 * 1024] {
        let answer = raw::exchange(server.address(), request(bytes, "")).await;
        assert_eq!(answer.status, 200, "{bytes}");
    }

    // Also far past it, while the client still sends.
    for bytes in [33 * 1024, 1024 * 1024] {
        let answer = raw::exchange(server.address(), request(bytes, "")).await;
        assert_eq!(answer.status, 431);
        let problem = answer.assert_refused(ProblemKind::HeadTooLarge);
        assert!(problem.detail.contains("cookies"), "{problem:?}");

        let of_browser = request(bytes, "Accept: text/html,application/xhtml+xml\r\n");
        let page = raw::exchange(server.address(), of_browser).await;
        assert_eq!(
            (page.status.as_u16(), page.header("content-type")),
            (431, "text/html; charset=utf-8")
        );
        assert!(page.text().contains("Delete the cookies of this host"), "{}", page.text());
    }
}
