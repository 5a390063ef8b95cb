//! The figures of one contestant, plain and compressed.

use std::time::Duration;

use anyhow::Result;

use super::cost::{Cost, Written};
use super::dictionary::Dictionary;
use crate::swarm::Report;
use crate::swarm::report::percentile;

/// Adds the figures with and without a dictionary that was trained on the same contestant's `training`.
pub(super) fn add_both(
    name: &str,
    words: &str,
    training: &Written,
    Written { snapshots, cost }: Written,
    report: &mut Report,
) -> Result<()> {
    add(name, cost, words, report);
    let cost = Dictionary::train(&training.snapshots)?.compress(&snapshots)?;
    add(&format!("{name}_zstd"), cost, "and a zstd dictionary", report);
    Ok(())
}

fn add(name: &str, cost: Cost, words: &str, report: &mut Report) {
    let Cost { mut bytes, encoding, decoding } = cost;
    let each = |time: Duration| time.as_secs_f64() * 1e9 / bytes.len() as f64;
    let (encode, decode) = (each(encoding), each(decoding));
    for (percent, words) in [(50, words), (90, ""), (99, "")] {
        let size = percentile(&mut bytes, percent) as f64;
        report.add(format!("{name}.bytes_p{percent}"), size, "B", words);
    }
    report.add(format!("{name}.encode_ns"), encode, "ns", "");
    report.add(format!("{name}.decode_ns"), decode, "ns", "");
}
