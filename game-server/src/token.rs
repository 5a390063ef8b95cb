//! Secret tokens: 128 random bits in the letters of base64url.
//!
//! The server keeps a session's token only as its SHA-256, so that a copy of the database opens no session.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Display for TokenHash {
    /// In hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A new token of 22 characters, which fit into a header, a path and a cookie.
#[must_use]
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

/// The part of a token that the server keeps.
#[must_use]
pub fn hash_token(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::random_token;

    #[test]
    fn tokens_differ_and_fit_into_a_header() {
        let token = random_token();
        assert_eq!(token.len(), 22);
        assert_ne!(token, random_token());
    }
}
