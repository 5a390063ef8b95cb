//! The sound. All sounds are synthesised at the start; none is louder than −12 dBFS.
//!
//! A machine without a sound device is no error: nothing plays then, and nothing piles up.

mod synth;

use std::collections::HashMap;

use bevy::asset::{Assets, Handle};
use bevy::audio::{
    AudioPlayer, AudioSink, AudioSinkPlayback as _, AudioSource, PlaybackSettings, Volume,
};
use bevy::input::ButtonInput;
use bevy::input::mouse::MouseButton;
use bevy::math::Vec2;
use bevy::prelude::{
    App, Commands, Component, Entity, IntoScheduleConfigs as _, Local, MessageReader, Plugin,
    Query, Res, ResMut, Resource, Startup, Time, Update, With,
};
use shared::sim::{Event, PickupKind, Slot};

use crate::frame::{Phase, PresentedEvent, RenderState};
use crate::scene::View;
use crate::settings::{Settings, Volumes};
use crate::ui::UiCapture;
use crate::world_to_scene::{SceneWorld, scene_from_world, speed_from_world};

pub use synth::Sound;

/// The shortest time between two sounds of the same kind.
const SAME_APART_SECONDS: f32 = 0.03;
/// Sounds that play at once. When full, a new one is dropped.
const VOICES_MAX: usize = 14;
/// A voice that still exists after this time has no device to play on.
const VOICE_SECONDS: f32 = 2.0;
/// A sound this far from the centre of the picture is half as loud.
const HALF_LOUD_UNITS: f32 = 420.0;
/// The edge hums when the own disc is nearer to it than this.
const HUM_UNITS: f32 = 120.0;

/// The synthesised sounds.
#[derive(Debug, Resource)]
struct Sounds(HashMap<Sound, Handle<AudioSource>>);

/// A sound that plays.
#[derive(Debug, Component)]
struct Voice {
    /// Seconds until it is despawned.
    left: f32,
}

/// The hum of the edge.
#[derive(Debug, Component)]
struct Hum;

/// A sound to play in this frame.
#[derive(Debug, Clone, Copy)]
struct SoundRequest {
    sound: Sound,
    /// Loudness from 0 to 1.
    loud: f32,
    /// Playback speed. 1 is the pitch of the synthesised sound.
    pitch: f32,
    /// Whether it belongs to the interface and not to the game.
    interface: bool,
}

/// Plays the sounds.
#[derive(Debug)]
pub struct AudioPlugin;

impl Plugin for AudioPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Startup, synthesise)
            .add_systems(Update, (play, hum, end_voices).in_set(Phase::Draw));
    }
}

fn synthesise(mut sources: ResMut<Assets<AudioSource>>, mut commands: Commands) {
    let mut made = HashMap::new();
    for sound in Sound::ALL {
        let bytes = synth::wav(&synth::samples(sound)).into();
        made.insert(sound, sources.add(AudioSource { bytes }));
    }
    if let Some(hum) = made.get(&Sound::Hum) {
        let silent = PlaybackSettings::LOOP.with_volume(Volume::Linear(0.0));
        commands.spawn((AudioPlayer(hum.clone()), silent, Hum));
    }
    commands.insert_resource(Sounds(made));
}

/// What was played before this frame.
#[derive(Debug, Default)]
struct History {
    /// When each sound was played last, in seconds since the start.
    played_at: HashMap<Sound, f32>,
    /// The last second of the countdown that was heard.
    countdown: i32,
}

fn play(
    mut presented: MessageReader<PresentedEvent>,
    render: Res<RenderState>,
    view: Res<View>,
    settings: Res<Settings>,
    sounds: Res<Sounds>,
    time: Res<Time>,
    capture: Res<UiCapture>,
    mouse: Res<ButtonInput<MouseButton>>,
    voices: Query<&Voice>,
    mut history: Local<History>,
    mut commands: Commands,
) {
    let mut requests: Vec<SoundRequest> = Vec::new();
    for PresentedEvent(event) in presented.read() {
        if let Some((mut sound, at)) = sound_of(event, &render) {
            sound.loud *= nearness(at, view.centre) * if render.is_backdrop { 0.18 } else { 1.0 };
            requests.push(sound);
        }
    }
    requests.extend(countdown(&render, &mut history));
    if capture.mouse && mouse.just_pressed(MouseButton::Left) {
        requests.push(SoundRequest { sound: Sound::Click, loud: 0.7, pitch: 1.0, interface: true });
    }
    let now = time.elapsed_secs();
    let mut count = voices.iter().count();
    for request in requests {
        let last = history.played_at.get(&request.sound).copied().unwrap_or(f32::MIN);
        let volume = request.loud * loudness(&settings.volumes, request.interface);
        if now - last < SAME_APART_SECONDS || count >= VOICES_MAX || volume < 0.01 {
            continue;
        }
        let Some(source) = sounds.0.get(&request.sound) else { continue };
        history.played_at.insert(request.sound, now);
        count += 1;
        let playback = PlaybackSettings::DESPAWN
            .with_volume(Volume::Linear(volume.min(1.0)))
            .with_speed(request.pitch.clamp(0.5, 2.0));
        commands.spawn((AudioPlayer(source.clone()), playback, Voice { left: VOICE_SECONDS }));
    }
}

fn loudness(volumes: &Volumes, interface: bool) -> f32 {
    volumes.master * if interface { volumes.interface } else { volumes.game }
}

fn nearness(at: Option<Vec2>, centre: Vec2) -> f32 {
    at.map_or(1.0, |at| 1.0 / (1.0 + at.distance(centre) / HALF_LOUD_UNITS))
}

fn countdown(render: &RenderState, history: &mut History) -> Option<SoundRequest> {
    let scene = render.scene.as_ref().filter(|_| !render.is_backdrop)?;
    #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
    let now = if scene.remaining <= 5.0 && !scene.over {
        scene.remaining.ceil() as i32
    } else {
        scene.countdown.ceil() as i32
    };
    let before = core::mem::replace(&mut history.countdown, now);
    let sound = match (before, now) {
        (before, now) if now > 0 && now != before => Sound::Tick,
        (1, 0) if scene.progress < 0.5 => Sound::Go,
        _ => return None,
    };
    Some(SoundRequest { sound, loud: 0.9, pitch: 1.0, interface: true })
}

/// The sound of an event and its place. `None` as a place: the sound is equally loud everywhere.
fn sound_of(event: &Event, render: &RenderState) -> Option<(SoundRequest, Option<Vec2>)> {
    let place = |slot: Slot| Some(render.scene.as_ref()?.disc(slot)?.position);
    let strain = |slot: Slot| {
        render.scene.as_ref().and_then(|scene| scene.disc(slot)).map_or(0.0, |disc| disc.strain)
    };
    let is_own = |slot: Slot| render.own == Some(slot);
    let wanted = |sound, loud, pitch| SoundRequest { sound, loud, pitch, interface: false };
    Some(match event {
        Event::PulseFired { id } => {
            let loud = if is_own(id.slot) { 0.75 } else { 0.42 };
            (wanted(Sound::Pulse, loud, 0.94 + f32::from(id.slot.0 % 16) * 0.008), place(id.slot))
        }
        Event::PulseHit { target, at, .. } => {
            let force = (strain(*target) / 1.5).clamp(0.0, 1.0);
            (wanted(Sound::Hit, 0.7 + 0.3 * force, 1.15 - 0.3 * force), Some(scene_from_world(*at)))
        }
        Event::Shove { slot } => (wanted(Sound::Shove, 0.8, 1.0), place(*slot)),
        Event::ShoveHit { target, .. } => (wanted(Sound::Hit, 1.0, 0.8), place(*target)),
        Event::Dash { slot } => {
            let loud = if is_own(*slot) { 0.7 } else { 0.4 };
            (wanted(Sound::Dash, loud, 1.0), place(*slot))
        }
        Event::Bump { speed, at, .. } => {
            let force = (speed_from_world(*speed) / 800.0).clamp(0.0, 1.0);
            (
                wanted(Sound::Knock, 0.3 + 0.7 * force, 1.25 - 0.45 * force),
                Some(scene_from_world(*at)),
            )
        }
        Event::KnockOut { slot, credit, at } => {
            let about_own = is_own(*slot) || credit.is_some_and(|(by, _)| is_own(by));
            let loud = if about_own { 1.0 } else { 0.55 };
            // On wide ice a fall far away is not heard.
            let is_wide = render.scene.as_ref().is_some_and(SceneWorld::is_wide);
            let at = Some(scene_from_world(*at)).filter(|_| is_wide && !about_own);
            (wanted(Sound::Fall, loud, if is_own(*slot) { 0.85 } else { 1.05 }), at)
        }
        Event::Respawn { slot } if is_own(*slot) => (wanted(Sound::Respawn, 0.6, 1.0), None),
        Event::PickupSpawned { at, .. } => {
            (wanted(Sound::Appear, 0.4, 1.0), Some(scene_from_world(*at)))
        }
        Event::PickupTaken { slot, kind, at } => {
            let pitch = match kind {
                PickupKind::Heavy => 0.75,
                PickupKind::Overcharge => 1.12,
                PickupKind::Mend => 1.0,
            };
            let loud = if is_own(*slot) { 0.9 } else { 0.4 };
            (wanted(Sound::Pickup, loud, pitch), Some(scene_from_world(*at)))
        }
        Event::ShrinkBegins => (wanted(Sound::Crack, 1.0, 1.0), None),
        Event::RoundOver => (wanted(Sound::Go, 0.9, 0.67), None),
        Event::Respawn { .. } | Event::LeadChange { .. } => return None,
    })
}

/// Lets the edge hum while the own disc is near it.
fn hum(
    render: Res<RenderState>,
    settings: Res<Settings>,
    time: Res<Time>,
    mut sinks: Query<&mut AudioSink, With<Hum>>,
    mut now: Local<f32>,
) {
    let near = render.scene.as_ref().zip(render.own).and_then(|(scene, own)| {
        let disc = scene.disc(own).filter(|disc| disc.standing && !scene.over)?;
        let inside = scene.radius - disc.position.length();
        Some((1.0 - inside / HUM_UNITS).clamp(0.0, 1.0))
    });
    let goal = near.unwrap_or(0.0).powi(2) * settings.volumes.master * settings.volumes.ambience;
    *now += (goal - *now) * (time.delta_secs() * 6.0).min(1.0);
    for mut sink in &mut sinks {
        sink.set_volume(Volume::Linear(*now));
    }
}

/// Despawns voices that no device plays.
fn end_voices(mut voices: Query<(Entity, &mut Voice)>, time: Res<Time>, mut commands: Commands) {
    for (entity, mut voice) in &mut voices {
        voice.left -= time.delta_secs();
        if voice.left < 0.0 {
            commands.entity(entity).despawn();
        }
    }
}
