//! Small random numbers for pictures. The rules never see them.

/// A xorshift generator. It must not start at zero.
#[derive(Debug, Clone)]
pub(super) struct VisualRng(pub(super) u32);

impl VisualRng {
    /// A number from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
    pub(super) fn unit(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as f32 / (1_u32 << 24) as f32
    }

    /// A number between two bounds.
    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }
}
