//! The bots: a fixed list of friendly names, and which of them play in a room. They stand on the ladder as
//! benchmarks, so a bot keeps its name, its strength and its rating from run to run.

use shared::id::{PlayerId, PlayerName};
use shared::sim::BotStrength;

use crate::player::Player;

/// The first bot's id; the others follow. Guests have random ids, so the bots keep theirs.
const FIRST_ID: u64 = 0xB07_0000_0000;

const GENTLE: [&str; 8] =
    ["Pebble", "Waffle", "Moss", "Puffin", "Dumpling", "Clover", "Noodle", "Snowbell"];
const KEEN: [&str; 8] =
    ["Pixel", "Comet", "Biscuit", "Marlin", "Juniper", "Sprocket", "Otter", "Tango"];
const FIERCE: [&str; 8] =
    ["Blizzard", "Vortex", "Magnet", "Falcon", "Ember", "Granite", "Tempest", "Quasar"];

/// One of the bots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// Its id and name, as of any player.
    pub player: Player,
    /// How good it is.
    pub strength: BotStrength,
}

/// Which bots take the free seats of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BotPolicy {
    /// No bots.
    None,
    /// Bots of one strength.
    Only(BotStrength),
    /// Bots of every strength.
    Mixed,
}

/// All bots, the weakest first.
#[must_use]
pub fn all() -> Vec<Bot> {
    let names = BotStrength::ALL.into_iter().zip([GENTLE, KEEN, FIERCE]);
    names
        .flat_map(|(strength, names)| names.into_iter().map(move |name| (strength, name)))
        .zip(FIRST_ID..)
        .map(|((strength, name), id)| {
            let name = PlayerName::parse(name).expect("the bots' names follow the rules");
            Bot { player: Player { id: PlayerId::from_bits(id), name }, strength }
        })
        .collect()
}

impl BotPolicy {
    /// The bots that may play.
    #[must_use]
    pub fn bots(self) -> Vec<Bot> {
        let mut bots = all();
        bots.retain(|bot| match self {
            Self::None => false,
            Self::Only(strength) => bot.strength == strength,
            Self::Mixed => true,
        });
        bots
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shared::sim::{BotStrength, Mode};

    use super::{BotPolicy, all};

    #[test]
    fn no_two_bots_are_alike_and_every_strength_fills_a_room() {
        let bots = all();
        assert_eq!(bots.iter().map(|bot| bot.player.id).collect::<BTreeSet<_>>().len(), 24);
        assert_eq!(bots.iter().map(|bot| &bot.player.name).collect::<BTreeSet<_>>().len(), 24);

        // A crowd may have all of them.
        assert!(BotPolicy::Mixed.bots().len() >= Mode::Crowd.bot_fill());
        let rooms = Mode::ALL.into_iter().filter(|mode| !mode.is_crowd());
        let most = rooms.map(Mode::bot_fill).max().unwrap_or_default();
        for strength in BotStrength::ALL {
            assert!(BotPolicy::Only(strength).bots().len() >= most);
        }
    }
}
