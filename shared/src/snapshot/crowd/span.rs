//! Bits that are encoded once and copied into the frames of many players.

use super::super::bits::BitWriter;

/// A run of bits in the buffer of a [`CrowdEncoder`](super::CrowdEncoder).
#[derive(Debug, Clone, Copy)]
pub(super) struct BitSpan {
    /// The first byte.
    start: u32,
    /// Length in bits.
    len: u32,
}

impl BitSpan {
    /// Writes something from a whole byte on.
    pub(super) fn write(writer: &mut BitWriter, write: impl FnOnce(&mut BitWriter)) -> Self {
        let start = writer.align();
        write(writer);
        let short = |size: usize| u32::try_from(size).expect("a snapshot is shorter than 4 GiB");
        Self { start: short(start), len: short(writer.len() - start * 8) }
    }

    /// Length in bits.
    pub(super) const fn len(self) -> usize {
        self.len as usize
    }

    /// Appends the bits to a frame. `buffer` is what the span's writer wrote.
    pub(super) fn copy(self, buffer: &[u8], to: &mut BitWriter) {
        to.append(&buffer[self.start as usize..], self.len());
    }
}
