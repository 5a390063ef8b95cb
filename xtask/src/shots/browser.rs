//! Chromium without a window, driven through chromedriver (W3C WebDriver, and Chromium's own
//! commands for exact sizes).

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http;
use crate::process::Process;

/// Pages show live data: this is how long they get to fetch it and to draw.
const SETTLE: Duration = Duration::from_secs(4);

/// A browser that ends when this value is dropped.
#[derive(Debug)]
pub(super) struct Browser {
    address: String,
    session: String,
    _driver: Process,
    /// The browser's profile: gone after the browser.
    _profile: TempDir,
}

impl Browser {
    /// Starts chromedriver on a free port, and Chromium with an empty profile.
    pub(super) fn start() -> Result<Self> {
        let profile = tempfile::tempdir().context("making a browser profile")?;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = Process::spawn("chromedriver", &mut command)?;
        let stdout = driver.child().stdout.take().context("chromedriver's output")?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let port = lines.find_map(|line| announced_port(&line));
        let address = format!("127.0.0.1:{}", port.context("chromedriver did not start")?);
        // What it says later is read and forgotten, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));

        let profile_argument = format!("--user-data-dir={}", profile.path().display());
        let mut arguments = vec![profile_argument.as_str()];
        arguments.extend([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--disable-sync",
            "--hide-scrollbars",
            "--no-first-run",
        ]);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
        }}});
        let answer = post(&address, "/session", &wanted)?;
        let session = answer["sessionId"].as_str().context("a session without an id")?.to_owned();
        Ok(Self { address, session, _driver: driver, _profile: profile })
    }

    /// Makes the page's area exactly this large, also below a window's smallest width.
    pub(super) fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        self.chromium("Emulation.setDeviceMetricsOverride", &size).map(drop)
    }

    /// Opens a page and returns its picture as PNG.
    pub(super) fn photograph(&self, url: &str) -> Result<Vec<u8>> {
        post(&self.address, &format!("/session/{}/url", self.session), &json!({ "url": url }))?;
        thread::sleep(SETTLE);
        let answer = self.chromium("Page.captureScreenshot", &json!({ "format": "png" }))?;
        let picture = answer["data"].as_str().context("a screenshot without data")?;
        STANDARD.decode(picture).context("a screenshot's base64")
    }

    fn chromium(&self, command: &str, parameters: &Value) -> Result<Value> {
        let path = format!("/session/{}/goog/cdp/execute", self.session);
        post(&self.address, &path, &json!({ "cmd": command, "params": parameters }))
    }
}

fn post(address: &str, path: &str, body: &Value) -> Result<Value> {
    let answer = http::post(address, path, body)?;
    let mut value = answer.json()?;
    ensure!(
        answer.status == 200,
        "chromedriver refused {path}: {}",
        value["value"]["message"].as_str().unwrap_or("no reason given")
    );
    Ok(value["value"].take())
}

/// `ChromeDriver was started successfully on port 41234.` → 41234
fn announced_port(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_what_chromedriver_says() {
        let line = "ChromeDriver was started successfully on port 41234.";

        assert_eq!(announced_port(line), Some(41234));
        assert_eq!(announced_port("Starting ChromeDriver 156.0 on port 0"), None);
    }
}
