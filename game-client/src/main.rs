//! Reads the command line and runs the client until its window closes.

use bevy::app::AppExit;
use clap::Parser as _;
use game_client::args::Args;

fn main() -> AppExit {
    game_client::start::app(Args::parse()).run()
}
