//! The disk of the data directory is full: at the start, and later.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use shared::api::ProblemKind;
use shared::sim::Mode;
use tests::server::refused_start;
use tests::{ServerProcess, Site, eventually, wait};

/// Mounts a small disk at the data folder, in a mount namespace of the server's own.
const SMALL_DISK: &str = r#"mkdir -p "$DATA" && exec unshare --user --map-root-user --mount sh -c '
    mount -t tmpfs -o size=16m tmpfs "$DATA" && eval "$PREPARE" && exec "$0" "$@"' "$0" "$@""#;

fn small_disk(prepare: &str) -> String {
    format!("export PREPARE='{prepare}'\n{SMALL_DISK}")
}

/// Writes into the folder until nothing more fits.
fn fill(folder: &Path) {
    let mut filler = fs::File::create(folder.join("filler")).expect("a file");
    for bytes in [64 * 1024, 1024] {
        let block = vec![b'x'; bytes];
        while filler.write_all(&block).is_ok() {}
    }
}

async fn until_disk_is_full(site: &Site) {
    let refused = eventually(wait::DEADLINE, "a full disk", async || {
        let answer = site.get("/readyz").await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    let problem = refused.assert_refused(ProblemKind::Internal);
    assert!(problem.detail.contains("disk is full"), "{problem:?}");
}

#[tokio::test]
async fn a_server_does_not_start_on_a_full_disk_and_says_why() {
    let full = small_disk(r#"{ cat /dev/zero > "$DATA/filler" 2> /dev/null || true; }"#);

    let refused = refused_start(&full, &[]).await;

    assert_eq!(refused.code, Some(1), "{}", refused.log);
    assert!(refused.log.contains("is full"), "{}", refused.log);
}

#[tokio::test]
async fn play_goes_on_while_the_disk_is_full_and_no_result_is_lost() {
    let flags = ["--round-seconds=3", "--bots=false"];
    let mut server = ServerProcess::start_in(&small_disk(":"), Stdio::inherit(), &flags).await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.public_room(Mode::Duel).await;
    let (mut first, _second) = (ada.play(room).await, bob.play(room).await);
    first.until("a round of two", |view| view.is_playing()).await;

    fill(&server.data_as_it_sees());
    until_disk_is_full(&server).await;
    first.until("two summaries", |view| view.summaries.len() >= 2).await;

    let rounds = async || server.scoreboard().await.row_of("ada").map_or(0, |row| row.rounds);
    assert!(rounds().await >= 2);
    fs::remove_file(server.data_as_it_sees().join("filler")).unwrap();
    eventually(wait::DEADLINE, "readiness", async || server.is_ready().await.then_some(())).await;
    // The round that runs now may have begun without a recording; the next one has one.
    let before = first.view().summaries.len();
    let view = first.until("two more rounds", |view| view.summaries.len() >= before + 2).await;
    let newest = view.summaries.last().unwrap().replay;
    server.finished_replay(newest).await;
    // The results of all rounds are in the database.
    let kept = server.get(&format!("/api/players/{}", ada.id())).await;
    let kept: serde_json::Value = kept.json();
    assert!(kept["rounds"].as_u64().unwrap() >= 3, "{kept}");
    assert_eq!(server.metric("pushback_task_panics_total").await, 0.0);
    server.stop().await;
}
