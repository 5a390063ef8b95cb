//! Random numbers of the core: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).

/// A generator of random numbers, by its state. That of a world is part of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rng(pub u64);

impl Rng {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` − 1, by multiplication (Lemire, "Fast random integer generation in an interval", 2019)
    /// without rejection: each number's probability is off by less than 2⁻³². 0 for a bound of 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let high = self.next_u64() >> 32;
        u32::try_from((high * u64::from(bound)) >> 32).unwrap_or(0)
    }

    /// A number from `min` to `max`, both included.
    pub fn between(&mut self, min: i32, max: i32) -> i32 {
        let span = max.abs_diff(min).saturating_add(1);
        min.saturating_add_unsigned(self.below(span))
    }
}
