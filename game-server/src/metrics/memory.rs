//! The memory of the whole process: what it has allocated, and what the allocator holds for it.
//!
//! If `resident` grows and `allocated` does not, the heap is fragmented; if both grow, something leaks. Both contain SQLite,
//! which uses the same allocator.

use tikv_jemalloc_ctl::{epoch, stats};

use super::text::{Labels, Text};

pub(super) fn render(text: &mut Text) {
    // The allocator updates its statistics on demand.
    if epoch::advance().is_err() {
        return;
    }
    for (name, bytes) in [
        ("pushback_memory_allocated_bytes", stats::allocated::read()),
        ("pushback_memory_resident_bytes", stats::resident::read()),
    ] {
        let Ok(bytes) = bytes else { continue };
        text.begin(name, "gauge");
        text.sample(name, &Labels::default(), bytes);
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::text::Text;

    #[test]
    fn both_metrics_are_there() {
        let mut text = Text::default();

        super::render(&mut text);
        let text = text.into_string();

        assert!(text.contains("\npushback_memory_allocated_bytes "), "{text}");
        assert!(text.contains("\npushback_memory_resident_bytes "), "{text}");
    }
}
