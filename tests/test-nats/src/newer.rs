//! Where the NATS server is whose replicas lose nothing. Debian 12 has an older one, which loses writes.

use std::env;
use std::path::PathBuf;

/// The version that `cargo xtask` fetches.
pub const NEWER_VERSION: &str = "2.15.1";
/// The environment variable with the path of another newer server.
pub const NEWER_VARIABLE: &str = "PUSHBACK_NATS_BIN";

/// The path that [`NEWER_VARIABLE`] has, if it has one.
#[must_use]
pub fn given_newer_server() -> Option<PathBuf> {
    env::var_os(NEWER_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Where `cargo xtask` puts the newer server: `pushback/nats-VERSION/nats-server` in the user's folder for what can be fetched
/// again. `None` where there is no such folder.
#[must_use]
pub fn fetched_newer_server() -> Option<PathBuf> {
    let folder =
        |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(cache.join("pushback").join(format!("nats-{NEWER_VERSION}")).join("nats-server"))
}

/// The newer server, if it is here.
#[must_use]
pub fn newer_server() -> Option<PathBuf> {
    given_newer_server().or_else(fetched_newer_server).filter(|path| path.is_file())
}
