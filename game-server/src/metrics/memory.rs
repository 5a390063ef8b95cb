//! How much memory the program has asked for, and how much the allocator has taken for it.
//!
//! A process that grows while `allocated` does not has scattered what it holds; one in which both grow keeps something.
//! The database is C, and asks the same allocator: it is in both.

use std::fmt::Write as _;

use tikv_jemalloc_ctl::{epoch, stats};

/// Both in Prometheus' text format.
pub(super) fn render(text: &mut String) {
    // The figures stand still until they are brought up to date.
    if epoch::advance().is_err() {
        return;
    }
    for (name, bytes) in [
        ("pushback_memory_allocated_bytes", stats::allocated::read()),
        ("pushback_memory_resident_bytes", stats::resident::read()),
    ] {
        let Ok(bytes) = bytes else { continue };
        // Writing to a string does not fail.
        writeln!(text, "# TYPE {name} gauge\n{name} {bytes}").ok();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_figures_are_there() {
        let mut text = String::new();

        super::render(&mut text);

        assert!(text.contains("\npushback_memory_allocated_bytes "), "{text}");
        assert!(text.contains("\npushback_memory_resident_bytes "), "{text}");
    }
}
