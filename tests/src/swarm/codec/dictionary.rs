//! zstd with a dictionary, trained on other rounds than those that are measured.

use anyhow::{Context as _, Result, ensure};
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::from_samples;

use super::cost::{Cost, timed};

const DICTIONARY_BYTES: usize = 16 * 1024;
const LEVEL: i32 = 3;
/// Bytes that are the same before every frame, so both sides could leave them out.
const MAGIC_BYTES: usize = 4;
/// Larger than any snapshot.
const SNAPSHOT_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Dictionary(Vec<u8>);

impl Dictionary {
    pub(super) fn train(samples: &[Vec<u8>]) -> Result<Self> {
        from_samples(samples, DICTIONARY_BYTES).map(Self).context("training a dictionary")
    }

    /// Compresses the snapshots. The time is that of zstd alone.
    pub(super) fn compress(&self, written: &[Vec<u8>]) -> Result<Cost> {
        let mut cost = Cost::default();
        let mut compressor = Compressor::with_dictionary(LEVEL, &self.0)?;
        // Neither a checksum nor the size: the message around it has both.
        compressor.include_checksum(false)?;
        compressor.include_contentsize(false)?;
        compressor.include_dictid(false)?;
        let mut decompressor = Decompressor::with_dictionary(&self.0)?;
        for bytes in written {
            let squeezed = timed(&mut cost.encoding, || compressor.compress(bytes))?;
            let decompress = || decompressor.decompress(&squeezed, SNAPSHOT_BYTES_MAX);
            let read = timed(&mut cost.decoding, decompress)?;
            ensure!(read == *bytes, "zstd reads back something else");
            cost.bytes.push(squeezed.len() - MAGIC_BYTES);
        }
        Ok(cost)
    }
}
