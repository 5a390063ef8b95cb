//! Everything that decodes what comes from outside, as functions of bytes: [`TARGETS`].
//!
//! A target panics when a decoder breaks a promise: it must return a value or an error, the same however the bytes are
//! cut, and what it accepts must survive being written and read again. `cargo xtask fuzz` feeds them for as long as one
//! likes (libFuzzer looks for bytes that reach new code, `tests/fuzz` is its program); the test below feeds them
//! what is kept in `tests/data/fuzz`.

mod json;
mod messages;
mod stream;
mod text;

/// A target: its name, which is that of its file in `tests/data/fuzz`, and the function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 11] = [
    ("client-message", messages::client_message),
    ("server-message", messages::server_message),
    ("match-stream", stream::match_stream),
    ("crowd-stream", stream::crowd_stream),
    ("relayed-inputs", stream::relayed_inputs),
    ("replay-file", stream::replay_file),
    ("text", text::text),
    ("json-of-clients", json::of_clients),
    ("json-of-servers", json::of_servers),
    ("websocket-frames", game_server::fuzz::websocket_frames),
    ("request-headers", game_server::fuzz::request_headers),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::panic::catch_unwind;
    use std::path::Path;

    use super::TARGETS;

    #[test]
    fn what_was_learnt_is_decoded_or_refused() {
        for (name, decode) in TARGETS {
            let path = Path::new("data/fuzz").join(name).with_extension("corpus");
            let file =
                fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            // The length of each case in two bytes, and the case: `cargo xtask fuzz --keep` writes them.
            let (mut rest, mut cases) = (file.as_slice(), 0);
            while let Some((length, after)) = rest.split_first_chunk() {
                let length = usize::from(u16::from_le_bytes(*length));
                let (case, after) = after.split_at(length);
                // Also what a cut connection would leave of it.
                for length in [length, length / 2, length.saturating_sub(1)] {
                    let outcome = catch_unwind(|| decode(&case[..length]));
                    assert!(outcome.is_ok(), "{name}, case {cases}, {length} B: {case:02x?}");
                }
                rest = after;
                cases += 1;
            }
            assert!(cases > 0, "{name} has no case");
        }
    }
}
