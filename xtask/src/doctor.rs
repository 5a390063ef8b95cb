//! `cargo xtask doctor`: lists which packages this machine has and lacks. It changes nothing.

use crate::display;
use crate::lobby::{self, Toolchain};
use crate::nats;
use crate::packages::Purpose;

/// Prints each package and whether it is here.
pub(crate) fn doctor() {
    list("the server", Purpose::Server);
    list("the native client", Purpose::Client);
    list("tests and pictures", Purpose::Screens);
    list("the store's tests", Purpose::Database);
    list("many nodes (`cluster`)", Purpose::Nodes);
    say_newer_nats();
    list("bad links (`bench link`)", Purpose::Lines);
    list("looking for bytes that break a decoder (`fuzz`)", Purpose::Fuzzer);
    println!("\nthe lobby's WebAssembly");
    match lobby::toolchain() {
        Some(Toolchain::Rustup) => println!("    ok       by rustup's target"),
        Some(Toolchain::Debian) => println!("    ok       by Debian's compiler"),
        None => {
            println!("    missing  `cargo xtask play` runs `rustup target add`, or installs");
            for package in Purpose::WasmFallback.missing() {
                println!("             {:<22} {}", package.name, package.why);
            }
        }
    }
    let screen = if display::is_here() {
        "ok       a window can open"
    } else {
        "none     the server serves alone"
    };
    println!("\na screen\n    {screen}");
}

fn say_newer_nats() {
    let (is_here, path) = nats::state();
    let name = format!("NATS {}", test_nats::NEWER_VERSION);
    let found = if is_here { "ok" } else { "missing" };
    println!("    {found:<8} {name:<22} three servers that lose nothing: {path}");
    if !is_here {
        println!(
            "             `cargo xtask cluster` and `test` fetch it; without it there is one server"
        );
    }
}

fn list(title: &str, purpose: Purpose) {
    println!("\n{title}");
    for package in purpose.packages() {
        let found = if package.is_here() { "ok" } else { "missing" };
        println!("    {found:<8} {:<22} {}", package.name, package.why);
    }
}
