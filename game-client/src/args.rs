//! The command line.

use std::path::PathBuf;

use clap::Parser;
use shared::invitation::RoomAddress;
use shared::sim::BotStrength;

use crate::address;
use crate::invite::{DeviceLinkCode, Invitation};

/// The server of a fresh installation.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:7777";

/// Pushback: discs on an icy, shrinking platform push each other over the edge.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "game-client", version)]
pub struct Args {
    /// An invitation: `pushback://join/CODE?server=URL`.
    #[arg(value_name = "INVITATION")]
    pub invitation: Option<Invitation>,
    /// The server, this time: `play.example.org` or `192.168.1.5:7777`. Default: the one in the settings.
    #[arg(long, env = "PUSHBACK_SERVER", value_name = "ADDRESS", value_parser = address::parse)]
    pub server: Option<String>,
    /// The name of the player. Default: the last one used.
    #[arg(long, env = "PUSHBACK_NAME")]
    pub name: Option<String>,
    /// Play as the player of the lobby in the browser, which shows this code. It works once, for a minute.
    #[arg(long = "as", value_name = "CODE", allow_hyphen_values = true)]
    pub device_link: Option<DeviceLinkCode>,
    /// Take a seat in this room.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["watch", "replay", "practice"])]
    pub join: Option<RoomAddress>,
    /// Watch this room.
    #[arg(long, value_name = "ROOM", conflicts_with_all = ["replay", "practice"])]
    pub watch: Option<RoomAddress>,
    /// Play a recording from this file.
    #[arg(long, value_name = "FILE", conflicts_with = "practice")]
    pub replay: Option<PathBuf>,
    /// Start a practice round against bots of this strength.
    #[arg(long, value_name = "STRENGTH", value_parser = parse_strength)]
    pub practice: Option<BotStrength>,
    /// Let a bot play: gentle, keen (the default) or fierce. Without another destination it searches for a match.
    #[arg(long, value_name = "STRENGTH", value_parser = parse_strength, num_args = 0..=1, require_equals = true, default_missing_value = "keen")]
    pub autopilot: Option<BotStrength>,
    /// Take a picture of each screen into this folder, then exit. A bot plays.
    #[arg(long, value_name = "DIR")]
    pub shots: Option<PathBuf>,
    /// Print the result of the first round as a line of JSON, then exit.
    #[arg(long)]
    pub exit_after_round: bool,
    /// Write the state of the client to this file as JSON, twice a second.
    #[arg(long, value_name = "PATH")]
    pub status_file: Option<PathBuf>,
    /// The size of the window in pixels.
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub window: Option<(u32, u32)>,
    /// Run without window and sound, for tests of the network.
    #[arg(long, conflicts_with = "shots")]
    pub headless: bool,
    /// The name of the settings file, so that several players can share a machine.
    #[arg(long, env = "PUSHBACK_PROFILE", default_value = "default")]
    pub profile: String,
}

impl Args {
    /// The server on the command line. The one in an invitation takes precedence.
    #[must_use]
    pub fn server_named(&self) -> Option<&str> {
        let invited = self.invitation.as_ref().and_then(|invitation| invitation.server.as_deref());
        invited.or(self.server.as_deref())
    }

    /// The room to join, if there is one.
    #[must_use]
    pub fn room_to_join(&self) -> Option<RoomAddress> {
        self.join.or(self.invitation.as_ref().map(|invitation| invitation.room))
    }

    /// The device-link code, if there is one.
    #[must_use]
    pub fn device_link_code(&self) -> Option<&DeviceLinkCode> {
        let invited =
            self.invitation.as_ref().and_then(|invitation| invitation.device_link.as_ref());
        self.device_link.as_ref().or(invited)
    }
}

fn parse_strength(text: &str) -> Result<BotStrength, String> {
    match text {
        "gentle" => Ok(BotStrength::Gentle),
        "keen" => Ok(BotStrength::Keen),
        "fierce" => Ok(BotStrength::Fierce),
        _ => Err("gentle, keen or fierce".to_owned()),
    }
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let size = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    size.filter(|(w, h)| (320..=7680).contains(w) && (240..=4320).contains(h))
        .ok_or_else(|| "a size looks like 1280x720".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::Args;

    #[test]
    fn an_invitation_names_room_and_server() {
        let args = Args::parse_from(["game-client", "pushback://join/ABC123?server=http://h:1"]);

        assert_eq!(args.server_named(), Some("http://h:1"));
        assert_eq!(args.room_to_join().map(|room| room.to_string()), Some("ABC123".to_owned()));
    }

    #[test]
    fn a_device_link_code_comes_from_flag_or_link() {
        let link = Args::parse_from(["game-client", "pushback://join/ABC123?as=from-link"]);
        let flag = Args::parse_from(["game-client", "--join", "ABC123", "--as", "-from-flag"]);

        assert_eq!(link.device_link_code().map(|code| code.as_str()), Some("from-link"));
        assert_eq!(flag.device_link_code().map(|code| code.as_str()), Some("-from-flag"));
        assert!(Args::try_parse_from(["game-client", "--as", "no code"]).is_err());
    }

    #[test]
    fn a_server_is_an_address_or_refused_at_once() {
        let server = |text| Args::try_parse_from(["game-client", "--server", text]);

        let args = server("localhost:7777").expect("an address");
        assert_eq!(args.server_named(), Some("http://localhost:7777"));
        assert!(server("ftp://h").is_err() && server("two words").is_err());
    }

    #[test]
    fn one_destination_at_a_time() {
        let both = Args::try_parse_from(["game-client", "--join", "ABC123", "--watch", "ABC123"]);

        assert!(both.is_err());
        assert!(Args::try_parse_from(["game-client", "--window", "12"]).is_err());
    }
}
