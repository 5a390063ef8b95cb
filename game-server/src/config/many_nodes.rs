//! What a server needs to be one of many nodes.

use super::Config;

/// A server that is to join others lacks what they would share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "--nats joins this server with others to one lobby, which also takes {}",
    .lacks.join(" and ")
)]
pub struct LacksShared {
    lacks: Vec<&'static str>,
}

impl Config {
    /// Checks that what the nodes of one lobby share is set as a whole.
    ///
    /// # Errors
    /// When this server is to join others and lacks a part.
    pub fn check_shared(&self) -> Result<(), LacksShared> {
        if self.nats.is_none() {
            return Ok(());
        }
        let is_shared = self.database_url.as_ref().is_some_and(|url| url.is_shared());
        let parts = [
            (
                is_shared,
                "--database-url postgres://… (the accounts, ratings and chat of all nodes)",
            ),
            (self.blobs.is_some(), "--blobs s3://… (the recordings of all nodes)"),
            (self.node.is_some(), "--node NAME (a name that no other node has)"),
        ];
        let lacks: Vec<_> =
            parts.iter().filter(|(is_set, _)| !is_set).map(|(_, what)| *what).collect();
        if lacks.is_empty() { Ok(()) } else { Err(LacksShared { lacks }) }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::storage::DatabaseUrl;

    #[test]
    fn a_node_of_many_names_what_it_lacks() {
        let mut config = Config::default();
        assert_eq!(config.check_shared(), Ok(()));

        config.nats = Some("nats://127.0.0.1".parse().unwrap());
        config.database_url = Some(DatabaseUrl::from("sqlite://here"));
        let said = config.check_shared().unwrap_err().to_string();
        assert!(["postgres", "--blobs", "--node"].iter().all(|part| said.contains(part)), "{said}");

        config.database_url = Some(DatabaseUrl::from("postgres://there"));
        config.blobs = Some("s3://replays".parse().unwrap());
        let said = config.check_shared().unwrap_err().to_string();
        assert!(said.contains("--node") && !said.contains("postgres"), "{said}");

        config.node = Some("a".parse().unwrap());
        assert_eq!(config.check_shared(), Ok(()));
    }
}
