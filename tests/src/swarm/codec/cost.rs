//! What it costs to write and to read snapshots.

use std::time::{Duration, Instant};

use shared::snapshot::{Applied, StreamDecoder, records};

/// The bytes and times of one contestant.
#[derive(Default)]
pub(super) struct Cost {
    pub(super) bytes: Vec<usize>,
    pub(super) encoding: Duration,
    pub(super) decoding: Duration,
}

/// The snapshots that one contestant wrote, and their cost.
#[derive(Default)]
pub(super) struct Written {
    pub(super) snapshots: Vec<Vec<u8>>,
    pub(super) cost: Cost,
}

impl Written {
    pub(super) fn add(&mut self, snapshot: Vec<u8>) {
        self.cost.bytes.push(snapshot.len());
        self.snapshots.push(snapshot);
    }

    pub(super) fn bytes_mean(&self) -> f64 {
        self.cost.bytes.iter().sum::<usize>() as f64 / self.cost.bytes.len() as f64
    }
}

pub(super) fn apply(decoder: &mut StreamDecoder, run: &[u8]) {
    for frame in records(run) {
        let applied =
            decoder.apply(frame.expect("a whole record")).expect("a frame of this version");
        assert_ne!(applied, Applied::End, "no frame ends the round here");
    }
}

pub(super) fn timed<T>(time: &mut Duration, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let made = work();
    *time += began.elapsed();
    made
}
