//! `cargo xtask doctor`: what this machine has and lacks, changing nothing.

use crate::display;
use crate::lobby::{self, Way};
use crate::packages::Purpose;

/// Prints what was looked for and found.
pub(crate) fn doctor() {
    list("the server", Purpose::Server);
    list("the native client", Purpose::Client);
    list("tests and pictures", Purpose::Screens);
    list("the store's tests", Purpose::Database);
    list("bad lines (`bench link`)", Purpose::Lines);
    println!("\nthe lobby's WebAssembly");
    match lobby::way() {
        Some(Way::Rustup) => println!("    ok       by rustup's target"),
        Some(Way::Debian) => println!("    ok       by Debian's compiler"),
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

fn list(title: &str, purpose: Purpose) {
    println!("\n{title}");
    for package in purpose.packages() {
        let found = if package.is_here() { "ok" } else { "missing" };
        println!("    {found:<8} {:<22} {}", package.name, package.why);
    }
}
