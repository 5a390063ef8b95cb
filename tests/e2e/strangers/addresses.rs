//! One client has many IPv6 addresses, and counts as one.

use reqwest::Method;
use serde_json::json;
use shared::api::ProblemKind;
use tests::{Answer, TestServer};

/// Signs in from this address, as a proxy reports it.
async fn sign_in_from(server: &TestServer, address: &str) -> Answer {
    let request = server.request(Method::POST, "/api/session").header("x-forwarded-for", address);
    server.send(request.json(&json!({ "name": "ada" }))).await
}

#[tokio::test]
async fn limits_count_an_ipv6_network_once_and_a_mapped_address_as_ipv4() {
    let server = TestServer::start_with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.sessions_per_minute = 3;
    })
    .await;

    for host in 1..=3 {
        let address = format!("2001:db8:1:2::{host}");
        assert_eq!(sign_in_from(&server, &address).await.status, 201);
    }
    for address in ["2001:db8:1:2::4", "[2001:db8:1:2:a:b:c:d]:4711"] {
        sign_in_from(&server, address).await.assert_refused(ProblemKind::TooMany);
    }
    assert_eq!(sign_in_from(&server, "2001:db8:1:3::1").await.status, 201, "the next network");

    for address in ["192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7:4711"] {
        assert_eq!(sign_in_from(&server, address).await.status, 201);
    }
    sign_in_from(&server, "::ffff:192.0.2.7").await.assert_refused(ProblemKind::TooMany);
}
