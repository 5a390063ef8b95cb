//! Who one was before the lobby in the browser handed its player over, and the way back.

use serde::{Deserialize, Serialize};
use shared::api::Session;

use super::Settings;

/// Identities that are put aside, over all servers. When one more comes, the first stays (who was here before any
/// browser) and the second goes.
const FORMER_MAX: usize = 4;

/// Somebody one can be again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerSelf {
    /// On which server.
    pub server: String,
    /// The name there.
    pub name: String,
    /// Proof of it.
    pub token: String,
}

impl Settings {
    /// Keeps a session and goes by its name. Whoever one was there is put aside, not lost.
    pub fn become_other(&mut self, server: &str, session: &Session) {
        let name = std::mem::replace(&mut self.name, session.name.as_str().to_owned());
        self.former.retain(|former| former.token != session.token);
        let before = self.tokens.insert(server.to_owned(), session.token.clone());
        if let Some(token) = before.filter(|token| *token != session.token) {
            self.former.push(FormerSelf { server: server.to_owned(), name, token });
            if self.former.len() > FORMER_MAX {
                self.former.remove(1);
            }
        }
    }

    /// Is somebody again that one was before.
    pub fn become_former(&mut self, former: &FormerSelf) {
        self.former.retain(|other| other != former);
        let name = std::mem::replace(&mut self.name, former.name.clone());
        let server = former.server.clone();
        if let Some(token) = self.tokens.insert(server.clone(), former.token.clone()) {
            self.former.push(FormerSelf { server, name, token });
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::api::Session;
    use shared::id::{PlayerId, PlayerName};

    use super::FORMER_MAX;
    use crate::settings::Settings;

    const SERVER: &str = "http://h";

    fn session(name: &str, token: &str) -> Session {
        let name = PlayerName::parse(name).expect("a name");
        Session { player: PlayerId::from_bits(1), name, token: token.to_owned() }
    }

    fn known() -> Settings {
        let mut settings = Settings { name: "Ada".to_owned(), ..Settings::default() };
        settings.tokens.insert(SERVER.to_owned(), "own".to_owned());
        settings
    }

    #[test]
    fn nobody_is_lost_and_there_is_a_way_back() {
        let mut settings = known();

        settings.become_other(SERVER, &session("Bea", "browser"));
        assert_eq!((settings.name.as_str(), settings.tokens[SERVER].as_str()), ("Bea", "browser"));
        let ada = settings.former[0].clone();
        assert_eq!((ada.name.as_str(), ada.token.as_str()), ("Ada", "own"));

        settings.become_former(&ada);
        assert_eq!((settings.name.as_str(), settings.tokens[SERVER].as_str()), ("Ada", "own"));
        assert_eq!(settings.former.len(), 1);
        assert_eq!(settings.former[0].name, "Bea");

        // The server answers the session that there is: the same again changes nothing.
        settings.become_other(SERVER, &session("Ada", "own"));
        assert_eq!(settings.former.len(), 1);
    }

    #[test]
    fn a_newcomer_puts_nobody_aside_and_the_first_stays() {
        let mut fresh = Settings::default();
        fresh.become_other(SERVER, &session("Bea", "browser"));
        assert!(fresh.former.is_empty());

        let mut settings = known();
        for number in 0..9 {
            settings.become_other(SERVER, &session("Bea", &format!("browser {number}")));
        }
        assert_eq!(settings.former.len(), FORMER_MAX);
        assert_eq!(settings.former[0].token, "own");
    }
}
