//! The load generator. It says what it can do with `--help`.
fn main() {}
