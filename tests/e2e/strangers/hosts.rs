//! Names that other sites made up for this server, and pages of other sites that its operator has listed.

use reqwest::Method;
use serde_json::json;
use shared::api::ProblemKind;
use tests::browser::Browser;
use tests::wait::DEADLINE;
use tests::{TestServer, eventually, raw};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_foreign_name_that_resolves_to_this_server_gets_no_session_and_no_page() {
    let server = TestServer::start().await;
    let rebound = |method, path| {
        let request = server.request(method, path).header("host", "evil.example");
        request.header("origin", "http://evil.example")
    };

    let session = rebound(Method::POST, "/api/session").json(&json!({ "name": "ada" }));
    let refused = server.send(session).await;
    let problem = refused.assert_refused(ProblemKind::UnknownHost);
    for part in ["evil.example", "--allowed-hosts", "proxy_set_header Host $host"] {
        assert!(problem.detail.contains(part), "{problem:?}");
    }
    assert_eq!(refused.status, 421);
    for path in ["/api/rooms", "/api/feeds/lab", "/metrics", "/"] {
        server.send(rebound(Method::GET, path)).await.assert_refused(ProblemKind::UnknownHost);
    }
    let page = server.send(rebound(Method::GET, "/").header("accept", "text/html")).await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (421, "text/html; charset=utf-8")
    );
    assert!(page.text().contains("evil.example"), "{}", page.text());

    // An orchestrator asks under the name that it gave.
    assert_eq!(server.send(rebound(Method::GET, "/readyz")).await.status, 200);
    for host in ["localhost", "lobby.localhost:1", "192.0.2.7", "[::1]:7777"] {
        let request = server.request(Method::GET, "/api/rooms").header("host", host);
        assert_eq!(server.send(request).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn names_that_the_operator_gives_are_served() {
    let server = TestServer::start_with(|config| {
        config.public_url = Some("https://play.example".to_owned());
        config.allowed_hosts = vec!["box.local".to_owned(), "*.example.net".to_owned()];
    })
    .await;
    for (host, status) in [
        ("play.example", 200),
        ("Box.Local:7777", 200),
        ("a.example.net", 200),
        ("example.net", 421),
        ("other.example", 421),
    ] {
        let request = server.request(Method::GET, "/api/rooms").header("host", host);
        assert_eq!(server.send(request).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn a_proxy_that_rewrites_the_host_learns_what_to_set() {
    let server = TestServer::start().await;
    let more = "Origin: https://play.example\r\nSec-WebSocket-Protocol: any\r\n";

    let request = raw::handshake(server.address(), "/api/feeds/lab", more);
    let refused = raw::exchange(server.address(), request).await;

    let problem = refused.assert_refused(ProblemKind::ForeignOrigin);
    for part in ["https://play.example", "127.0.0.1", "proxy_set_header Host $host", "--public-url"]
    {
        assert!(problem.detail.contains(part), "{problem:?}");
    }
}

/// Another site: one page at an address of its own, with a script that fills in its title.
async fn other_site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    let body =
        format!("<!doctype html><meta charset=\"utf-8\"><title>…</title><script>{SCRIPT}</script>");
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            let body = body.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _read = line.read(&mut request).await;
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {}",
                    body.len()
                );
                line.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.ok();
            });
        }
    });
    site
}

/// Uses the server as a page of another origin can: a request with a preflight, one with the session, an event stream, a
/// WebSocket, and a session without the cookie, as a page of another domain has it. The title says how that went.
const SCRIPT: &str = r#"
    const SERVER = location.search.slice(1);
    const title = text => { document.title = text; };
    (async () => {
        const name = JSON.stringify({name: "ada"});
        const headers = {"Content-Type": "application/json"};
        const credentials = "include";
        const begun = await fetch(SERVER + "/api/session", {method: "POST", headers, body: name, credentials});
        const session = await (await fetch(SERVER + "/api/session", {credentials})).json();
        const cursor = (await fetch(SERVER + "/api/feeds/rooms")).headers.get("Pushback-Cursor");
        const refused = await (await fetch(SERVER + "/api/rooms/AAAAAA")).json();
        await new Promise((done, fail) => {
            const events = new EventSource(SERVER + "/api/feeds/rooms", {withCredentials: true});
            events.addEventListener("snapshot", done);
            events.onerror = fail;
        });
        await new Promise((done, fail) => {
            const socket = new WebSocket(SERVER.replace("http", "ws") + "/api/feeds/rooms");
            socket.onmessage = done;
            socket.onerror = fail;
        });
        const wants = JSON.stringify({name: "bea", token: true});
        const elsewhere = await (await fetch(SERVER + "/api/session", {method: "POST", headers, body: wants})).json();
        const authorization = {Authorization: "Bearer " + elsewhere.token};
        const other = await (await fetch(SERVER + "/api/session", {headers: authorization})).json();
        title(`${begun.status} ${session.name} ${cursor ? "cursor" : ""} ${refused.status} ${other.name}`);
    })().catch(error => title("failed: " + error));
"#;

#[tokio::test]
async fn a_listed_site_uses_the_server_from_its_pages_and_another_does_not() {
    let (listed, other) = (other_site().await, other_site().await);
    let allowed = listed.clone();
    let server = TestServer::start_with(move |config| config.allowed_origins = vec![allowed]).await;
    let browser = Browser::start().await;
    let title_at = async |site: &str| {
        browser.open(&format!("{site}/?{}", server.url(""))).await;
        eventually(DEADLINE, "the end of the page's script", async || {
            let title = browser.evaluate("document.title").await;
            title.as_str().filter(|title| *title != "…").map(str::to_owned)
        })
        .await
    };

    assert_eq!(title_at(&listed).await, "201 ada cursor 404 bea");
    let refused = title_at(&other).await;
    assert!(refused.starts_with("failed"), "{refused}");
}

#[tokio::test]
async fn a_preflight_names_what_a_listed_site_may_send() {
    let server = TestServer::start_with(|config| {
        config.allowed_origins = vec!["https://friend.example".to_owned()];
    })
    .await;
    let preflight = |origin: &'static str| {
        let request = server.request(Method::OPTIONS, "/api/session").header("origin", origin);
        let request = request.header("access-control-request-method", "DELETE");
        server.send(request.header("access-control-request-headers", "authorization"))
    };

    let listed = preflight("https://friend.example").await;
    assert_eq!(listed.status, 200);
    assert_eq!(listed.header("access-control-allow-origin"), "https://friend.example");
    assert_eq!(listed.header("access-control-allow-credentials"), "true");
    assert!(listed.header("access-control-allow-methods").contains("DELETE"));
    assert!(listed.header("access-control-allow-headers").contains("authorization"));

    // The scheme belongs to an origin.
    for origin in ["http://friend.example", "https://evil.example"] {
        assert_eq!(preflight(origin).await.header("access-control-allow-origin"), "");
    }
    let answer =
        server.request(Method::GET, "/api/rooms").header("origin", "https://friend.example");
    let answer = server.send(answer).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://friend.example");
    assert!(answer.header("access-control-expose-headers").contains("pushback-cursor"));
    assert!(answer.header("vary").to_lowercase().contains("origin"));
}
