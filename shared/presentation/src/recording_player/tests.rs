//! Tests of the recording player: it plays while the recording arrives, and seeks both ways.

use super::{Extent, PlaybackCommand, PlaybackState, RecordingPlayer, SPEEDS};

fn arriving(last: u32) -> Extent {
    Extent { last, expected: 10_800, may_grow: true, ..Extent::default() }
}

fn complete(last: u32) -> Extent {
    Extent { last, expected: 10_800, may_grow: false, ..Extent::default() }
}

fn with_all_of(ticks: u32) -> RecordingPlayer {
    let mut player = RecordingPlayer::default();
    player.set_extent(complete(ticks));
    player
}

#[test]
fn it_plays_while_the_recording_arrives() {
    let mut player = RecordingPlayer::default();

    player.set_extent(arriving(30));
    assert_eq!(player.state(), PlaybackState::Buffering);
    player.set_extent(arriving(60));
    assert_eq!((player.state(), player.total()), (PlaybackState::Playing, 10_800));

    for _ in 0..8 {
        player.advance(0.2);
    }
    assert_eq!((player.state(), player.at()), (PlaybackState::Buffering, 60.0));
    player.set_extent(arriving(119));
    assert_eq!(player.state(), PlaybackState::Buffering);
    player.set_extent(arriving(120));
    assert_eq!(player.state(), PlaybackState::Playing);
}

#[test]
fn a_recording_that_was_cut_off_ends_there() {
    let mut player = RecordingPlayer::default();
    player.set_extent(arriving(90));
    player.set_extent(complete(90));

    for _ in 0..8 {
        player.advance(0.25);
    }

    assert_eq!((player.state(), player.total(), player.at()), (PlaybackState::Ended, 90, 90.0));
    player.apply(PlaybackCommand::TogglePlay);
    assert_eq!((player.state(), player.at()), (PlaybackState::Playing, 0.0));
}

#[test]
fn a_shared_moment_is_played_once_it_has_arrived() {
    let mut player = RecordingPlayer::starting_at(600.0);

    player.set_extent(arriving(400));
    assert_eq!((player.state(), player.at()), (PlaybackState::Buffering, 0.0));

    player.set_extent(arriving(700));
    assert_eq!((player.state(), player.at()), (PlaybackState::Playing, 600.0));
}

#[test]
fn a_command_that_comes_before_its_moment_is_kept() {
    let nine_tenths = PlaybackCommand::SeekToShare { share: 0.9 };
    let mut player = RecordingPlayer::default();

    // Nothing has arrived, not even the length.
    player.apply(nine_tenths);
    player.set_extent(arriving(600));
    assert_eq!((player.state(), player.at()), (PlaybackState::Buffering, 0.0));
    player.set_extent(arriving(9_800));
    assert_eq!((player.state(), player.at()), (PlaybackState::Playing, 9_720.0));

    // Back at once, and ahead again of what has arrived.
    player.seek(60.0);
    assert_eq!(player.at(), 60.0);
    player.apply(PlaybackCommand::SeekToShare { share: 1.0 });
    player.set_extent(complete(10_000));
    assert_eq!((player.state(), player.at()), (PlaybackState::Ended, 10_000.0));
}

#[test]
fn commands_move_the_playhead_both_ways() {
    let mut player = with_all_of(6_000);
    let mut after = |command| {
        player.apply(command);
        (player.at(), player.state())
    };

    assert_eq!(after(PlaybackCommand::SeekToShare { share: 0.5 }).0, 3_000.0);
    assert_eq!(after(PlaybackCommand::Skip { seconds: 5.0 }).0, 3_300.0);
    assert_eq!(after(PlaybackCommand::Skip { seconds: -5.0 }).0, 3_000.0);
    let step = |count| PlaybackCommand::StepSnapshots { count };
    assert_eq!(after(step(1.0)), (3_002.0, PlaybackState::Paused));
    assert_eq!(after(step(-1.0)).0, 3_000.0);
    assert_eq!(after(PlaybackCommand::TogglePlay).1, PlaybackState::Playing);
    let end = PlaybackCommand::SeekToShare { share: 1.0 };
    assert_eq!(after(end), (6_000.0, PlaybackState::Ended));
    assert_eq!(after(PlaybackCommand::Skip { seconds: -1_000.0 }).0, 0.0);
}

#[test]
fn a_recording_that_begins_late_is_played_from_its_first_tick() {
    let mut player = RecordingPlayer::default();

    player.set_extent(Extent { first: 1_200, ..complete(6_000) });
    assert_eq!(player.at(), 1_200.0);

    player.seek(0.0);
    assert_eq!(player.at(), 1_200.0);
}

#[test]
fn the_speed_scales_the_time_that_passes() {
    let mut player = with_all_of(60);
    player.apply(PlaybackCommand::SetSpeed { index: SPEEDS.len() - 1 });
    player.apply(PlaybackCommand::Faster);
    assert_eq!(player.speed().name, "8");

    let first = player.advance(0.1);
    let rest = player.advance(0.1);

    assert!((first - 0.8).abs() < 1e-9 && (rest - 0.2).abs() < 1e-9, "{first} {rest}");
    assert_eq!(player.at(), 60.0);
}
