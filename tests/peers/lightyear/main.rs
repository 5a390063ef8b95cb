//! Pushback's room on lightyear, the usual framework for such rooms on bevy. `cargo xtask bench peer lightyear` measures it
//! beside our server.
//!
//! `server` serves on a free port; `clients ADDRESS COUNT` plays there.

mod clients;
mod discs;
mod protocol;
mod server;

use std::env;

use anyhow::{Context as _, Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["server"] => server::run(),
        ["clients", address, count] => {
            let address = address.parse().context("reading the address")?;
            clients::run(address, count.parse().context("reading the number of clients")?)
        }
        _ => bail!("say `server`, or `clients ADDRESS COUNT`"),
    }
}
