//! The native client on a stranger's machine: damaged settings, two clients of one profile, odd addresses, proxies, and a
//! server that has lost everything.

use std::fs;

use serde_json::Value;
use tests::client::{Client, Home};
use tests::{ServerProcess, TestServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// Starts a client, waits until it has a session, and ends it. Returns its player.
async fn player_of(home: &Home, server: &str) -> Value {
    let mut client = Client::headless_at(home, &["--server", server], &[]);
    let status = client.status_where("a session", is_signed_in).await;
    client.interrupt().await;
    status["player"].clone()
}

fn is_signed_in(status: &Value) -> bool {
    !status["player"].is_null()
}

/// Settings in which a player has a name.
fn ada() -> Home {
    let home = Home::new();
    home.write("default.json", r#"{"name":"Ada"}"#);
    home
}

#[tokio::test]
async fn one_unknown_word_in_the_settings_costs_neither_identity_nor_name() {
    let server = TestServer::start().await;
    let (home, url) = (ada(), server.url(""));
    let player = player_of(&home, &url).await;

    for text in
        ["", "{\"quality\":\"ultra\"}", "{\"shake\":tr", "{\"bindings\":{\"up\":[\"Hyper\"]}}"]
    {
        home.write("default.json", text);
        assert_eq!(player_of(&home, &url).await, player, "{text}");
    }

    assert!(home.file("default.json.damaged-1").exists(), "what was there is kept");
}

#[tokio::test]
async fn two_native_clients_of_one_profile_both_keep_their_identity() {
    let (here, there) = (TestServer::start().await, TestServer::start().await);
    let home = ada();
    let mut clients = Vec::new();
    for url in [here.url(""), there.url("")] {
        let mut client = Client::headless_at(&home, &["--server", &url], &[]);
        let status = client.status_where("a session", is_signed_in).await;
        clients.push((client, url, status["player"].clone()));
    }

    for (client, ..) in &mut clients {
        client.interrupt().await;
    }

    for (_, url, player) in &clients {
        assert_eq!(player_of(&home, url).await, *player);
    }
}

#[tokio::test]
async fn two_native_clients_that_are_new_at_the_same_moment_are_one_player() {
    let server = TestServer::start().await;
    let (home, url) = (ada(), server.url(""));
    let mut clients = [0, 1].map(|_| Client::headless_at(&home, &["--server", &url], &[]));
    let mut players = Vec::new();
    for client in &mut clients {
        players.push(client.status_where("a session", is_signed_in).await["player"].clone());
    }

    for client in &mut clients {
        client.interrupt().await;
    }

    assert_eq!(players[0], players[1]);
    assert_eq!(player_of(&home, &url).await, players[0]);
}

#[tokio::test]
async fn a_server_is_found_however_its_address_is_written_and_is_no_default_for_ever() {
    let server = TestServer::start().await;
    let (home, url) = (ada(), server.url(""));
    let port = url.rsplit(':').next().expect("a port").to_owned();

    for address in
        [format!("127.0.0.1:{port}"), format!(" ws://127.0.0.1:{port}/rooms/ABC123?t=1 ")]
    {
        let mut client = Client::headless_at(&home, &["--server", &address], &[]);
        let status = client.status_where("a session", is_signed_in).await;
        assert_eq!(status["server"], url, "{address}");
        client.interrupt().await;
    }

    let stored = fs::read_to_string(home.file("default.identity.json")).expect("an identity");
    let stored: Value = serde_json::from_str(&stored).expect("JSON");
    assert_ne!(stored["server"], url, "a visit is no default");
    assert!(stored["tokens"][&url].is_string(), "but the identity there is kept: {stored}");
}

#[tokio::test]
async fn after_the_server_lost_its_database_the_client_signs_in_anew() {
    let mut server = ServerProcess::start(120).await;
    let (home, url) = (ada(), server.url(""));
    let mut client = Client::headless_at(&home, &["--server", &url], &[]);
    let before = client.status_where("a session", is_signed_in).await["player"].clone();

    server.kill();
    for entry in fs::read_dir(server.data().join("data")).expect("a folder").flatten() {
        if entry.path().is_file() {
            fs::remove_file(entry.path()).expect("it goes");
        }
    }
    server.restart().await;

    let is_new = |status: &Value| is_signed_in(status) && status["player"] != before;
    client.status_where("another session", is_new).await;
}

/// A forward proxy that leads to one server, whatever name it is asked for. It counts tunnels and plain requests.
async fn forward_proxy(server: String) -> (String, tokio::sync::mpsc::Receiver<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (seen, kinds) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (server, seen) = (server.clone(), seen.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = client.read_u8().await else { return };
                    head.push(byte);
                }
                let Ok(mut upstream) = TcpStream::connect(&server).await else { return };
                let is_tunnel = head.starts_with(b"CONNECT ");
                seen.try_send(if is_tunnel { "tunnel" } else { "plain" }).ok();
                let first: &[u8] = if is_tunnel { b"" } else { &head };
                if is_tunnel {
                    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
                }
                upstream.write_all(first).await.ok();
                copy_bidirectional(&mut client, &mut upstream).await.ok();
            });
        }
    });
    (address, kinds)
}

#[tokio::test]
async fn http_and_websockets_go_through_the_proxy_of_the_environment() {
    // Only the proxy knows this name.
    let server = TestServer::start_with(|config| {
        config.public_url = Some("http://pushback.invalid:7777".to_owned());
    })
    .await;
    let at = server.url("").trim_start_matches("http://").to_owned();
    let (proxy, mut kinds) = forward_proxy(at).await;
    let variables = [("http_proxy", proxy.as_str()), ("no_proxy", "")];

    let home = ada();
    let flags = ["--server", "http://pushback.invalid:7777", "--practice", "keen"];
    let mut client = Client::headless_at(&home, &flags, &variables);
    let plays = |status: &Value| status["screen"] == "playing" && status["link"] == "open";
    client.status_where("a round", plays).await;

    let mut seen = Vec::new();
    while let Ok(kind) = kinds.try_recv() {
        seen.push(kind);
    }
    assert!(seen.contains(&"plain") && seen.contains(&"tunnel"), "{seen:?}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_at_a_terminal_has_no_colour_codes() {
    let home = ada();
    home.write("default.json", "{\"name\":\"Ada\",\"shake\":tr");
    let server = TestServer::start().await;
    let mut client = Client::headless_at(&home, &["--server", &server.url("")], &[]);
    client.status_where("a session", is_signed_in).await;

    let log = client.log();

    assert!(log.contains("damaged") && !log.contains('\u{1b}'), "{log}");
}
