//! Presentation rules that the native client and the browser share: what a match looks like, how a recording is
//! played, and how numbers read.
//!
//! Floats are allowed here, unlike in `shared`. Deliberately absent: drawing, I/O, clocks and random numbers. Time and
//! randomness are arguments, so every rule is tested without waiting.

pub mod backoff;
pub mod camera;
pub mod labels;
pub mod palette;
pub mod playhead;
pub mod recording_player;
pub mod server_clock;
pub mod words;
