//! A proxy that lets no WebSocket through: what needs none works, and the cause is named.

use tests::browser::Browser;
use tests::client::Client;
use tests::{Site, TestServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const FORBIDDEN: &[u8] =
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A reverse proxy that answers every upgrade with 403. Programs open a connection for each WebSocket, so only the first
/// request of a connection is looked at.
async fn behind_a_strict_proxy(server: &TestServer) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let site = Site::at(listener.local_addr().expect("an address"));
    let server = server.address();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = client.read_u8().await else { return };
                    head.push(byte);
                }
                if String::from_utf8_lossy(&head).to_lowercase().contains("\r\nupgrade: websocket")
                {
                    client.write_all(FORBIDDEN).await.ok();
                    return;
                }
                let Ok(mut upstream) = TcpStream::connect(server).await else { return };
                upstream.write_all(&head).await.ok();
                copy_bidirectional(&mut client, &mut upstream).await.ok();
            });
        }
    });
    site
}

#[tokio::test]
async fn the_lobby_behind_a_proxy_without_upgrades_names_it_and_works_without_chat() {
    let server = TestServer::start().await;
    let proxy = behind_a_strict_proxy(&server).await;
    let browser = Browser::start().await;
    browser.open(&proxy.url("/")).await;
    browser.say("hello").await;
    browser.give_name("Bea").await;

    browser
        .text_where(".chat", |text| text.contains("a proxy on the way seems to refuse it"))
        .await;

    for part in ["scoreboard", "rooms"] {
        let badge = format!("[data-testid=\"badge-{part}\"]");
        browser.attribute_where(&badge, "data-state", |state| state == "live").await;
    }
}

#[tokio::test]
async fn the_client_behind_a_proxy_without_upgrades_names_it() {
    let server = TestServer::start().await;
    let proxy = behind_a_strict_proxy(&server).await;

    let flags = ["--server", &proxy.url(""), "--name", "Ada", "--practice", "keen"];
    let mut client = Client::headless(&flags);

    let names_it = |status: &serde_json::Value| {
        status["trouble"].as_str().is_some_and(|t| t.contains("proxy"))
    };
    client.status_where("the likely cause", names_it).await;
}
