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
use presentation::camera::{eased_share, wide_picture_height};
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
/// On wide ice the own disc is never farther from the middle of the picture than this, along both axes: what is behind
/// it is told of a little longer than what is before it.
const WIDE_LAG: f32 = 90.0;
/// Whom the picture follows is somewhere else all at once, farther away than this: it does not fly there.
const CUT_UNITS: f32 = 500.0;
/// Seconds of the own movement that the picture looks ahead.
const LOOK_AHEAD_SECONDS: f32 = 0.12;
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
    /// Half of what the picture shows, in units.
    #[must_use]
    pub fn half(&self) -> Vec2 {
        self.window * self.scale / 2.0
    }

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
    mut painter: ResMut<Painter>,
    mut followed: Local<Followed>,
) {
    let seconds = time.delta_secs();
    view.window = Vec2::new(window.width(), window.height()).max(Vec2::ONE);
    let (centre, height) = wanted(&stage, fall.killer(), view.window, time.elapsed_secs());
    let jump = followed.jumps_to(&stage);
    let near = if jump { 1.0 } else { eased_share(seconds.into()) as f32 };
    view.centre = view.centre.lerp(centre, near);
    view.scale += (height / view.window.y - view.scale) * near;
    if let Some(place) = held(&stage) {
        view.centre = view.centre.clamp(place - WIDE_LAG, place + WIDE_LAG);
        view.scale = view.scale.min(height / view.window.y);
    }
    painter.look_at(view.centre, view.half() + SHAKE_UNITS);
    let shaken = if settings.shake { shake.pass(seconds) } else { Vec2::ZERO };
    for (mut transform, mut projection) in &mut camera {
        transform.translation = (view.centre + shaken).extend(transform.translation.z);
        if let Projection::Orthographic(OrthographicProjection { scale, .. }) = &mut *projection {
            *scale = view.scale;
        }
    }
}

/// Whom the picture followed, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Followed {
    act: u32,
    subject: Option<(Slot, Vec2)>,
}

impl Followed {
    /// Whether the picture is somewhere else from now on, without a way from there to here.
    fn jumps_to(&mut self, stage: &Stage) -> bool {
        let subject = stage.subject.and_then(|slot| stage.drawn.as_ref()?.disc(slot));
        let now = Self { act: stage.act, subject: subject.map(|disc| (disc.slot, disc.position)) };
        let before = core::mem::replace(self, now);
        let is_torn = match (before.subject, now.subject) {
            (Some((old, from)), Some((new, to))) => old == new && from.distance(to) > CUT_UNITS,
            _ => false,
        };
        before.act != now.act || is_torn
    }
}

/// The place that the middle of the picture keeps to, where only what is near it is known.
fn held(stage: &Stage) -> Option<Vec2> {
    let drawn = stage.drawn.as_ref().filter(|drawn| drawn.is_partial)?;
    Some(drawn.disc(stage.subject?)?.position)
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
    let is_wide = drawn.is_wide();
    let killer = killer.filter(|_| !is_wide);
    if let Some(killer) = killer.and_then(|slot| drawn.disc(slot)) {
        return (killer.position * FOLLOW_KILLER, HEIGHT_KILLER.min(whole));
    }
    let covered = |height: f32| Vec2::new(0.0, height * stage.covered / 2.0);
    let subject = stage.subject.and_then(|slot| drawn.disc(slot));
    match subject {
        Some(disc) if is_wide => {
            let height = wide_picture_height(window.x.into(), window.y.into()) as f32;
            (disc.position - covered(height), height)
        }
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
    use shared::sim::fixed::units;
    use shared::sim::{Command, Mode, Slot, World, fixed};
    use shared::snapshot::crowd::{INTEREST_ENTER, INTEREST_LEAVE};

    use super::{Followed, Stage, View, WIDE_LAG, held, wanted};
    use crate::prediction::Offsets;
    use crate::space::{Drawn, scene_from_world};

    const ME: Slot = Slot(700);

    /// A crowd as it is told to one player, who stands here.
    fn crowd(at: fixed::Vec2) -> Stage {
        let mut world = World::new(Mode::Crowd, 0, 3_600);
        world.step(&[Command::Join { slot: ME, team: 0 }]);
        world.discs[0].position = at;
        world.discs[0].stance = shared::sim::Stance::Standing;
        let drawn = Drawn::between(&world, &world, 1.0, &Offsets::default());
        Stage { drawn: Some(drawn), own: Some(ME), subject: Some(ME), ..Stage::default() }
    }

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

    #[test]
    fn a_player_of_a_crowd_never_sees_farther_than_it_is_told() {
        let at = fixed::Vec2::new(units(-2_000), units(900));
        let stage = crowd(at);
        let (told, kept) =
            (scene_from_world(INTEREST_ENTER).abs(), scene_from_world(INTEREST_LEAVE).abs());

        for window in [(1280, 720), (960, 540), (2560, 1080), (1024, 768), (400, 900)] {
            let window = Vec2::new(window.0 as f32, window.1 as f32);
            let (centre, height) = wanted(&stage, Some(Slot(3)), window, 0.0);
            let half = Vec2::new(height * window.x / window.y, height) / 2.0;

            assert_eq!(centre, scene_from_world(at), "{window}");
            assert!(half.cmple(told).all(), "{window}: {half}");
            assert!((half + WIDE_LAG).cmple(kept).all(), "{window}: {half}");
            assert!(half.x > 700.0 || half.y > 390.0, "{window}: {half}");
        }
        assert_eq!(held(&stage), Some(scene_from_world(at)));
    }

    #[test]
    fn who_comes_back_elsewhere_is_there_without_a_flight() {
        let mut followed = Followed::default();
        let here = crowd(fixed::Vec2::new(units(3_000), 0));
        followed.jumps_to(&here);

        let near = followed.jumps_to(&crowd(fixed::Vec2::new(units(2_980), units(9))));
        let far = followed.jumps_to(&crowd(fixed::Vec2::new(units(-400), units(50))));

        assert!((near, far) == (false, true));
    }

    #[test]
    fn who_watches_a_crowd_sees_all_of_it_or_follows_somebody() {
        let mut stage = crowd(fixed::Vec2::new(units(2_000), 0));
        (stage.own, stage.subject) = (None, None);
        let window = Vec2::new(1280.0, 720.0);

        let (centre, height) = wanted(&stage, None, window, 0.0);
        stage.subject = Some(ME);
        let (followed, near) = wanted(&stage, None, window, 0.0);

        assert!(centre.length() < 100.0 && height > 6_400.0);
        assert_eq!((followed, near), (Vec2::new(2_000.0, 0.0), 800.0));
    }
}
