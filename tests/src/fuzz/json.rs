//! JSON bodies and chat messages. The first byte chooses the type.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::{
    CreateRoom, DeviceLink, MatchRequest, MatchTicket, PlayerProfile, Problem, ReplayList,
    ReplaySummary, RoomDetails, RoomList, ScoreRow, Scoreboard, Session, SessionRequest,
    TicketRequest, WebSocketTicket,
};
use shared::feed::{EventsPage, SnapshotPage};
use shared::protocol::chat::{ChatClientMessage, ChatServerMessage};

type Check = fn(&[u8]);

const OF_CLIENTS: [Check; 5] = [
    survives::<SessionRequest>,
    survives::<CreateRoom>,
    survives::<TicketRequest>,
    survives::<MatchRequest>,
    survives::<ChatClientMessage>,
];

const OF_SERVERS: [Check; 14] = [
    survives::<Session>,
    survives::<DeviceLink>,
    survives::<Problem>,
    survives::<RoomList>,
    survives::<RoomDetails>,
    survives::<WebSocketTicket>,
    survives::<MatchTicket>,
    survives::<Scoreboard>,
    survives::<PlayerProfile>,
    survives::<ReplayList>,
    survives::<ReplaySummary>,
    survives::<ChatServerMessage>,
    survives::<SnapshotPage<RoomList>>,
    survives::<EventsPage<ScoreRow>>,
];

pub(super) fn of_clients(bytes: &[u8]) {
    choose(&OF_CLIENTS, bytes);
}

pub(super) fn of_servers(bytes: &[u8]) {
    choose(&OF_SERVERS, bytes);
}

fn choose(checks: &[Check], bytes: &[u8]) {
    if let Some((first, json)) = bytes.split_first() {
        checks[usize::from(*first) % checks.len()](json);
    }
}

fn survives<T: DeserializeOwned + Serialize + PartialEq + Debug>(json: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(json) {
        let written = serde_json::to_vec(&value).expect("plain data is written");
        let again = serde_json::from_slice::<T>(&written).expect("what was written is read");
        assert_eq!(again, value);
    }
}
