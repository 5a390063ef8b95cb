//! A bit codec: one description of a layout serves both directions.
//!
//! A [`Coder`] either writes the values that it is given or replaces them by those that it reads, so one function describes
//! a layout and cannot disagree with itself (Fiedler, "Serialization Strategies", 2016). Reading checks ranges: from any
//! bytes come values in range, or an error.

use crate::sim::Vec2;

/// Why bytes cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The data ends too early.
    #[error("the data ends in the middle")]
    Truncated,
    /// A value is out of its range.
    #[error("the data is malformed: {0}")]
    Malformed(&'static str),
    /// The format is not known to this build.
    #[error("format {0} is not known to this version")]
    UnknownFormat(u32),
    /// A delta does not follow the last frame: the decoder is at another tick.
    #[error("the delta does not follow the last frame")]
    Gap,
    /// The length of a record, in bytes, is over the limit.
    #[error("a record of {0} bytes is longer than any may be")]
    TooLong(usize),
}

/// One direction of a bit stream.
pub(super) trait Coder {
    /// Codes the lowest `width` bits of a value, at most 32.
    fn bits(&mut self, value: &mut u32, width: u32) -> Result<(), DecodeError>;

    /// Whether this coder reads.
    fn is_reading(&self) -> bool;

    /// Codes one bit.
    fn flag(&mut self, value: &mut bool) -> Result<(), DecodeError> {
        let mut bit = u32::from(*value);
        self.bits(&mut bit, 1)?;
        *value = bit == 1;
        Ok(())
    }

    /// Codes 64 bits.
    fn u64(&mut self, value: &mut u64) -> Result<(), DecodeError> {
        let (mut low, mut high) = (low_half(*value), low_half(*value >> 32));
        self.bits(&mut low, 32)?;
        self.bits(&mut high, 32)?;
        *value = u64::from(high) << 32 | u64::from(low);
        Ok(())
    }

    /// Codes a number from `min` to `max` in as many bits as the range needs.
    fn ranged(&mut self, value: &mut i32, min: i32, max: i32) -> Result<(), DecodeError> {
        let span = max.abs_diff(min);
        let mut offset = value.abs_diff(min).min(span);
        self.bits(&mut offset, u32::BITS - span.leading_zeros())?;
        if offset > span {
            return Err(DecodeError::Malformed("a value is out of range"));
        }
        *value = min.saturating_add_unsigned(offset);
        Ok(())
    }

    /// Codes a length or index from `min` to `max`.
    fn length(&mut self, value: &mut usize, min: usize, max: usize) -> Result<(), DecodeError> {
        let part = |size: usize| i32::try_from(size).unwrap_or(i32::MAX);
        let mut number = part(*value);
        self.ranged(&mut number, part(min), part(max))?;
        *value = number.unsigned_abs() as usize;
        Ok(())
    }

    /// Codes a timer from 0 to `max`. It takes one bit when it is 0, which it mostly is.
    fn timer(&mut self, value: &mut u16, max: u16) -> Result<(), DecodeError> {
        let mut runs = *value > 0;
        self.flag(&mut runs)?;
        let mut ticks = i32::from(*value);
        if runs {
            self.ranged(&mut ticks, 1, i32::from(max))?;
        } else {
            ticks = 0;
        }
        *value = u16::try_from(ticks).unwrap_or(max);
        Ok(())
    }

    /// Codes a count from 0 to `max`.
    fn count(&mut self, value: &mut u16, max: u16) -> Result<(), DecodeError> {
        let mut number = i32::from(*value);
        self.ranged(&mut number, 0, i32::from(max))?;
        *value = u16::try_from(number).unwrap_or(max);
        Ok(())
    }

    /// Codes a vector with both coordinates from −`max` to `max`.
    fn vector(&mut self, value: &mut Vec2, max: i32) -> Result<(), DecodeError> {
        self.ranged(&mut value.x, -max, max)?;
        self.ranged(&mut value.y, -max, max)
    }

    /// Codes a signed number, small ones in few bits: an Exponential-Golomb code over zigzag.
    fn signed_golomb(&mut self, value: &mut i16, order: u32) -> Result<(), DecodeError> {
        let zigzag = i32::from(*value) << 1 ^ i32::from(*value) >> 15;
        let mut code = zigzag.cast_unsigned();
        self.golomb(&mut code, order)?;
        let half = i32::try_from(code >> 1).unwrap_or(0);
        let value_read = if code & 1 == 1 { -half - 1 } else { half };
        *value = i16::try_from(value_read).map_err(|_overflow| DecodeError::Malformed("a step"))?;
        Ok(())
    }

    /// Codes an unsigned number, small ones in few bits: an Exponential-Golomb code of order `order`.
    fn golomb(&mut self, code: &mut u32, order: u32) -> Result<(), DecodeError> {
        const EXTRA_BITS_MAX: u32 = 16;
        let shifted = (*code >> order) + 1;
        let mut extra = shifted.ilog2();
        if self.is_reading() {
            extra = 0;
            let mut more = false;
            self.flag(&mut more)?;
            while more {
                extra += 1;
                if extra > EXTRA_BITS_MAX {
                    return Err(DecodeError::Malformed("a number is too long"));
                }
                self.flag(&mut more)?;
            }
        } else {
            for _ in 0..extra {
                self.flag(&mut true)?;
            }
            self.flag(&mut false)?;
        }
        let mut rest = code.wrapping_add(1 << order).wrapping_sub(1 << (extra + order));
        self.bits(&mut rest, extra + order)?;
        if self.is_reading() {
            *code = rest + (1 << (extra + order)) - (1 << order);
        }
        Ok(())
    }
}

fn low_half(value: u64) -> u32 {
    u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0)
}

/// Writes bits, the lowest first.
#[derive(Debug)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// The bits that are not in `bytes` yet: fewer than 32.
    pending: u64,
    filled: u32,
}

/// Bytes that must follow the bits given to [`BitWriter::append`], with any content, so that it can read whole words.
pub(super) const PADDING: usize = size_of::<u32>();
/// The capacity of a new writer, in bytes: most frames are no longer.
const USUAL_FRAME_BYTES: usize = 64;

impl Default for BitWriter {
    fn default() -> Self {
        Self::with_capacity(USUAL_FRAME_BYTES)
    }
}

impl BitWriter {
    /// A writer with capacity for this many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), pending: 0, filled: 0 }
    }

    /// Number of bits written.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() * 8 + self.filled as usize
    }

    /// Pads with zeros to a whole byte and returns the number of bytes written.
    pub(super) fn align(&mut self) -> usize {
        let whole = self.filled.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..whole]);
        (self.pending, self.filled) = (0, 0);
        self.bytes.len()
    }

    /// Appends the first `bits` bits of `bytes`, which another writer wrote. [`PADDING`] bytes must follow them.
    pub(super) fn append(&mut self, bytes: &[u8], bits: usize) {
        debug_assert!(bytes.len() >= bits.div_ceil(8) + PADDING, "the last word would be missing");
        let words = bytes.windows(size_of::<u32>()).step_by(size_of::<u32>());
        let mut left = bits;
        for word in words.take(bits.div_ceil(32)) {
            let width = u32::try_from(left.min(32)).unwrap_or(32);
            let word = word.first_chunk().copied().unwrap_or_default();
            // A writer takes every value.
            self.bits(&mut u32::from_le_bytes(word), width).ok();
            left -= width as usize;
        }
    }

    /// The bytes, the last one padded with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}

impl Coder for BitWriter {
    fn bits(&mut self, value: &mut u32, width: u32) -> Result<(), DecodeError> {
        let mask = (1_u64 << width) - 1;
        self.pending |= (u64::from(*value) & mask) << self.filled;
        self.filled += width;
        // Four bytes at once: views of a crowd are copied from bits that are encoded already.
        if self.filled >= 32 {
            self.bytes.extend_from_slice(&low_half(self.pending).to_le_bytes());
            self.pending >>= 32;
            self.filled -= 32;
        }
        Ok(())
    }

    fn is_reading(&self) -> bool {
        false
    }
}

/// Reads what a [`BitWriter`] wrote.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    pending: u64,
    filled: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pending: 0, filled: 0 }
    }

    /// The bytes from the next whole one on.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }
}

impl Coder for BitReader<'_> {
    fn bits(&mut self, value: &mut u32, width: u32) -> Result<(), DecodeError> {
        while self.filled < width {
            let (first, rest) = self.bytes.split_first().ok_or(DecodeError::Truncated)?;
            self.pending |= u64::from(*first) << self.filled;
            self.bytes = rest;
            self.filled += 8;
        }
        *value = low_half(self.pending & ((1 << width) - 1));
        self.pending >>= width;
        self.filled -= width;
        Ok(())
    }

    fn is_reading(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{BitReader, BitWriter, Coder as _, PADDING};

    #[test]
    fn every_small_step_reads_back() {
        for step in -512..512 {
            let mut writer = BitWriter::default();
            writer.signed_golomb(&mut { step }, 3).unwrap();
            writer.bits(&mut 5, 3).unwrap();
            let bytes = writer.finish();

            let mut reader = BitReader::new(&bytes);
            let (mut read, mut after) = (0, 0);
            reader.signed_golomb(&mut read, 3).unwrap();
            reader.bits(&mut after, 3).unwrap();
            assert_eq!((read, after), (step, 5));
        }
    }

    #[test]
    fn bits_that_another_wrote_read_back_wherever_they_are_put() {
        let widths = [1, 32, 7, 31, 24, 2, 30];
        let value = |width: u32| 0xA5C3_96E7 & (u32::MAX >> (32 - width));
        let mut other = BitWriter::default();
        for width in widths {
            other.bits(&mut value(width), width).unwrap();
        }
        let (bits, mut bytes) = (other.len(), other.finish());
        bytes.extend([0xFF; PADDING]);

        for before in 0..=32 {
            let mut writer = BitWriter::default();
            writer.bits(&mut 0, before).unwrap();
            writer.append(&bytes, bits);
            assert_eq!(writer.len(), before as usize + bits);
            writer.bits(&mut 5, 3).unwrap();
            assert_eq!(writer.align(), (before as usize + bits + 3).div_ceil(8));
            let written = writer.finish();

            let mut reader = BitReader::new(&written);
            let mut read = |width| {
                let mut read = u32::MAX;
                reader.bits(&mut read, width).unwrap();
                read
            };
            assert_eq!(read(before), 0);
            assert_eq!(widths.map(&mut read), widths.map(value));
            assert_eq!(read(3), 5);
        }
    }
}
