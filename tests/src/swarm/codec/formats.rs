//! Serialisation libraries, each used as its documentation recommends.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cost::{Written, timed};
use super::plain::{State, TickCommands};

/// The functions that write and read a `T`.
pub(super) type Codec<T> = (fn(&T) -> Vec<u8>, fn(&[u8]) -> T);

/// One library.
pub(super) struct Format {
    pub(super) name: &'static str,
    pub(super) state: Codec<State>,
    pub(super) commands: Codec<TickCommands>,
}

pub(super) const FORMATS: [Format; 3] = [
    Format {
        name: "bincode",
        state: (to_bincode, from_bincode),
        commands: (to_bincode, from_bincode),
    },
    Format {
        name: "postcard",
        state: (to_postcard, from_postcard),
        commands: (to_postcard, from_postcard),
    },
    Format {
        name: "bitcode",
        state: (bitcode::encode, |bytes| bitcode::decode(bytes).expect(READS)),
        commands: (bitcode::encode, |bytes| bitcode::decode(bytes).expect(READS)),
    },
];

const WRITES: &str = "plain data is written";
const READS: &str = "what was written is read";

/// Writes all values and reads them again.
///
/// # Panics
/// When a value is read back differently.
pub(super) fn write<T: PartialEq + std::fmt::Debug>(
    things: &[T],
    (encode, decode): Codec<T>,
) -> Written {
    let mut written = Written::default();
    for thing in things {
        let bytes = timed(&mut written.cost.encoding, || encode(thing));
        let read = timed(&mut written.cost.decoding, || decode(&bytes));
        assert_eq!(read, *thing);
        written.add(bytes);
    }
    written
}

fn to_bincode<T: Serialize>(thing: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(thing, bincode::config::standard()).expect(WRITES)
}

fn from_bincode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    bincode::serde::decode_from_slice(bytes, bincode::config::standard()).expect(READS).0
}

fn to_postcard<T: Serialize>(thing: &T) -> Vec<u8> {
    postcard::to_stdvec(thing).expect(WRITES)
}

fn from_postcard<T: DeserializeOwned>(bytes: &[u8]) -> T {
    postcard::from_bytes(bytes).expect(READS)
}
