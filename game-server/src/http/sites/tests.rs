//! Hosts and origins that are known, and those that are not.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Uri};

use super::{Sites, Stranger, parse_host, parse_origin};
use crate::config::Config;

fn sites() -> Sites {
    Sites::new(&Config {
        public_url: Some("https://play.example/".to_owned()),
        allowed_origins: vec!["https://friend.example".to_owned()],
        allowed_hosts: vec!["Box.Local".to_owned(), "*.tail.net".to_owned()],
        ..Config::default()
    })
}

fn headers(host: &'static str, origin: Option<&'static str>) -> HeaderMap {
    let origin = origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin)));
    [(HOST, HeaderValue::from_static(host))].into_iter().chain(origin).collect()
}

fn knows(host: &'static str) -> bool {
    sites().check_host(&Uri::from_static("/"), &headers(host, None)).is_ok()
}

fn asked_from(origin: &'static str, host: &'static str) -> bool {
    sites().check_origin(&headers(host, Some(origin))).is_ok()
}

#[test]
fn addresses_localhost_and_given_names_are_served_and_no_other() {
    for host in [
        "127.0.0.1:7777",
        "192.0.2.7",
        "[::1]:7777",
        "[2001:db8::7]",
        "localhost:7777",
        "LOCALHOST",
        "lobby.localhost:1",
        "play.example",
        "Play.Example:443",
        "play.example.",
        "box.local:7777",
        "my.tail.net",
    ] {
        assert!(knows(host), "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:7777",
        "play.example.evil.net",
        "notlocalhost",
        "tail.net",
        "eviltail.net",
        "127.0.0.1.evil.net",
        "[::1].evil.net",
        "",
        "a b",
    ] {
        assert!(!knows(host), "{host}");
    }
}

#[test]
fn a_request_with_no_host_comes_from_no_browser_and_one_with_two_names_both() {
    let (sites, path) = (sites(), Uri::from_static("/"));
    assert_eq!(sites.check_host(&path, &HeaderMap::new()), Ok(()));

    let absolute = Uri::from_static("http://evil.example/");
    assert!(sites.check_host(&absolute, &headers("localhost", None)).is_err());
    let mut both = headers("localhost", None);
    both.append(HOST, HeaderValue::from_static("evil.example"));
    assert!(sites.check_host(&path, &both).is_err());
}

#[test]
fn only_own_and_listed_sites_may_ask() {
    let address = "127.0.0.1:7777";
    assert_eq!(sites().check_origin(&headers(address, None)), Ok(()));
    for (origin, host) in [
        ("http://127.0.0.1:7777", address),
        ("https://friend.example", address),
        ("https://play.example", address),
        ("https://play.example", "play.example:443"),
        ("http://box.local", "box.local:80"),
        ("https://play.example:8443", "play.example:8443"),
    ] {
        assert!(asked_from(origin, host), "{origin} at {host}");
    }
    for (origin, host) in [
        ("http://127.0.0.1:8888", address),
        ("https://evil.example", address),
        ("http://friend.example", address),
        ("http://play.example", "play.example"),
        ("null", address),
        ("", address),
    ] {
        assert!(!asked_from(origin, host), "{origin} at {host}");
    }
}

#[test]
fn a_refusal_names_cause_and_cure() {
    let proxied = sites().check_origin(&headers("pushback", Some("https://other.example")));
    let advice = proxied.expect_err("another site").advice();
    for part in ["https://other.example", "pushback", "proxy_set_header Host $host", "--public-url"]
    {
        assert!(advice.contains(part), "{advice}");
    }

    let advice = Stranger::Host { host: "mybox:7777".to_owned() }.advice();
    assert!(advice.contains("--allowed-hosts mybox."), "{advice}");
}

#[test]
fn origins_and_hosts_are_read_as_browsers_write_them() {
    assert_eq!(parse_origin(" HTTPS://Play.Example:443/ ").as_deref(), Ok("https://play.example"));
    assert_eq!(parse_origin("http://[::1]:80").as_deref(), Ok("http://[::1]"));
    assert_eq!(parse_host("Spiel.Österreich.").as_deref(), Ok("spiel.xn--sterreich-z7a"));
    for text in ["play.example", "ftp://a", "https://a/b", "https://a?b", "https://u@a", "null", ""]
    {
        assert!(parse_origin(text).is_err(), "{text}");
    }
    for text in ["", "https://a", "a:1", "*.127.0.0.1", "a b", "*"] {
        assert!(parse_host(text).is_err(), "{text}");
    }
}
