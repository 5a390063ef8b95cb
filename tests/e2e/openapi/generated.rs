//! A client that a generator makes from the description works, and the description has nothing that breaks generators.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tests::TestServer;
use tests::wait::within_time;
use tokio::process::Command;

/// The generator, at the version that this story was written with.
const GENERATOR: &str = "openapi-python-client==0.29.1";
/// What the generator is told: the match stream is bytes.
const SETTINGS: &str =
    "content_type_overrides:\n  application/vnd.pushback.replay: application/octet-stream\n";
/// Fetching the generator, generating and running the client.
const WITHIN: Duration = Duration::from_secs(240);

/// What the generated client does. The server's address is its argument.
const SCRIPT: &str = r#"
import sys
from pushback_client import AuthenticatedClient, Client
from pushback_client.api.session import begin_session, read_session, end_session
from pushback_client.api.rooms import create_room, list_rooms, read_room
from pushback_client.api.feeds import read_feed
from pushback_client.api.matchmaking import ask_match, cancel_match
from pushback_client.models import (
    CreateRoom, MatchRequest, Mode, ReadFeedName, RoomDetails, RoomList, Session, SessionRequestType0,
)

address = sys.argv[1]
begun = begin_session.sync(client=Client(base_url=address), body=SessionRequestType0(name="Zoë", token=True))
assert isinstance(begun, Session), begun
client = AuthenticatedClient(base_url=address, token=begun.token)
me = read_session.sync(client=client)
assert (me.player, me.name) == (begun.player, "Zoë"), me
room = create_room.sync(client=client, body=CreateRoom(mode=Mode.DUEL, private=False))
assert isinstance(room, RoomDetails) and room.leader is None, room
listed = list_rooms.sync(client=client)
assert isinstance(listed, RoomList) and room.id in [one.id for one in listed.rooms], listed
assert read_room.sync(room.id, client=client).id == room.id
assert read_room.sync("AAAAAA", client=client).type_ == "/problems/not-found"
page = read_feed.sync(ReadFeedName.ROOMS, client=client)
assert room.id in [one.id for one in page.snapshot.rooms], page
ticket = ask_match.sync(client=client, body=MatchRequest(mode=Mode.BRAWL))
assert ticket.state.is_ == "waiting", ticket
assert cancel_match.sync_detailed(ticket.ticket, client=client).status_code == 204
assert end_session.sync_detailed(client=client).status_code == 204
assert read_session.sync(client=client).type_ == "/problems/sign-in"
print("the generated client works")
"#;

/// Runs a program to its end.
async fn run(program: &Path, arguments: &[&str], folder: &Path) -> Result<String, String> {
    let mut command = Command::new(program);
    // Beside it is the formatter that it calls.
    if let Some(programs) = program.parent().filter(|programs| programs.is_absolute()) {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", programs.display()));
    }
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{}{}", text(&output.stdout), text(&output.stderr))),
    }
}

/// The programs of a virtual environment with the generator. It is kept for the next run. `None` where there is no Python,
/// or the generator cannot be fetched.
async fn generator() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(GENERATOR);
    let programs = folder.join("bin");
    if programs.join("openapi-python-client").exists() {
        return Some(programs);
    }
    let here = Path::new(".");
    let made = run(Path::new("python3"), &["-m", "venv", folder.to_str()?], here).await;
    let fetched = match made {
        Ok(_) => run(&programs.join("pip"), &["install", "--quiet", GENERATOR], here).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &fetched {
        #[expect(clippy::print_stderr, reason = "says what was not tried")]
        {
            eprintln!(
                "the generator {GENERATOR} cannot be had, so no client is generated: {error}"
            );
        }
    }
    fetched.ok().map(|_| programs)
}

#[tokio::test]
async fn a_python_client_generated_from_the_description_works() {
    let server =
        TestServer::start_with(|config| config.bots_fill_after = Duration::from_secs(600)).await;
    let work = async {
        let Some(programs) = generator().await else { return };
        let folder = tempfile::tempdir().unwrap();
        let description = server.get("/api/openapi.json").await.body;
        let files = [
            ("openapi.json", &*description),
            ("settings.yml", SETTINGS.as_bytes()),
            ("play.py", SCRIPT.as_bytes()),
        ];
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }

        let package = folder.path().join("pushback_client");
        let arguments = [
            "generate",
            "--path=openapi.json",
            "--config=settings.yml",
            "--meta=none",
            "--fail-on-warning",
            &format!("--output-path={}", package.display()),
        ];
        let generator = programs.join("openapi-python-client");
        run(&generator, &arguments, folder.path()).await.unwrap();
        let script = ["play.py", &server.url("")];
        let said = run(&programs.join("python"), &script, folder.path()).await.unwrap();

        assert!(said.contains("the generated client works"), "{said}");
    };
    within_time(WITHIN, "the generated client", work).await;
}

/// Every member of a description, with its name.
fn members<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a Value)>) {
    match value {
        Value::Object(object) => {
            for (name, member) in object {
                found.push((name, member));
                members(member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_description_has_nothing_that_breaks_generators() {
    let server = TestServer::start().await;
    let api: Value = server.get("/api/openapi.json").await.json();
    assert_eq!(api["openapi"], "3.1.0", "the newest version that generators read");
    let mut found = Vec::new();
    members(&api, &mut found);
    let named = |wanted: &'static str| {
        found.iter().filter(move |(name, _)| *name == wanted).map(|(_, member)| *member)
    };

    assert!(named("pattern").count() > 5);
    for pattern in named("pattern").filter_map(Value::as_str) {
        // Classes of Unicode are not in every dialect of regular expressions.
        assert!(!pattern.contains("\\p"), "{pattern}");
    }
    assert_eq!(named("items").filter(|items| items.is_boolean()).count(), 0);
    assert_eq!(named("itemSchema").count(), 0);
    assert!(named("oneOf").count() > 3);
    for branches in named("oneOf").filter_map(Value::as_array) {
        let is_null = |branch: &&Value| branch["type"] == "null";
        let others: Vec<_> = branches.iter().filter(|branch| !is_null(branch)).collect();
        let is_tagged = |branch: &Value| {
            let named = branch["$ref"].as_str().and_then(|path| api.pointer(&path[1..]));
            named.unwrap_or(branch).to_string().contains("\"enum\":[\"")
        };
        assert!(others.len() < 2 || others.iter().all(|branch| is_tagged(branch)), "{branches:?}");
    }
}
