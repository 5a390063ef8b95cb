//! The players of one room: lightyear clients in one app, because three hundred apps are too many for one core.
//!
//! Each has its own connection, lightyear's own transport, and sends its own inputs. The first one applies what it
//! receives, as any client does, and reads the room's state for all. An app can do that for one connection only, so the
//! messages of the others are counted and acknowledged as replicon acknowledges them, and not applied. To the server
//! they look the same.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use aeronet_io::Session;
use aeronet_websocket::WebSocketRuntime;
use bevy::app::ScheduleRunnerPlugin;
use bevy::prelude::{
    App, Component, Entity, IntoScheduleConfigs as _, MinimalPlugins, PluginGroup as _, PreUpdate,
    Query, Res, ResMut, Resource, Update, With, Without,
};
use bevy::state::app::StatesPlugin;
use bevy_replicon::client::ClientReplicationStats;
use lightyear::prelude::client::{
    Client, ClientConfig, ClientPlugins, Connect, Connected, RawClient, WebSocketClientIo,
};
use lightyear::prelude::{
    LocalAddr, LocalTimeline, MessageSender, MessageSystems, ReplicationReceiver, Transport,
};
use lightyear::transport::plugin::TransportSystems;
use lightyear_replication::channels::RepliconChannelMap;

use crate::protocol::{InputChannel, Inputs, Motion, TICK, register, socket};

/// Offset of the index in a mutation message of replicon: after a byte of flags.
const MUTATION_INDEX: std::ops::Range<usize> = 1..3;

/// An app, and the number of its players.
pub(crate) struct Room {
    app: App,
    players: usize,
}

/// The input of a player.
#[derive(Component)]
struct Hand {
    chance: u64,
    angle: u16,
    thrust: u8,
}

/// Traffic of all clients except the first.
#[derive(Resource, Default)]
struct Counts {
    messages: u64,
    bytes: u64,
    inputs: u64,
}

/// The room as the first client sees it.
#[derive(Resource, Default)]
struct Sight {
    /// Number of messages at the last check.
    messages: usize,
    /// Each disc's position, and whether it has ever changed.
    places: BTreeMap<Entity, ((i16, i16), bool)>,
    /// Positions that changed from one check to the next, and positions that could have.
    moves: u64,
    possible: u64,
}

impl Room {
    /// Clients that connect. `first` is the number of the first of them.
    pub(crate) fn joining(
        address: SocketAddr,
        first: usize,
        players: usize,
        sockets: WebSocketRuntime,
    ) -> Self {
        let mut app = App::new();
        app.insert_resource(sockets);
        app.add_plugins((MinimalPlugins.build().disable::<ScheduleRunnerPlugin>(), StatesPlugin));
        app.add_plugins(ClientPlugins { tick_duration: TICK });
        register(&mut app);
        app.init_resource::<ClientReplicationStats>();
        app.init_resource::<Counts>().init_resource::<Sight>();
        let received = acknowledge.after(TransportSystems::Receive).before(MessageSystems::Receive);
        app.add_systems(PreUpdate, received);
        app.add_systems(Update, (look, drive));
        app.finish();
        app.cleanup();

        for number in 0..players {
            let config = ClientConfig::builder().with_no_encryption().disable_nagle();
            let config = config.with_socket_config(socket());
            let io = WebSocketClientIo::from_url(config, format!("ws://{address}"));
            let hand = Hand { chance: (first + number) as u64, angle: 0, thrust: 0 };
            // A raw client counts as connected only where it has an address, and its socket tells its own too late.
            let own = LocalAddr(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
            let mut client = app.world_mut().spawn((RawClient, own, io, hand));
            if number == 0 {
                client.insert(ReplicationReceiver);
            }
            let entity = client.id();
            app.world_mut().trigger(Connect { entity });
        }
        Self { app, players }
    }

    /// Reads the incoming messages and sends the inputs.
    pub(crate) fn play(&mut self) {
        self.app.update();
    }

    /// Whether all clients are connected and the first one sees all discs.
    pub(crate) fn is_seated(&mut self) -> bool {
        self.connected() == self.players && self.discs() == self.players
    }

    fn connected(&mut self) -> usize {
        let world = self.app.world_mut();
        world.query_filtered::<(), With<Connected>>().iter(world).count()
    }

    fn discs(&mut self) -> usize {
        let world = self.app.world_mut();
        world.query_filtered::<(), With<Motion>>().iter(world).count()
    }

    /// The counters of all players, by name.
    pub(crate) fn totals(&mut self) -> [(&'static str, u64); 10] {
        let (connected, discs) = (self.connected() as u64, self.discs() as u64);
        let world = self.app.world_mut();
        let (mut bytes, mut packets) = (0, 0);
        for session in world.query::<&Session>().iter(world) {
            bytes += session.stats.bytes_recv.0 as u64;
            packets += session.stats.packets_recv.0 as u64;
        }
        let applied = world.resource::<ClientReplicationStats>();
        let (counts, sight) = (world.resource::<Counts>(), world.resource::<Sight>());
        [
            ("connected", connected),
            ("discs", discs),
            ("snapshots", applied.messages as u64 + counts.messages),
            ("replicated_bytes", applied.bytes as u64 + counts.bytes),
            ("packets", packets),
            ("bytes", bytes),
            ("inputs", counts.inputs),
            ("moves", sight.moves),
            ("possible", sight.possible),
            ("moved", sight.places.values().filter(|(_, moved)| *moved).count() as u64),
        ]
    }
}

/// Counts and acknowledges the messages of all clients except the first.
fn acknowledge(
    channels: Res<RepliconChannelMap>,
    mut links: Query<&mut Transport, (With<Client>, Without<ReplicationReceiver>)>,
    mut counts: ResMut<Counts>,
) {
    let ([(_, updates), (_, mutations), ..], [(acks, _), ..]) =
        (&channels.server_channels[..], &channels.client_channels[..])
    else {
        return;
    };
    for mut transport in &mut links {
        let mut indices = Vec::new();
        for channel in [updates, mutations] {
            let Some(receiver) = transport.channel_receive_mut(*channel) else { continue };
            while let Some((_, message, _)) = receiver.read_message() {
                counts.messages += 1;
                counts.bytes += message.len() as u64;
                if channel == mutations {
                    indices.extend_from_slice(message.get(MUTATION_INDEX).unwrap_or_default());
                }
            }
        }
        if !indices.is_empty() {
            // Without the acknowledgement, the server sends the contents again.
            transport.send_erased(*acks, indices.into(), 1.0).ok();
        }
    }
}

/// Counts the discs that moved, for each new snapshot.
fn look(
    applied: Res<ClientReplicationStats>,
    discs: Query<(Entity, &Motion)>,
    mut sight: ResMut<Sight>,
) {
    if applied.messages == sight.messages {
        return;
    }
    sight.messages = applied.messages;
    for (entity, motion) in &discs {
        let place = (motion.x, motion.y);
        let (before, ever_moved) = sight.places.get(&entity).copied().unwrap_or((place, false));
        sight.places.insert(entity, (place, ever_moved || before != place));
        sight.moves += u64::from(before != place);
        sight.possible += 1;
    }
}

/// Turns the aim a little in every message, and changes direction now and then, as a person does.
fn drive(
    timeline: Res<LocalTimeline>,
    mut players: Query<(&mut Hand, &mut MessageSender<Inputs>), With<Connected>>,
    mut counts: ResMut<Counts>,
) {
    for (mut hand, mut sender) in &mut players {
        hand.angle = hand.angle.wrapping_add_signed(hand.below(25) as i16 - 12);
        if hand.below(8) == 0 {
            hand.thrust = hand.below(16) as u8 + 1;
        }
        let inputs = Inputs::held(timeline.tick().0, hand.angle, hand.thrust);
        sender.send::<InputChannel>(inputs);
        counts.inputs += 1;
    }
}

impl Hand {
    /// A random number (SplitMix64).
    fn below(&mut self, bound: u64) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
