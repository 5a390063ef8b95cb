//! The identities that this client had before the lobby in the browser handed over its own, for the way back.

use serde::{Deserialize, Serialize};

/// Identities that are kept, over all servers. When the list is full, the first stays (the identity before any browser)
/// and the second is dropped.
const IDENTITIES_MAX: usize = 8;

/// An identity that the client can return to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousIdentity {
    /// The server's address.
    pub server: String,
    /// The player's name there.
    pub name: String,
    /// The token that proves it.
    pub token: String,
}

/// The previous identities, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PreviousIdentities(Vec<PreviousIdentity>);

impl PreviousIdentities {
    /// All of them, the oldest first.
    #[must_use]
    pub fn as_slice(&self) -> &[PreviousIdentity] {
        &self.0
    }

    /// Those on one server.
    pub fn on<'a>(&'a self, server: &'a str) -> impl Iterator<Item = &'a PreviousIdentity> {
        self.0.iter().filter(move |identity| identity.server == server)
    }

    /// Adds one, within the limit.
    pub(super) fn add(&mut self, identity: PreviousIdentity) {
        self.0.push(identity);
        self.limit();
    }

    /// Drops what is over the limit.
    pub(super) fn limit(&mut self) {
        let over = self.0.len().saturating_sub(IDENTITIES_MAX);
        if over > 0 {
            drop(self.0.drain(1..=over));
        }
    }

    /// Removes the one with this token: it is in use again.
    pub(super) fn remove(&mut self, token: &str) {
        self.0.retain(|identity| identity.token != token);
    }
}

#[cfg(test)]
mod tests {
    use super::{IDENTITIES_MAX, PreviousIdentities, PreviousIdentity};

    #[test]
    fn the_first_stays_when_there_are_too_many() {
        let mut identities = PreviousIdentities::default();

        for number in 0..12 {
            let (server, name) = ("http://h".to_owned(), "Bea".to_owned());
            identities.add(PreviousIdentity { server, name, token: number.to_string() });
        }

        let tokens: Vec<_> = identities.as_slice().iter().map(|one| one.token.as_str()).collect();
        assert_eq!((tokens.len(), tokens[0], tokens[7]), (IDENTITIES_MAX, "0", "11"));
    }
}
