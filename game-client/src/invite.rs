//! Invitations to a room: codes and links.

use core::str::FromStr;

use shared::invitation::RoomAddress;
use url::Url;

use crate::address;

/// The longest device-link code, in characters.
const CODE_CHARS_MAX: usize = 64;

/// An invitation to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The room, with the secret of its invitation if it is private.
    pub room: RoomAddress,
    /// The server's address. `None` in a bare code: the server in the settings.
    pub server: Option<String>,
    /// The code for the browser's player, when the lobby in the browser opens the game. Links for friends have none.
    pub device_link: Option<DeviceLinkCode>,
}

/// A code that makes this program the same player as the browser that got it. It works once, for a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceLinkCode(String);

/// A text that is no device-link code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device-link code has up to 64 letters, digits, `-` and `_`: the lobby shows it")]
pub struct DeviceLinkCodeError;

impl DeviceLinkCode {
    /// The code as the server wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceLinkCode {
    type Err = DeviceLinkCodeError;

    fn from_str(text: &str) -> Result<Self, DeviceLinkCodeError> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_good = (1..=CODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_letter);
        is_good.then(|| Self(text.to_owned())).ok_or(DeviceLinkCodeError)
    }
}

/// A text that is no invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an invitation is a room's code of six letters and digits, or a link")]
pub struct InvitationError;

impl Invitation {
    /// The link that opens the game: `pushback://join/CODE?server=…`, for a private room with `CODE-SECRET`.
    #[must_use]
    pub fn link(room: RoomAddress, server: &str) -> String {
        let mut link = Url::parse("pushback://join/").expect("a fixed text is a URL");
        link.set_path(&room.to_string());
        link.query_pairs_mut().append_pair("server", server);
        link.into()
    }

    /// Reads a link that opens the game. A server or a code in it must be valid.
    fn from_game_link(link: &Url) -> Result<Self, InvitationError> {
        let code = link.path_segments().and_then(|mut parts| parts.next()).unwrap_or_default();
        let room = code.parse().map_err(|_reason| InvitationError)?;
        let value = |name| link.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
        let server = value("server").map(|server| address::parse(&server));
        let server = server.transpose().map_err(|_reason| InvitationError)?;
        let device_link = value("as").map(|code| code.parse()).transpose();
        let device_link = device_link.map_err(|_reason| InvitationError)?;
        Ok(Self { room, server, device_link })
    }

    /// Reads the address of a page of the lobby.
    fn from_page(page: &Url) -> Result<Self, InvitationError> {
        let room =
            page.path_segments().and_then(|mut parts| parts.find_map(|part| part.parse().ok()));
        let room = room.ok_or(InvitationError)?;
        Ok(Self { room, server: Some(page.origin().ascii_serialization()), device_link: None })
    }
}

impl FromStr for Invitation {
    type Err = InvitationError;

    fn from_str(text: &str) -> Result<Self, InvitationError> {
        let text = text.trim();
        if let Ok(room) = text.parse() {
            return Ok(Self { room, server: None, device_link: None });
        }
        let link = Url::parse(text).map_err(|_reason| InvitationError)?;
        match (link.scheme(), link.host_str()) {
            ("pushback", Some("join")) => Self::from_game_link(&link),
            ("http" | "https", Some(_)) => Self::from_page(&link),
            _ => Err(InvitationError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Invitation, InvitationError};

    fn room_and_server(text: &str) -> (String, Option<String>) {
        let invitation: Invitation = text.parse().expect("an invitation");
        (invitation.room.to_string(), invitation.server)
    }

    #[test]
    fn a_link_reads_back() {
        let room = "K3X9ZQ".parse().expect("a code");

        let link = Invitation::link(room, "https://play.example.org:8443");

        let server = Some("https://play.example.org:8443".to_owned());
        assert_eq!(link.parse(), Ok(Invitation { room, server, device_link: None }));
    }

    #[test]
    fn the_secret_of_a_private_room_is_a_part_of_every_link() {
        let room = "K3X9ZQ-3M9C8R5T1W7XZ".parse().expect("an address");

        for text in [
            Invitation::link(room, "http://h:7777").as_str(),
            "http://h:7777/r/K3X9ZQ-3M9C8R5T1W7XZ",
            "http://h:7777/rooms/k3x9zq-3m9c8r5t1w7xz/watch",
        ] {
            let invitation: Invitation = text.parse().expect("an invitation");
            assert_eq!(
                (invitation.room, invitation.server.as_deref()),
                (room, Some("http://h:7777"))
            );
        }
        assert_eq!("K3X9ZQ-3M9C8R5T1W7XZ".parse::<Invitation>().map(|it| it.room), Ok(room));
    }

    #[test]
    fn the_lobbys_own_link_carries_a_device_link_code() {
        let link = "pushback://join/K3X9ZQ?server=http%3A%2F%2Fh%3A7777&as=x0ZvYq3Jk8wN5tRr1LbM2A";

        let invitation: Invitation = link.parse().expect("an invitation");

        assert_eq!(invitation.server.as_deref(), Some("http://h:7777"));
        let code = invitation.device_link.expect("a code");
        assert_eq!(code.as_str(), "x0ZvYq3Jk8wN5tRr1LbM2A");
        assert!("pushback://join/K3X9ZQ?as=a%20b".parse::<Invitation>().is_err());
    }

    #[test]
    fn codes_and_links_are_read_in_any_form() {
        assert_eq!(room_and_server(" k3x9zq "), ("K3X9ZQ".to_owned(), None));
        assert_eq!(
            room_and_server("pushback://join/K3X9ZQ?server=http%3A%2F%2Fh%3A7777"),
            ("K3X9ZQ".to_owned(), Some("http://h:7777".to_owned()))
        );
        assert_eq!(
            room_and_server("http://h:7777/rooms/K3X9ZQ/watch?t=4"),
            ("K3X9ZQ".to_owned(), Some("http://h:7777".to_owned()))
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "hello", "pushback://join/", "http://h:1/", "pushback://join/K3X9ZQ?server=%4"]
        {
            assert_eq!(text.parse::<Invitation>(), Err(InvitationError), "{text}");
        }
    }
}
