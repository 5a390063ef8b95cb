//! Errors of the network in words for a person.

/// An error in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct UserError {
    /// What happened and what helps. Whole sentences.
    pub text: String,
    /// Whether the same attempt can succeed later.
    pub is_transient: bool,
}
