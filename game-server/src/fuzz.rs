//! What clients send and no other crate decodes, as functions that the fuzzer calls. Each panics when the decoder breaks
//! a promise, and returns nothing.

pub use crate::http::fuzz::request_headers;
pub use crate::room::fuzz_websocket_frames as websocket_frames;
