//! The server: rooms of sixteen discs that their players' inputs move, replicated thirty times a second.
//!
//! Set up as lightyear's examples are, and where there is a choice, the cheaper way: no encryption, no prediction,
//! inputs as plain messages, lightyear's own rooms for visibility, no logging, one thread for the schedule.
//! Prints one line when it listens: the address and what it runs on.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Result, ensure};
use bevy::app::ScheduleRunnerPlugin;
use bevy::prelude::{
    Add, App, Commands, Component, DetectChangesMut as _, Entity, FixedUpdate, Insert,
    IntoScheduleConfigs as _, MinimalPlugins, On, PluginGroup as _, PreUpdate, Query, ResMut,
    Resource, With,
};
use bevy::state::app::StatesPlugin;
use lightyear::prelude::client::Connected;
use lightyear::prelude::server::{
    ClientOf, RawServer, ServerConfig, ServerPlugins, Start, WebSocketServerIo,
};
use lightyear::prelude::{
    ControlledBy, Lifetime, LocalAddr, MessageReceiver, MessageSystems, NetworkTarget, Replicate,
    ReplicationMetadata, ReplicationSender, RoomAllocator, RoomId, RoomPlugin, Rooms,
};

use crate::discs::{Disc, SEATS, step};
use crate::protocol::{BEAT, Inputs, Motion, Standing, TICK, register, socket};

/// As Cargo.toml pins it.
const RUNS_ON: &str = "lightyear 0.30.1 on bevy 0.19, WebSocket transport";

/// All players, room by room.
#[derive(Resource, Default)]
struct Hall(Vec<Table>);

/// One room. The simulation is plain data, and the entities are its replicated copy.
struct Table {
    room: RoomId,
    discs: Vec<Disc>,
    entities: Vec<Entity>,
}

/// The seat of a connection's player.
#[derive(Component)]
struct Seat {
    table: usize,
    place: usize,
}

/// Serves until the process is ended.
pub(crate) fn run() -> Result<()> {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins.set(ScheduleRunnerPlugin::run_loop(TICK)), StatesPlugin));
    app.add_plugins((ServerPlugins { tick_duration: TICK }, RoomPlugin));
    register(&mut app);
    app.init_resource::<Hall>().init_resource::<RoomAllocator>();
    app.insert_resource(ReplicationMetadata::new(BEAT));
    app.add_observer(announce).add_observer(seat);
    app.add_systems(PreUpdate, read_inputs.after(MessageSystems::Receive));
    app.add_systems(FixedUpdate, play);

    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = ServerConfig::builder().with_bind_address(address).with_no_encryption();
    let config = config.with_socket_config(socket());
    let server = (RawServer, LocalAddr(address), WebSocketServerIo { config });
    let entity = app.world_mut().spawn(server).id();
    app.world_mut().trigger(Start { entity });
    let exit = app.run();
    ensure!(exit.is_success(), "the server ended with {exit:?}");
    Ok(())
}

/// Prints the port that the system chose.
#[allow(clippy::print_stdout, reason = "the one line that who started it waits for")]
fn announce(inserted: On<Insert, LocalAddr>, servers: Query<&LocalAddr, With<RawServer>>) {
    if let Ok(LocalAddr(address)) = servers.get(inserted.entity)
        && address.port() != 0
    {
        println!("listening on {address} {RUNS_ON}");
    }
}

/// Gives a newly connected player the next free seat and a disc.
fn seat(
    connected: On<Add, Connected>,
    links: Query<(), With<ClientOf>>,
    mut hall: ResMut<Hall>,
    mut rooms: ResMut<RoomAllocator>,
    mut commands: Commands,
) {
    let link = connected.entity;
    if !links.contains(link) {
        return;
    }
    if hall.0.last().is_none_or(|table| table.discs.len() == SEATS) {
        let room = rooms.allocate();
        hall.0.push(Table { room, discs: Vec::new(), entities: Vec::new() });
    }
    let index = hall.0.len() - 1;
    let table = &mut hall.0[index];
    let place = table.discs.len();
    let disc = Disc::entering(place);
    let replicated = (
        Motion::of(&disc),
        Standing::of(&disc),
        Replicate::to_clients(NetworkTarget::All),
        Rooms::single(table.room),
        ControlledBy { owner: link, lifetime: Lifetime::SessionBased },
    );
    table.entities.push(commands.spawn(replicated).id());
    table.discs.push(disc);
    let seated = (ReplicationSender, Rooms::single(table.room), Seat { table: index, place });
    commands.entity(link).insert(seated);
}

/// Applies the newest input of each player.
fn read_inputs(mut players: Query<(&Seat, &mut MessageReceiver<Inputs>)>, mut hall: ResMut<Hall>) {
    for (seat, mut messages) in &mut players {
        let Some(inputs) = messages.receive().last() else { continue };
        let disc = &mut hall.0[seat.table].discs[seat.place];
        (disc.angle, disc.thrust) = inputs.newer();
    }
}

/// One tick of every room.
fn play(mut hall: ResMut<Hall>, mut replicated: Query<(&mut Motion, &mut Standing)>) {
    for table in &mut hall.0 {
        step(&mut table.discs);
        for (disc, entity) in table.discs.iter().zip(&table.entities) {
            // A player that has left has no disc.
            let Ok((mut motion, mut standing)) = replicated.get_mut(*entity) else { continue };
            motion.set_if_neq(Motion::of(disc));
            standing.set_if_neq(Standing::of(disc));
        }
    }
}
