//! Name labels: when there are too many to show, and how those that are shown keep apart.

/// With more discs than this, only the names that matter are shown, and none overlaps another.
pub const CROWDED_ABOVE: usize = 16;

/// Hands out room for labels. Ask for the most important label first: later ones have to avoid the earlier ones.
#[derive(Debug, Clone, Default)]
pub struct LabelLayout {
    /// Centre and size of each label that got its room, in pixels.
    taken: Vec<((f64, f64), (f64, f64))>,
}

impl LabelLayout {
    /// Takes the room of a label if no other label has any of it. `centre` and `size` are in pixels.
    pub fn place(&mut self, centre: (f64, f64), size: (f64, f64)) -> bool {
        let overlaps = |(other, other_size): &((f64, f64), (f64, f64))| {
            (centre.0 - other.0).abs() < f64::midpoint(size.0, other_size.0)
                && (centre.1 - other.1).abs() < f64::midpoint(size.1, other_size.1)
        };
        let is_free = !self.taken.iter().any(overlaps);
        if is_free {
            self.taken.push((centre, size));
        }
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::LabelLayout;

    #[test]
    fn a_label_gets_no_room_that_another_one_has() {
        let mut layout = LabelLayout::default();

        assert!(layout.place((100.0, 100.0), (60.0, 16.0)));
        assert!(!layout.place((140.0, 108.0), (40.0, 16.0)));
        assert!(layout.place((140.0, 117.0), (40.0, 16.0)));
        assert!(layout.place((151.0, 100.0), (40.0, 16.0)));
    }
}
