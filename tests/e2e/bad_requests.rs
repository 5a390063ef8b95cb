//! Wrong requests: each is refused with a stable type and a helpful sentence.

use reqwest::Method;
use shared::api::{Problem, ProblemKind};
use shared::protocol::CHAT_SUBPROTOCOL;
use tests::{TestServer, raw};

#[tokio::test]
async fn a_wrong_name_is_refused_with_the_rule_that_it_breaks() {
    let server = TestServer::start().await;
    for (name, rule) in [
        ("", "at least 2"),
        ("a", "at least 2"),
        ("seventeen letters", "at most 16"),
        ("a\u{202e}b", "invisible"),
        ("two  spaces", "letters and digits"),
        ("<script>", "letters and digits"),
    ] {
        let problem = server.sign_in(name).await.assert_refused(ProblemKind::BadName);

        assert!(problem.detail.contains(rule), "{name:?}: {problem:?}");
    }
}

#[tokio::test]
async fn a_body_of_another_shape_is_refused() {
    let server = TestServer::start().await;
    let post = |body: &'static str, content_type: &str| {
        let request = server.request(Method::POST, "/api/session");
        server.send(request.header("content-type", content_type).body(body))
    };

    post(r#"{"name":"#, "application/json").await.assert_refused(ProblemKind::BadRequest);
    post("{}", "application/json").await.assert_refused(ProblemKind::BadRequest);
    post("[]", "application/json").await.assert_refused(ProblemKind::BadRequest);
    for (body, kind) in
        [(r#"{"name":"ada"}"#, "text/plain"), ("name=ada", "application/x-www-form-urlencoded")]
    {
        let answer = post(body, kind).await;
        answer.assert_refused(ProblemKind::BadRequest);
        assert_eq!(answer.status, 415, "{kind}");
    }
}

#[tokio::test]
async fn a_huge_body_is_refused_before_it_is_read() {
    let server = TestServer::start().await;

    // The body is announced and not sent: a server that waits for all of it would never answer.
    let announced = "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                     Content-Length: 100000000\r\n\r\n{";
    let answer = raw::exchange(server.address(), announced).await;
    answer.assert_refused(ProblemKind::TooLarge);

    let name = "x".repeat(1 << 20);
    let sent =
        server.request(Method::POST, "/api/session").json(&serde_json::json!({ "name": name }));
    server.send(sent).await.assert_refused(ProblemKind::TooLarge);
}

#[tokio::test]
async fn a_wrong_method_is_refused_with_the_ones_that_are_right() {
    let server = TestServer::start().await;

    let answer = server.send(server.request(Method::PUT, "/api/session")).await;

    answer.assert_refused(ProblemKind::MethodNotAllowed);
    let allowed = answer.header("allow");
    assert!(allowed.contains("POST") && allowed.contains("GET"), "{allowed:?}");
}

#[tokio::test]
async fn an_answer_and_its_problem_carry_the_id_of_the_request() {
    let server = TestServer::start().await;
    let ask = |path: &str, id: &str| {
        server.send(server.request(Method::GET, path).header("x-request-id", id.to_owned()))
    };
    let longest = "x".repeat(64);
    for id in ["proxy-7.a_B", &longest] {
        let answer = ask("/api/nothing", id).await;
        assert_eq!(answer.header("x-request-id"), id);
        let problem = answer.assert_refused(ProblemKind::NotFound);
        assert_eq!(problem.request_id.as_deref(), Some(id));
    }

    let mut own = Vec::new();
    let gone = "/api/feeds/lab?after=1-1";
    for (path, id) in [("/api/nothing", "a b"), (gone, "<id>"), (gone, &format!("{longest}x"))] {
        let answer = ask(path, id).await;
        let problem: Problem = answer.json_of_any_status();
        assert_ne!(answer.header("x-request-id"), id);
        assert_eq!(problem.request_id.as_deref(), Some(answer.header("x-request-id")));
        own.push(problem.request_id);
    }
    own.push(Some(server.get("/healthz").await.header("x-request-id").to_owned()));
    own.sort();
    own.dedup();
    assert_eq!(own.len(), 4, "{own:?}");
}

#[tokio::test]
async fn an_unknown_address_is_refused_and_not_answered_with_a_page() {
    let server = TestServer::start().await;
    for path in
        ["/api/nothing", "/api/players/AAAAAAAAAAAA", "/api/players/not-an-id", "/ws/nothing"]
    {
        server.get(path).await.assert_refused(ProblemKind::NotFound);
    }
}

#[tokio::test]
async fn a_call_without_its_session_is_refused_with_a_reason() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;

    let without = server.send(server.request(Method::POST, "/api/chat/tickets")).await;
    let wrong = server.request(Method::POST, "/api/chat/tickets").bearer_auth("made-up");
    let wrong = server.send(wrong).await;
    let ended = ada.ask(Method::DELETE, "/api/session").await;
    let after = ada.ask(Method::GET, "/api/session").await;

    without.assert_refused(ProblemKind::SignIn);
    assert_eq!(without.header("www-authenticate"), "Bearer");
    wrong.assert_refused(ProblemKind::SignIn);
    assert_eq!(ended.status, 204);
    after.assert_refused(ProblemKind::SignIn);
}

#[tokio::test]
async fn a_guest_with_the_same_token_is_the_same_player() {
    let server = TestServer::start().await;
    let ada = server.guest("ada").await;

    let body = serde_json::json!({ "name": "Ada L" });
    let renamed: shared::api::Session = ada.post("/api/session", &body).await.json();
    let cookie = server
        .request(Method::GET, "/api/session")
        .header("cookie", format!("pushback_session={}", ada.token()));
    let seen: shared::api::Session = server.send(cookie).await.json();

    assert_eq!(renamed.player, ada.id());
    assert_eq!((seen.player, seen.name.as_str()), (ada.id(), "Ada L"));
    assert_eq!(seen.token, "", "the token is sent only once");
    let page = server.request(Method::POST, "/api/session");
    let page = server.send(page.json(&serde_json::json!({ "name": "bob" }))).await;
    let set = page.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_may_neither_change_nor_connect() {
    let server = TestServer::start().await;
    let body = serde_json::json!({ "name": "ada" });
    let from = |origin: String| {
        let request = server.request(Method::POST, "/api/session").json(&body);
        server.send(request.header("origin", origin))
    };

    from("https://evil.example".to_owned()).await.assert_refused(ProblemKind::ForeignOrigin);
    from("null".to_owned()).await.assert_refused(ProblemKind::ForeignOrigin);
    assert_eq!(from(server.url("")).await.status, 201);

    let evil = "Origin: https://evil.example\r\n";
    for path in ["/api/feeds/lab", "/ws/chat?ticket=x"] {
        let request = raw::handshake(server.address(), path, evil);
        let answer = raw::exchange(server.address(), request).await;
        answer.assert_refused(ProblemKind::ForeignOrigin);
    }
}

#[tokio::test]
async fn an_invalid_handshake_is_refused() {
    let server = TestServer::start().await;
    let address = server.address();
    let good = raw::handshake(address, "/api/feeds/lab", "");

    let old = raw::exchange(address, good.replace("Version: 13", "Version: 12")).await;
    let no_key = good.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "");
    let no_key = raw::exchange(address, no_key).await;
    let no_upgrade = server.get("/ws/chat?ticket=x").await;

    assert_eq!(old.status, 426);
    assert_eq!(old.header("sec-websocket-version"), "13");
    assert_eq!(old.json_of_any_status::<Problem>().known_kind(), Some(ProblemKind::BadUpgrade));
    assert_eq!(no_key.status, 400);
    no_key.assert_refused(ProblemKind::BadUpgrade);
    no_upgrade.assert_refused(ProblemKind::BadUpgrade);
}

#[tokio::test]
async fn a_subprotocol_is_echoed_only_when_it_was_offered() {
    let server = TestServer::start().await;
    let address = server.address();
    let ada = server.guest("ada").await;
    let ticket: shared::api::WebSocketTicket =
        ada.ask(Method::POST, "/api/chat/tickets").await.json();

    let old = raw::handshake(address, &ticket.url, "Sec-WebSocket-Protocol: pushback-chat.v0\r\n");
    let old = raw::exchange(address, old).await;
    let none = raw::exchange(address, raw::handshake(address, &ticket.url, "")).await;
    let offer = format!("Sec-WebSocket-Protocol: pushback-chat.v9, {CHAT_SUBPROTOCOL}\r\n");
    let good = raw::exchange(address, raw::handshake(address, &ticket.url, &offer)).await;
    let feed = raw::handshake(address, "/api/feeds/lab", "Sec-WebSocket-Protocol: anything\r\n");
    let feed = raw::exchange(address, feed).await;

    let problem = old.assert_refused(ProblemKind::ProtocolVersion);
    assert!(problem.detail.contains(CHAT_SUBPROTOCOL), "{problem:?}");
    none.assert_refused(ProblemKind::ProtocolVersion);
    assert_eq!(good.status, 101, "the ticket was not used up by the refusals");
    assert_eq!(good.header("sec-websocket-protocol"), CHAT_SUBPROTOCOL);
    assert_eq!((feed.status.as_u16(), feed.header("sec-websocket-protocol")), (101, ""));
}

#[tokio::test]
async fn the_description_of_the_api_names_every_call() {
    let server = TestServer::start().await;

    let description: serde_json::Value = server.get("/api/openapi.json").await.json();
    let docs = server.get("/api/docs/").await;

    let paths = description["paths"].as_object().unwrap();
    for (path, methods) in [
        ("/api/session", vec!["post", "get", "delete"]),
        ("/api/session/handovers", vec!["post"]),
        ("/api/feeds/{name}", vec!["get"]),
        ("/api/rooms", vec!["get", "post"]),
        ("/api/rooms/{id}", vec!["get"]),
        ("/api/rooms/{id}/tickets", vec!["post"]),
        ("/api/rooms/{id}/live", vec!["get"]),
        ("/api/rooms/{id}/recent", vec!["get"]),
        ("/api/matchmaking", vec!["post"]),
        ("/api/matchmaking/{ticket}", vec!["get", "delete"]),
        ("/api/chat/tickets", vec!["post"]),
        ("/api/players/{id}", vec!["get"]),
        ("/api/replays", vec!["get"]),
        ("/api/replays/{id}", vec!["get"]),
        ("/api/replays/{id}/file", vec!["get"]),
        ("/ws/rooms/{id}", vec!["get"]),
        ("/ws/chat", vec!["get"]),
        ("/healthz", vec!["get"]),
        ("/readyz", vec!["get"]),
        ("/metrics", vec!["get"]),
    ] {
        let call = paths.get(path).unwrap_or_else(|| panic!("{path} is not described"));
        for method in methods {
            assert!(call.get(method).is_some(), "{method} {path} is not described");
        }
    }
    assert_eq!(docs.status, 200);
    assert_eq!(server.get("/healthz").await.status, 200);
}
