//! Addresses behind no proxy, one and several, as limits count them.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{AddressRules, Network, Proxies};

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn networks(list: &[&str]) -> Vec<Network> {
    list.iter().map(|text| text.parse().expect("a network")).collect()
}

fn behind(proxies: &[&str]) -> AddressRules {
    AddressRules::new(Proxies::In(networks(proxies)), 64)
}

/// Asks the rules for a request from the peer with these header lines.
fn found(rules: &AddressRules, peer: &str, lines: &[(&'static str, &'static str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    rules.of_request(&headers, address(peer)).0.to_string()
}

const XFF: &str = "x-forwarded-for";
const RFC: &str = "forwarded";

#[test]
fn without_a_trusted_proxy_the_peer_counts() {
    let lines = [(XFF, "192.0.2.7"), (RFC, "for=192.0.2.7")];

    assert_eq!(found(&behind(&[]), "127.0.0.1", &lines), "127.0.0.1");
    assert_eq!(found(&behind(&["10.0.0.0/8"]), "198.51.100.1", &lines), "198.51.100.1");
}

#[test]
fn the_walk_from_the_right_passes_every_trusted_proxy() {
    let rules = behind(&["127.0.0.1", "10.0.0.0/8"]);
    for (lines, client) in [
        (vec![(XFF, "192.0.2.7")], "192.0.2.7"),
        (vec![(XFF, "192.0.2.7:4711")], "192.0.2.7"),
        (vec![(XFF, "203.0.113.9, 192.0.2.7, 10.1.1.1, 10.2.2.2")], "192.0.2.7"),
        (vec![(XFF, "203.0.113.9"), (XFF, "192.0.2.7"), (XFF, "10.1.1.1")], "192.0.2.7"),
        (vec![(XFF, "192.0.2.7, unknown, 10.1.1.1")], "10.1.1.1"),
        (vec![(XFF, "10.3.3.3, 10.1.1.1")], "10.3.3.3"),
        (vec![(XFF, "")], "127.0.0.1"),
        (vec![], "127.0.0.1"),
        (
            vec![(RFC, "for=203.0.113.9, for=\"192.0.2.7:80\";proto=https, For=10.1.1.1")],
            "192.0.2.7",
        ),
        (vec![(RFC, "proto=https;by=203.0.113.1;for=192.0.2.7")], "192.0.2.7"),
        (vec![(RFC, "for=192.0.2.7, for=_hidden")], "127.0.0.1"),
    ] {
        assert_eq!(found(&rules, "127.0.0.1", &lines), client, "{lines:?}");
        assert_eq!(found(&rules, "::ffff:127.0.0.1", &lines), client, "{lines:?}");
    }
}

#[test]
fn a_header_that_the_client_wrote_itself_is_not_believed() {
    let rules = behind(&["127.0.0.1"]);
    let both_agree = [(XFF, "192.0.2.7"), (RFC, "for=192.0.2.7")];
    let one_is_forged = [(XFF, "192.0.2.7"), (RFC, "for=198.51.100.66")];

    assert_eq!(found(&rules, "127.0.0.1", &both_agree), "192.0.2.7");
    assert_eq!(found(&rules, "127.0.0.1", &one_is_forged), "127.0.0.1");
}

#[test]
fn trust_in_every_peer_goes_one_hop_far() {
    let rules = AddressRules::new(Proxies::EveryPeer, 64);

    let lines = [(XFF, "10.0.0.1"), (XFF, "10.0.0.2, 192.0.2.7:1")];
    assert_eq!(found(&rules, "198.51.100.1", &lines), "192.0.2.7");
    assert_eq!(found(&rules, "198.51.100.1", &[(XFF, "unknown")]), "198.51.100.1");
}

#[test]
fn an_ipv6_network_counts_as_one_and_a_mapped_address_as_ipv4() {
    let counted = |rules: &AddressRules, text| rules.of_peer(address(text)).0.to_string();
    let rules = behind(&[]);
    assert_eq!(counted(&rules, "2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    assert_eq!(counted(&rules, "2001:db8:1:2::7"), "2001:db8:1:2::");
    assert_eq!(counted(&rules, "2001:db8:1:3::7"), "2001:db8:1:3::");
    assert_eq!(counted(&rules, "::ffff:192.0.2.7"), "192.0.2.7");

    for (ipv6_prefix, expected) in [(48, "2001:db8:1::"), (128, "2001:db8:1:2::7"), (0, "::")] {
        let rules = AddressRules::new(Proxies::In(Vec::new()), ipv6_prefix);
        assert_eq!(counted(&rules, "2001:db8:1:2::7"), expected);
    }
    let proxied = behind(&["::1"]);
    let lines = [(RFC, "for=\"[2001:db8:cafe::17]:4711\"")];
    assert_eq!(found(&proxied, "::1", &lines), "2001:db8:cafe::");
}

#[test]
fn a_network_is_read_in_every_form() {
    assert_eq!(networks(&["10.9.8.7/8"]), networks(&["10.0.0.0/8"]));
    assert_eq!(networks(&["::ffff:10.0.0.0/104"]), networks(&["10.0.0.0/8"]));
    assert_eq!(networks(&["192.0.2.7"]), networks(&["192.0.2.7/32"]));
    for text in ["", "10.0.0.0/33", "proxy", "10.0.0/8"] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}
