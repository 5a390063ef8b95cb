//! Where the picture is taken from: the own disc in view, a little ahead of it, steady.

use bevy::camera::{Camera, Camera2d, ClearColor, Hdr, OrthographicProjection, Projection};
use bevy::color::{Alpha as _, LinearRgba};
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::math::Vec2;
use bevy::post_process::bloom::Bloom;
use bevy::prelude::{
    App, Commands, Component, Entity, IntoScheduleConfigs as _, Local, Msaa, Plugin, Query, Res,
    ResMut, Resource, Single, Startup, Time, Transform, Update, Window, With,
};
use bevy::render::renderer::RenderAdapterInfo;
use bevy::window::PrimaryWindow;
use shared::sim::Slot;

use super::painter::Painter;
use super::tinted::Tinted;
use super::{OwnFall, Phase, Stage, palette};
use crate::settings::{Quality, Settings};

/// Height of the picture around the own disc, in units.
const HEIGHT_PLAYING: f32 = 800.0;
/// However small the ice is: less is never shown.
const HEIGHT_LEAST: f32 = 640.0;
/// How much of the way from the middle of the ice to the own disc the picture goes.
const FOLLOW: f32 = 0.62;
/// The same for who pushed the own disc over the edge…
const FOLLOW_KILLER: f32 = 0.86;
/// …who is seen from a little nearer.
const HEIGHT_KILLER: f32 = 680.0;
/// Seconds of the own movement that the picture looks ahead.
const LOOK_AHEAD_SECONDS: f32 = 0.12;
/// The picture has closed half of the way to where it should be after so many seconds.
const HALF_LIFE_SECONDS: f32 = 0.11;
/// Room around the ice when all of it is shown.
const ROOM: f32 = 1.16;
/// The shake fades within so many seconds.
const SHAKE_SECONDS: f32 = 0.45;
/// The largest shake, in units.
const SHAKE_UNITS: f32 = 15.0;

/// What the picture shows.
#[derive(Debug, Clone, Copy, Resource)]
pub struct View {
    /// The place in the middle.
    pub centre: Vec2,
    /// Units for each logical pixel.
    pub scale: f32,
    /// Size of the window in logical pixels.
    pub window: Vec2,
    /// Few sparks, no bloom: the processor draws.
    pub is_plain: bool,
}

impl Default for View {
    fn default() -> Self {
        Self { centre: Vec2::ZERO, scale: 1.4, window: Vec2::new(1280.0, 720.0), is_plain: true }
    }
}

impl View {
    /// The place under a point of the window (logical pixels, y down).
    #[must_use]
    pub fn place_at(&self, pixel: Vec2) -> Vec2 {
        let from_middle = pixel - self.window / 2.0;
        self.centre + Vec2::new(from_middle.x, -from_middle.y) * self.scale
    }

    /// Where in the window (logical pixels, y down) a place is seen.
    #[must_use]
    pub fn pixel_of(&self, place: Vec2) -> Vec2 {
        let from_centre = (place - self.centre) / self.scale;
        self.window / 2.0 + Vec2::new(from_centre.x, -from_centre.y)
    }
}

/// How much the picture shakes, from 0 to 1.
#[derive(Debug, Default, Resource)]
pub struct Shake {
    trauma: f32,
    time: f32,
}

impl Shake {
    /// Something hit. `force` from 0 to 1.
    pub fn add(&mut self, force: f32) {
        self.trauma = (self.trauma + force).min(1.0);
    }

    fn pass(&mut self, seconds: f32) -> Vec2 {
        self.trauma = (self.trauma - seconds / SHAKE_SECONDS).max(0.0);
        self.time += seconds;
        let strength = self.trauma * self.trauma * SHAKE_UNITS;
        Vec2::new((self.time * 71.0).sin(), (self.time * 83.0 + 2.0).sin()) * strength
    }
}

#[derive(Debug, Component)]
pub(super) struct GameCamera;

/// Places the camera.
#[derive(Debug)]
pub(super) struct CameraPlugin;

impl Plugin for CameraPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<View>()
            .init_resource::<Shake>()
            .insert_resource(ClearColor(palette::VOID_OUTER))
            .add_systems(Startup, set_up)
            .add_systems(Update, veil.in_set(Phase::Paint))
            .add_systems(
                Update,
                (choose_quality, follow).chain().after(Phase::Show).before(Phase::Paint),
            );
    }
}

fn set_up(mut commands: Commands) {
    // Edges are made smooth by the shapes themselves.
    commands.spawn((Camera2d, GameCamera, Msaa::Off, Tonemapping::None, DebandDither::Disabled));
}

fn choose_quality(
    settings: Res<Settings>,
    adapter: Option<Res<RenderAdapterInfo>>,
    camera: Single<(Entity, Option<&Bloom>), With<GameCamera>>,
    mut view: ResMut<View>,
    mut commands: Commands,
) {
    let by_processor =
        adapter.is_none_or(|adapter| format!("{:?}", adapter.device_type).contains("Cpu"));
    view.is_plain = match settings.quality {
        Quality::Auto => by_processor,
        Quality::Fast => true,
        Quality::Full => false,
    };
    let (camera, bloom) = *camera;
    if bloom.is_some() == view.is_plain {
        let mut camera = commands.entity(camera);
        if view.is_plain {
            camera.remove::<(Bloom, Hdr)>();
        } else {
            camera.insert((Hdr, Bloom { intensity: 0.12, ..Bloom::NATURAL }));
        }
    }
}

pub(super) fn follow(
    stage: Res<Stage>,
    fall: Res<OwnFall>,
    time: Res<Time>,
    settings: Res<Settings>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut camera: Query<(&mut Transform, &mut Projection), (With<GameCamera>, With<Camera>)>,
    mut view: ResMut<View>,
    mut shake: ResMut<Shake>,
    mut act: Local<u32>,
) {
    let seconds = time.delta_secs();
    view.window = Vec2::new(window.width(), window.height()).max(Vec2::ONE);
    let (centre, height) = wanted(&stage, fall.killer(), view.window, time.elapsed_secs());
    let jump = *act != stage.act;
    *act = stage.act;
    let near = if jump { 1.0 } else { 1.0 - 0.5_f32.powf(seconds / HALF_LIFE_SECONDS) };
    view.centre = view.centre.lerp(centre, near);
    view.scale += (height / view.window.y - view.scale) * near;
    let shaken = if settings.shake { shake.pass(seconds) } else { Vec2::ZERO };
    for (mut transform, mut projection) in &mut camera {
        transform.translation = (view.centre + shaken).extend(transform.translation.z);
        if let Projection::Orthographic(OrthographicProjection { scale, .. }) = &mut *projection {
            *scale = view.scale;
        }
    }
}

/// Darkens the picture behind the menu: much at the left, where the panels are.
fn veil(
    stage: Res<Stage>,
    view: Res<View>,
    mut painter: ResMut<Painter>,
    mut is_shown: Local<bool>,
) {
    if stage.is_backdrop {
        let half = view.window * view.scale / 2.0 + Vec2::splat(40.0);
        let mut sheet = Tinted::default();
        let left = view.centre.x - half.x;
        let reach = half.x * 1.25;
        sheet.grid(view.centre, half, (12, 1), |place| {
            let along = ((place.x - left) / reach).clamp(0.0, 1.0);
            let alpha = 0.93 - 0.80 * along;
            LinearRgba::from(palette::VOID_OUTER).with_alpha(alpha)
        });
        painter.veil(sheet);
    } else if *is_shown {
        painter.veil(Tinted::default());
    }
    *is_shown = stage.is_backdrop;
}

/// The middle and the height of the picture.
fn wanted(stage: &Stage, killer: Option<Slot>, window: Vec2, time: f32) -> (Vec2, f32) {
    let Some(drawn) = &stage.drawn else { return (Vec2::ZERO, HEIGHT_PLAYING) };
    let whole = (2.0 * drawn.radius * ROOM).max(HEIGHT_LEAST);
    // All of it must fit into a narrow window as well.
    let whole = whole.max(whole * window.y / window.x);
    if stage.is_backdrop {
        // Beside the menu, and never quite still.
        let sway = Vec2::new((time * 0.11).sin(), (time * 0.07).cos()) * 14.0;
        let height = whole * 0.82;
        let aside = height / window.y * window.x * 0.13;
        return (sway - Vec2::new(aside, 0.0), height);
    }
    if let Some(killer) = killer.and_then(|slot| drawn.disc(slot)) {
        return (killer.position * FOLLOW_KILLER, HEIGHT_KILLER.min(whole));
    }
    let covered = |height: f32| Vec2::new(0.0, height * stage.covered / 2.0);
    let subject = stage.subject.and_then(|slot| drawn.disc(slot));
    match subject {
        Some(disc) => {
            let ahead = disc.velocity * LOOK_AHEAD_SECONDS;
            let height = HEIGHT_PLAYING.min(whole);
            (disc.position * FOLLOW + ahead - covered(height), height)
        }
        None => {
            let height = whole / (1.0 - stage.covered);
            (Vec2::new(0.0, -drawn.radius * 0.02) - covered(height), height)
        }
    }
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;

    use super::View;

    #[test]
    fn a_place_is_found_again_under_its_pixel() {
        let view = View {
            centre: Vec2::new(40.0, -9.0),
            scale: 1.3,
            window: Vec2::new(800.0, 600.0),
            is_plain: true,
        };
        let place = Vec2::new(-120.0, 77.0);

        let again = view.place_at(view.pixel_of(place));

        assert!(again.distance(place) < 0.01);
        assert!(view.pixel_of(place).y < view.pixel_of(Vec2::ZERO).y);
    }
}
