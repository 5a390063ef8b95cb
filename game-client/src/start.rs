//! The start of the client: its plugins, its window, and the first intent from the command line.

use std::time::Duration;

use bevy::app::{ScheduleRunnerPlugin, Startup, TerminalCtrlCHandlerPlugin};
use bevy::prelude::{
    App, AppExit, Commands, DefaultPlugins, MessageWriter, MinimalPlugins, MonitorSelection,
    NextState, PluginGroup as _, Query, Res, ResMut, Resource, Update, Window, WindowPlugin, With,
    error,
};
use bevy::state::app::StatesPlugin;
use bevy::window::{PresentMode, PrimaryWindow, WindowResolution};
use shared::sim::{BotStrength, Mode};

use crate::args::Args;
use crate::audio::AudioPlugin;
use crate::autopilot::AutopilotPlugin;
use crate::backdrop::BackdropPlugin;
use crate::chat::ChatPlugin;
use crate::dev_tools::DevToolsPlugin;
use crate::frame::FramePlugin;
use crate::input::{Controls, InputPlugin};
use crate::lobby::{Intent, LobbyPlugin, Screen};
use crate::log;
use crate::net::NetPlugin;
use crate::pace::PacePlugin;
use crate::replay::{Recording, ReplayPlugin};
use crate::replay_list::ReplayListPlugin;
use crate::room::RoomPlugin;
use crate::scene::ScenePlugin;
use crate::screens::ScreensPlugin;
use crate::settings::{self, LoadedProfile, Settings, SettingsPlugin};
use crate::shots::ShotsPlugin;
use crate::ui::UiPlugin;

/// The name of the autopilot when there is no other.
const AUTOPILOT_NAME: &str = "Autopilot";
/// Frames a second without a window.
const HEADLESS_RATE_HZ: f64 = 120.0;

#[derive(Debug, Clone, Resource)]
struct LaunchArgs(Args);

/// The client with these arguments.
pub fn app(args: Args) -> App {
    let loaded = LoadedProfile::load(settings::path_of(&args.profile).as_deref());
    let mut settings = loaded.profile.settings.clone();
    let autopilot = args.autopilot.or(args.shots.is_some().then_some(BotStrength::Keen));
    if let Some(server) = args.server_named() {
        settings.visit(server);
    }
    if let Some(name) = &args.name {
        name.clone_into(&mut settings.name);
    } else if autopilot.is_some() && settings.name.is_empty() {
        AUTOPILOT_NAME.clone_into(&mut settings.name);
    }
    let plays_on = matches!(first_intent(&args), Some(Intent::QuickPlay(_)));
    let mut app = App::new();
    if args.headless {
        let pace = Duration::from_secs_f64(1.0 / HEADLESS_RATE_HZ);
        app.add_plugins(MinimalPlugins.set(ScheduleRunnerPlugin::run_loop(pace)))
            .add_plugins((StatesPlugin, log::plugin(), TerminalCtrlCHandlerPlugin))
            .init_resource::<Controls>();
    } else {
        let plugins = DefaultPlugins.set(window_plugin(&args, &settings)).set(log::plugin());
        app.add_plugins(plugins.build().disable::<bevy::audio::AudioPlugin>());
        log::without_alsas_complaints(|| {
            app.add_plugins(bevy::audio::AudioPlugin::default());
        });
        app.add_plugins(PacePlugin { is_scripted: autopilot.is_some() });
    }
    app.add_plugins((
        SettingsPlugin { loaded, settings },
        NetPlugin,
        FramePlugin,
        LobbyPlugin,
        RoomPlugin,
        ChatPlugin,
        AutopilotPlugin { strength: autopilot, plays_on },
        DevToolsPlugin {
            status_file: args.status_file.clone(),
            exit_after_round: args.exit_after_round,
        },
    ));
    if !args.headless {
        app.add_plugins((
            InputPlugin,
            BackdropPlugin,
            ReplayPlugin,
            ReplayListPlugin,
            ScenePlugin,
            UiPlugin,
            ScreensPlugin,
            AudioPlugin,
            ShotsPlugin { folder: args.shots.clone() },
        ))
        .add_systems(Update, set_window_mode);
    }
    app.insert_resource(LaunchArgs(args)).add_systems(Startup, apply_launch_args);
    app
}

fn window_plugin(args: &Args, settings: &Settings) -> WindowPlugin {
    let (width, height) = args.window.unwrap_or((1280, 720));
    let window = Window {
        title: "Pushback".to_owned(),
        name: Some("pushback".to_owned()),
        resolution: WindowResolution::new(width, height),
        present_mode: PresentMode::AutoVsync,
        mode: window_mode(settings),
        ..Window::default()
    };
    WindowPlugin { primary_window: Some(window), ..WindowPlugin::default() }
}

fn window_mode(settings: &Settings) -> bevy::window::WindowMode {
    match settings.window_mode {
        settings::WindowMode::Windowed => bevy::window::WindowMode::Windowed,
        settings::WindowMode::Fullscreen => {
            bevy::window::WindowMode::BorderlessFullscreen(MonitorSelection::Current)
        }
    }
}

fn set_window_mode(settings: Res<Settings>, mut windows: Query<&mut Window, With<PrimaryWindow>>) {
    let wanted = window_mode(&settings);
    for mut window in &mut windows {
        if window.mode != wanted {
            window.mode = wanted;
        }
    }
}

/// Opens the recording or writes the intent that the command line names.
fn apply_launch_args(
    launch: Res<LaunchArgs>,
    settings: Res<Settings>,
    mut intents: MessageWriter<Intent>,
    mut next: ResMut<NextState<Screen>>,
    mut exit: MessageWriter<AppExit>,
    mut commands: Commands,
) {
    let args = &launch.0;
    if let Some(path) = &args.replay {
        match Recording::open(path) {
            Ok(recording) => {
                commands.insert_resource(recording);
                next.set(Screen::Replay);
            }
            Err(error) => {
                error!("{error}");
                exit.write(AppExit::error());
            }
        }
        return;
    }
    if let Some(code) = args.device_link_code() {
        let then = Box::new(first_intent(args).unwrap_or(Intent::SignIn));
        intents.write(Intent::LinkDevice { code: code.clone(), then });
    } else if let Some(intent) = first_intent(args) {
        intents.write(intent);
    } else if !settings.name.is_empty() {
        intents.write(Intent::SignIn);
    }
}

/// The intent that the command line names, if it names one.
fn first_intent(args: &Args) -> Option<Intent> {
    if let Some(room) = args.room_to_join() {
        return Some(Intent::Join(room));
    }
    if let Some(room) = args.watch {
        return Some(Intent::Watch(room));
    }
    if let Some(strength) = args.practice {
        return Some(Intent::Practice(strength));
    }
    let plays = args.autopilot.is_some() && args.shots.is_none() && args.replay.is_none();
    plays.then_some(Intent::QuickPlay(Mode::Brawl))
}
