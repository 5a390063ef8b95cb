//! What the files for operators repeat of the rest of the repository.

use std::fs;

use super::root;

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).expect(file)
}

/// With another one, the build in the container would fetch the pinned one again, without the target for the lobby.
#[test]
fn the_container_is_built_by_the_pinned_toolchain() {
    let pinned = read("rust-toolchain.toml");
    let version = pinned.lines().find_map(|line| line.strip_prefix("channel = ")).expect("a pin");
    let image = format!("/rust:{}-bookworm ", version.trim_matches('"'));
    assert!(read("deploy/Containerfile").contains(&image), "{image}");
}

/// The tests start HAProxy's file. The others send the same paths to the same nodes, or refuse them.
#[test]
fn every_balancer_knows_the_same_nodes_and_keeps_metrics_private() {
    for file in ["haproxy.cfg", "nginx.conf", "Caddyfile"] {
        let text = read(&format!("deploy/{file}"));
        for node in ["10.0.0.11:7777", "10.0.0.12:7777", "10.0.0.13:7777"] {
            assert!(
                text.matches(node).count() >= 2,
                "{file} has {node}: by its name, and as one of all"
            );
        }
        assert!(text.contains("^(/@[^/]*)?/metrics/*$"), "{file} refuses /metrics");
    }
}
