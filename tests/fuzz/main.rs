//! The program that looks for bytes which break a decoder: libFuzzer around one of the targets of `tests::fuzz`.
//!
//! libFuzzer brings `main` and its flags. The variable `PUSHBACK_FUZZ_TARGET` names the target.

#![no_main]

use std::sync::OnceLock;

// The folder of the module, so that its own modules are found.
#[path = "../src"]
mod tests {
    pub(crate) mod fuzz;
}

use tests::fuzz;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fn named_target() -> fn(&[u8]) {
    let name = std::env::var("PUSHBACK_FUZZ_TARGET").unwrap_or_default();
    let found = fuzz::TARGETS.iter().find(|(target, _)| *target == name);
    let names: Vec<_> = fuzz::TARGETS.iter().map(|(target, _)| *target).collect();
    found.unwrap_or_else(|| panic!("PUSHBACK_FUZZ_TARGET is one of {}", names.join(", "))).1
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TARGET.get_or_init(named_target)(bytes);
});
