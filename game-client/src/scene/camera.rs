//! The camera: it keeps the followed disc in view, looks a little ahead of it, and moves smoothly.

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

use super::gradient_mesh::GradientMesh;
use super::own_fall::{self, OwnFall};
use super::painter::Painter;
use super::palette;
use crate::frame::{Phase, RenderState};
use crate::settings::{Quality, Settings};

/// The height of the picture around the followed disc, in units.
const HEIGHT_PLAYING: f32 = 800.0;
/// The smallest height of the picture, in units, however small the platform is.
const HEIGHT_LEAST: f32 = 640.0;
/// The centre of the picture lies this part of the way from the centre of the platform to the followed disc.
const FOLLOW: f32 = 0.62;
/// The same for the disc that pushed the own one over the edge…
const FOLLOW_KILLER: f32 = 0.86;
/// …which is shown from a little nearer.
const HEIGHT_KILLER: f32 = 680.0;
/// On wide ice the followed disc is never farther than this from the centre of the picture along an axis, in units. The server
/// sends what is behind the disc a little longer than what is in front of it.
const WIDE_LAG: f32 = 90.0;
/// Cut, instead of pan, when the followed disc moves farther than this in one frame.
const CUT_UNITS: f32 = 500.0;
/// How far the camera looks ahead along the velocity of the followed disc.
const LOOK_AHEAD_SECONDS: f32 = 0.12;
/// The size of the picture when the whole platform is shown, as a multiple of its diameter.
const ROOM: f32 = 1.16;
/// The duration of the strongest shake.
const SHAKE_SECONDS: f32 = 0.45;
/// The largest shake, in units.
const SHAKE_UNITS: f32 = 15.0;

/// The part of the scene that the picture shows.
#[derive(Debug, Clone, Copy, Resource)]
pub struct View {
    /// The centre.
    pub centre: Vec2,
    /// Units a logical pixel.
    pub scale: f32,
    /// The size of the window, in logical pixels.
    pub window: Vec2,
    /// Whether detail is reduced (few sparks, no bloom), for a software renderer.
    pub is_plain: bool,
}

impl Default for View {
    fn default() -> Self {
        Self { centre: Vec2::ZERO, scale: 1.4, window: Vec2::new(1280.0, 720.0), is_plain: true }
    }
}

impl View {
    /// Half of the size of the picture, in units.
    #[must_use]
    pub fn half(&self) -> Vec2 {
        self.window * self.scale / 2.0
    }

    /// The position at a point of the window (logical pixels, y down).
    #[must_use]
    pub fn position_at(&self, pixel: Vec2) -> Vec2 {
        let from_middle = pixel - self.window / 2.0;
        self.centre + Vec2::new(from_middle.x, -from_middle.y) * self.scale
    }

    /// The point of the window (logical pixels, y down) at which a position is seen.
    #[must_use]
    pub fn pixel_of(&self, position: Vec2) -> Vec2 {
        let from_centre = (position - self.centre) / self.scale;
        self.window / 2.0 + Vec2::new(from_centre.x, -from_centre.y)
    }
}

/// The shake of the picture.
#[derive(Debug, Default, Resource)]
pub struct Shake {
    trauma: f32,
    time: f32,
}

impl Shake {
    /// Adds the shake of a hit, from 0 to 1.
    pub fn add(&mut self, force: f32) {
        self.trauma = (self.trauma + force).min(1.0);
    }

    fn advance(&mut self, seconds: f32) -> Vec2 {
        self.trauma = (self.trauma - seconds / SHAKE_SECONDS).max(0.0);
        self.time += seconds;
        let strength = self.trauma * self.trauma * SHAKE_UNITS;
        Vec2::new((self.time * 71.0).sin(), (self.time * 83.0 + 2.0).sin()) * strength
    }
}

#[derive(Debug, Component)]
pub(super) struct GameCamera;

/// Moves the camera.
#[derive(Debug)]
pub(super) struct CameraPlugin;

impl Plugin for CameraPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<View>()
            .init_resource::<Shake>()
            .insert_resource(ClearColor(palette::VOID_OUTER))
            .add_systems(Startup, set_up)
            .add_systems(Update, veil.in_set(Phase::Draw))
            .add_systems(
                Update,
                (choose_quality, follow.after(own_fall::track))
                    .chain()
                    .after(Phase::Present)
                    .before(Phase::Draw),
            );
    }
}

fn set_up(mut commands: Commands) {
    // Without multisampling: shapes and gradient meshes have soft edges of their own.
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

fn follow(
    render: Res<RenderState>,
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
    let (centre, height) = wanted(&render, fall.killer(), view.window, time.elapsed_secs());
    let cuts = followed.cuts_to(&render);
    let near = if cuts { 1.0 } else { eased_share(seconds.into()) as f32 };
    view.centre = view.centre.lerp(centre, near);
    view.scale += (height / view.window.y - view.scale) * near;
    if let Some(position) = anchor(&render) {
        view.centre = view.centre.clamp(position - WIDE_LAG, position + WIDE_LAG);
        view.scale = view.scale.min(height / view.window.y);
    }
    painter.look_at(view.centre, view.half() + SHAKE_UNITS);
    let shaken = if settings.shake { shake.advance(seconds) } else { Vec2::ZERO };
    for (mut transform, mut projection) in &mut camera {
        transform.translation = (view.centre + shaken).extend(transform.translation.z);
        if let Projection::Orthographic(OrthographicProjection { scale, .. }) = &mut *projection {
            *scale = view.scale;
        }
    }
}

/// The world and the disc that the camera followed in the last frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Followed {
    generation: u32,
    followed: Option<(Slot, Vec2)>,
}

impl Followed {
    /// Whether the camera cuts to the new state instead of moving there.
    fn cuts_to(&mut self, render: &RenderState) -> bool {
        let followed = render.followed.and_then(|slot| render.scene.as_ref()?.disc(slot));
        let now = Self {
            generation: render.generation,
            followed: followed.map(|disc| (disc.slot, disc.position)),
        };
        let before = core::mem::replace(self, now);
        let jumped = match (before.followed, now.followed) {
            (Some((old, from)), Some((new, to))) => old == new && from.distance(to) > CUT_UNITS,
            _ => false,
        };
        before.generation != now.generation || jumped
    }
}

/// The position that the camera must keep near to, because the client knows only what is near it.
fn anchor(render: &RenderState) -> Option<Vec2> {
    let scene = render.scene.as_ref().filter(|scene| scene.is_partial)?;
    Some(scene.disc(render.followed?)?.position)
}

/// Darkens the backdrop of the menu, most at the left behind the panels.
fn veil(
    render: Res<RenderState>,
    view: Res<View>,
    mut painter: ResMut<Painter>,
    mut is_shown: Local<bool>,
) {
    if render.is_backdrop {
        let half = view.window * view.scale / 2.0 + Vec2::splat(40.0);
        let mut sheet = GradientMesh::default();
        let left = view.centre.x - half.x;
        let reach = half.x * 1.25;
        sheet.grid(view.centre, half, (12, 1), |position| {
            let along = ((position.x - left) / reach).clamp(0.0, 1.0);
            let alpha = 0.93 - 0.80 * along;
            LinearRgba::from(palette::VOID_OUTER).with_alpha(alpha)
        });
        painter.veil(sheet);
    } else if *is_shown {
        painter.veil(GradientMesh::default());
    }
    *is_shown = render.is_backdrop;
}

/// The centre and the height that the picture should have.
fn wanted(render: &RenderState, killer: Option<Slot>, window: Vec2, time: f32) -> (Vec2, f32) {
    let Some(scene) = &render.scene else { return (Vec2::ZERO, HEIGHT_PLAYING) };
    let whole = (2.0 * scene.radius * ROOM).max(HEIGHT_LEAST);
    // The whole platform must fit into a narrow window as well.
    let whole = whole.max(whole * window.y / window.x);
    if render.is_backdrop {
        // Beside the menu, swaying a little.
        let sway = Vec2::new((time * 0.11).sin(), (time * 0.07).cos()) * 14.0;
        let height = whole * 0.82;
        let aside = height / window.y * window.x * 0.13;
        return (sway - Vec2::new(aside, 0.0), height);
    }
    let is_wide = scene.is_wide();
    let killer = killer.filter(|_| !is_wide);
    if let Some(killer) = killer.and_then(|slot| scene.disc(slot)) {
        return (killer.position * FOLLOW_KILLER, HEIGHT_KILLER.min(whole));
    }
    let covered = |height: f32| Vec2::new(0.0, height * render.covered / 2.0);
    let followed = render.followed.and_then(|slot| scene.disc(slot));
    match followed {
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
            let height = whole / (1.0 - render.covered);
            (Vec2::new(0.0, -scene.radius * 0.02) - covered(height), height)
        }
    }
}

#[cfg(test)]
mod tests {
    use bevy::math::Vec2;
    use shared::sim::fixed::units;
    use shared::sim::{Command, Mode, Slot, World, fixed};
    use shared::snapshot::crowd::{INTEREST_ENTER, INTEREST_LEAVE};

    use super::{Followed, RenderState, View, WIDE_LAG, anchor, wanted};
    use crate::world_to_scene::{SceneWorld, scene_from_world};

    const ME: Slot = Slot(700);

    /// A crowd as one player receives it, whose disc stands here.
    fn crowd(at: fixed::Vec2) -> RenderState {
        let mut world = World::new(Mode::Crowd, 0, 3_600);
        world.step(&[Command::Join { slot: ME, team: 0 }]);
        world.discs[0].position = at;
        world.discs[0].stance = shared::sim::Stance::Standing;
        let scene = SceneWorld::interpolate(&world, &world, 1.0);
        RenderState {
            scene: Some(scene),
            own: Some(ME),
            followed: Some(ME),
            ..RenderState::default()
        }
    }

    #[test]
    fn a_place_is_found_again_under_its_pixel() {
        let view = View {
            centre: Vec2::new(40.0, -9.0),
            scale: 1.3,
            window: Vec2::new(800.0, 600.0),
            is_plain: true,
        };
        let position = Vec2::new(-120.0, 77.0);

        let again = view.position_at(view.pixel_of(position));

        assert!(again.distance(position) < 0.01);
        assert!(view.pixel_of(position).y < view.pixel_of(Vec2::ZERO).y);
    }

    #[test]
    fn a_player_of_a_crowd_never_sees_farther_than_the_server_sends() {
        let at = fixed::Vec2::new(units(-2_000), units(900));
        let render = crowd(at);
        let (sent, kept) =
            (scene_from_world(INTEREST_ENTER).abs(), scene_from_world(INTEREST_LEAVE).abs());

        for window in [(1280, 720), (960, 540), (2560, 1080), (1024, 768), (400, 900)] {
            let window = Vec2::new(window.0 as f32, window.1 as f32);
            let (centre, height) = wanted(&render, Some(Slot(3)), window, 0.0);
            let half = Vec2::new(height * window.x / window.y, height) / 2.0;

            assert_eq!(centre, scene_from_world(at), "{window}");
            assert!(half.cmple(sent).all(), "{window}: {half}");
            assert!((half + WIDE_LAG).cmple(kept).all(), "{window}: {half}");
            assert!(half.x > 700.0 || half.y > 390.0, "{window}: {half}");
        }
        assert_eq!(anchor(&render), Some(scene_from_world(at)));
    }

    #[test]
    fn the_camera_cuts_to_a_disc_that_comes_back_elsewhere() {
        let mut followed = Followed::default();
        let here = crowd(fixed::Vec2::new(units(3_000), 0));
        followed.cuts_to(&here);

        let near = followed.cuts_to(&crowd(fixed::Vec2::new(units(2_980), units(9))));
        let far = followed.cuts_to(&crowd(fixed::Vec2::new(units(-400), units(50))));

        assert!((near, far) == (false, true));
    }

    #[test]
    fn a_spectator_of_a_crowd_sees_all_of_it_or_follows_a_disc() {
        let mut render = crowd(fixed::Vec2::new(units(2_000), 0));
        (render.own, render.followed) = (None, None);
        let window = Vec2::new(1280.0, 720.0);

        let (centre, height) = wanted(&render, None, window, 0.0);
        render.followed = Some(ME);
        let (followed, near) = wanted(&render, None, window, 0.0);

        assert!(centre.length() < 100.0 && height > 6_400.0);
        assert_eq!((followed, near), (Vec2::new(2_000.0, 0.0), 800.0));
    }
}
