//! Whether this node has a role among many.

use std::fmt;
use std::sync::OnceLock;

use super::text::{Labels, Text};

/// 1 while this node has the role, else 0. A server that runs alone does not show it.
#[derive(Default)]
pub struct RoleMetric(OnceLock<Box<dyn Fn() -> bool + Send + Sync>>);

impl RoleMetric {
    /// From now on, the metric is shown.
    pub fn show(&self, is_held: impl Fn() -> bool + Send + Sync + 'static) {
        // The first one counts.
        self.0.set(Box::new(is_held)).ok();
    }

    pub(super) fn render(&self, name: &str, text: &mut Text) {
        let Some(is_held) = self.0.get() else { return };
        text.begin(name, "gauge");
        text.sample(name, &Labels::default(), u8::from(is_held()));
    }
}

impl fmt::Debug for RoleMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoleMetric")
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::Metrics;

    #[test]
    fn the_role_is_shown_by_one_of_many() {
        let metrics = Metrics::new(false);
        assert!(!metrics.render().contains("pushback_steward"));
        metrics.steward.show(|| true);
        assert!(metrics.render().contains("\npushback_steward 1\n"));
    }
}
