//! The name of a server among others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name of a node.
const NODE_CHARS_MAX: usize = 32;

/// The name of a server among those that share a bucket or a lobby: 1 to 32 of `a`–`z`, `0`–`9` and `-`. What a round has so
/// far stands in the bucket under it, so that the next start under the same name finds it, on whatever machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

/// The text is no [`NodeName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a node has 1 to {NODE_CHARS_MAX} of a-z, 0-9 and -")]
pub struct BadNodeName;

impl NodeName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the addresses of this node begin with: `/@NODE`.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("/@{self}")
    }
}

impl Default for NodeName {
    /// The name of a server that has been given none.
    fn default() -> Self {
        Self("main".to_owned())
    }
}

impl FromStr for NodeName {
    type Err = BadNodeName;

    fn from_str(text: &str) -> Result<Self, BadNodeName> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=NODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_part);
        if is_name { Ok(Self(text.to_owned())) } else { Err(BadNodeName) }
    }
}

impl TryFrom<String> for NodeName {
    type Error = BadNodeName;

    fn try_from(text: String) -> Result<Self, BadNodeName> {
        text.parse()
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{BadNodeName, NodeName};

    #[test]
    fn a_node_has_a_name_that_can_stand_in_a_path() {
        let longest = "n".repeat(32);
        for name in ["a", "node-7", &longest] {
            assert_eq!(name.parse::<NodeName>().unwrap().as_str(), name);
        }
        for name in ["", "Node", "a/b", "a_b", "ä", &format!("{longest}n")] {
            assert_eq!(name.parse::<NodeName>(), Err(BadNodeName), "{name:?}");
        }
        assert_eq!(NodeName::default().to_string().parse(), Ok(NodeName::default()));
    }
}
