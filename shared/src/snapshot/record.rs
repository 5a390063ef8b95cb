//! Frames in a row: each behind its length.

use super::bits::DecodeError;

/// No frame is longer, but for the index at the end of a file. Bounds what a reader must hold.
pub const FRAME_BYTES_MAX: usize = 48 * 1024;
/// No length takes more bytes.
pub const RECORD_PREFIX_BYTES_MAX: usize = 3;

const _: () = assert!(FRAME_BYTES_MAX < 1 << (7 * RECORD_PREFIX_BYTES_MAX));
const _: () = assert!(FRAME_BYTES_MAX < crate::protocol::SERVER_MESSAGE_BYTES_MAX);

/// A frame, and what follows its record.
pub type FrameAndRest<'a> = (&'a [u8], &'a [u8]);

/// A frame behind its length (LEB128).
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

/// The first frame of a run of records and what follows it. Nothing when the first is not all there.
///
/// # Errors
/// When its length is longer than any may be.
pub fn next_record(bytes: &[u8]) -> Result<Option<FrameAndRest<'_>>, DecodeError> {
    next_record_within(bytes, FRAME_BYTES_MAX)
}

/// The same where a frame may have `frame_bytes_max`.
pub(crate) fn next_record_within(
    bytes: &[u8],
    frame_bytes_max: usize,
) -> Result<Option<FrameAndRest<'_>>, DecodeError> {
    let mut length = 0;
    for (place, byte) in bytes.iter().enumerate().take(RECORD_PREFIX_BYTES_MAX) {
        length |= usize::from(byte & 127) << (7 * place);
        if byte & 128 == 0 {
            if length > frame_bytes_max {
                return Err(DecodeError::TooLong(length));
            }
            return Ok(bytes[place + 1..].split_at_checked(length));
        }
    }
    if bytes.len() < RECORD_PREFIX_BYTES_MAX { Ok(None) } else { Err(DecodeError::TooLong(length)) }
}

/// The frames of a run of whole records.
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
