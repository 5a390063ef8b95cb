//! Starts the client: arguments, settings, window.

fn main() {}
