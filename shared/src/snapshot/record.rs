//! Records: frames in sequence, each after its length.

use super::bits::DecodeError;

/// The longest frame, in bytes, except the index at the end of a file. It bounds the memory of a reader.
pub const FRAME_BYTES_MAX: usize = 48 * 1024;
/// The most bytes that a length takes.
pub const RECORD_PREFIX_BYTES_MAX: usize = 3;

const _: () = assert!(FRAME_BYTES_MAX < 1 << (7 * RECORD_PREFIX_BYTES_MAX));
const _: () = assert!(FRAME_BYTES_MAX < crate::protocol::SERVER_MESSAGE_BYTES_MAX);

/// A frame, and the bytes after its record.
pub type FrameAndRest<'a> = (&'a [u8], &'a [u8]);

/// The record of a frame: its length as unsigned LEB128, then the frame.
pub(crate) fn record(frame: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(frame.len() + RECORD_PREFIX_BYTES_MAX);
    let mut length = frame.len();
    while length >= 128 {
        record.push(length.to_le_bytes()[0] | 128);
        length >>= 7;
    }
    record.push(length.to_le_bytes()[0]);
    record.extend_from_slice(frame);
    record
}

/// The first frame of a sequence of records, and the bytes after it. `None` while the first record is incomplete.
///
/// # Errors
/// [`DecodeError::TooLong`] when its length is over [`FRAME_BYTES_MAX`].
pub fn next_record(bytes: &[u8]) -> Result<Option<FrameAndRest<'_>>, DecodeError> {
    next_record_within(bytes, FRAME_BYTES_MAX)
}

/// The same with another limit for the length of a frame.
pub(crate) fn next_record_within(
    bytes: &[u8],
    frame_bytes_max: usize,
) -> Result<Option<FrameAndRest<'_>>, DecodeError> {
    let mut length = 0;
    for (index, byte) in bytes.iter().enumerate().take(RECORD_PREFIX_BYTES_MAX) {
        length |= usize::from(byte & 127) << (7 * index);
        if byte & 128 == 0 {
            if length > frame_bytes_max {
                return Err(DecodeError::TooLong(length));
            }
            return Ok(bytes[index + 1..].split_at_checked(length));
        }
    }
    if bytes.len() < RECORD_PREFIX_BYTES_MAX { Ok(None) } else { Err(DecodeError::TooLong(length)) }
}

/// The frames of a sequence of whole records. Ends after the first error.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], DecodeError>> {
    core::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        match next_record(bytes) {
            Ok(Some((frame, rest))) => {
                bytes = rest;
                Some(Ok(frame))
            }
            Ok(None) => {
                bytes = &[];
                Some(Err(DecodeError::Truncated))
            }
            Err(error) => {
                bytes = &[];
                Some(Err(error))
            }
        }
    })
}
