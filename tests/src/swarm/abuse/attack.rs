//! The program of the attackers, as the measurement sees it.
//!
//! It has the lowest priority on the core of the load: what the attackers' machines have to do is not what healthy clients
//! feel.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::attackers::{GUESTS, Tally};
use crate::site::Site;

/// Guests who take longer than this to reach every limit are not waited for.
const LIMITS_WITHIN: Duration = Duration::from_secs(90);

/// The attackers at work. They end when this is dropped.
pub(super) struct Attack {
    tally: watch::Receiver<Tally>,
    reading: JoinHandle<()>,
    _program: Child,
}

impl Attack {
    /// Starts the program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(site: &Site) -> Result<Self> {
        let own = std::env::current_exe().context("the path of this program")?;
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(own).arg("attack").arg(site.address().to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut program = command.spawn().context("the attackers' program")?;
        let output = program.stdout.take().context("its output is a pipe")?;
        let (told, tally) = watch::channel(Tally::default());
        let reading = tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Ok(tally) = serde_json::from_str(&line) {
                    told.send_replace(tally);
                }
            }
        });
        Ok(Self { tally, reading, _program: program })
    }

    /// Waits until every guest is at every limit. Returns how many are.
    pub(super) async fn at_limits(&mut self) -> u64 {
        let all = self.tally.wait_for(|tally| tally.at_limits >= GUESTS as u64);
        // In vain: the report says how many there were.
        timeout(LIMITS_WITHIN, all).await.ok();
        self.tally.borrow().at_limits
    }

    /// How they fare.
    pub(super) fn tally(&self) -> Tally {
        *self.tally.borrow()
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
