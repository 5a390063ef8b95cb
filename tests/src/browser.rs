//! Chromium without a window, driven through chromedriver, with a fresh profile for each story.

mod lobby;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Program;
use crate::site::http_client;
use crate::wait::{DEADLINE, eventually, within, within_time};

/// The deadline for a condition in a page. WebAssembly starts slowly on a busy machine.
pub const PAGE_DEADLINE: Duration = Duration::from_secs(60);

const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1280,900",
];

/// A browser, with one tab at first.
pub struct Browser {
    client: Client,
    driver_address: SocketAddr,
    session: String,
    _driver: Program,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Panics
    /// When chromedriver or chromium is not installed.
    pub async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// Starts a browser that keeps no cookies and nothing else of a site.
    ///
    /// # Panics
    /// When chromedriver or chromium is not installed.
    pub async fn start_without_cookies() -> Self {
        Self::start_with(json!({ "profile.default_content_setting_values.cookies": 2 })).await
    }

    async fn start_with(preferences: Value) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = Program::start("chromedriver", &mut command);
        let port: u16 = driver.announced(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        let driver_address = SocketAddr::from(([127, 0, 0, 1], port));

        let mut arguments = vec![format!("--user-data-dir={}", profile.path().display())];
        arguments.extend(ARGUMENTS.map(str::to_owned));
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(wanted) = wanted else { unreachable!("an object was written") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted);
        let url = format!("http://{driver_address}");
        let client = within("the browser", builder.connect(&url)).await.expect("chromium starts");
        let session = client.session_id().await.expect("a session").expect("a session has an id");
        Self { client, driver_address, session, _driver: driver, _profile: profile }
    }

    /// Opens an address.
    ///
    /// # Panics
    /// When the page cannot be loaded.
    pub async fn open(&self, url: &str) {
        self.open_within(DEADLINE, url).await;
    }

    /// Opens an address that may take this long to load.
    ///
    /// # Panics
    /// When the page cannot be loaded.
    pub async fn open_within(&self, deadline: Duration, url: &str) {
        let loading = within_time(deadline, "the page", self.client.goto(url));
        loading.await.expect("the page loads");
    }

    /// Opens an address in a new tab and makes that the current one.
    ///
    /// # Panics
    /// When the tab cannot be opened.
    pub async fn open_tab(&self, url: &str) {
        let tab = within("a tab", self.client.new_window(true)).await.expect("a tab");
        let chosen = within("the tab", self.client.switch_to_window(tab.handle)).await;
        chosen.expect("the tab can be chosen");
        self.open(url).await;
    }

    /// Makes another tab the current one, in the order in which they were opened.
    ///
    /// # Panics
    /// When there is no such tab.
    pub async fn choose_tab(&self, place: usize) {
        let tabs = within("the tabs", self.client.windows()).await.expect("the tabs");
        let tab = tabs.into_iter().nth(place).expect("as many tabs");
        let chosen = within("the tab", self.client.switch_to_window(tab)).await;
        chosen.expect("the tab can be chosen");
    }

    /// Opens an address in a new window, which is seen beside the others, and makes that the current one.
    ///
    /// # Panics
    /// When the window cannot be opened.
    pub async fn open_window(&self, url: &str) {
        let window = within("a window", self.client.new_window(false)).await.expect("a window");
        let chosen = within("the window", self.client.switch_to_window(window.handle)).await;
        chosen.expect("the window can be chosen");
        self.open(url).await;
    }

    /// Closes the current window. Another one has to be chosen next.
    ///
    /// # Panics
    /// When it cannot be closed.
    pub async fn close_window(&self) {
        within("the end of a window", self.client.close_window()).await.expect("it closes");
    }

    /// Runs a script in every page that is opened from now on, before the page's own.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn before_pages(&self, script: &str) {
        self.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// The text of the first element that matches `css`, once there is one.
    pub async fn text(&self, css: &str) -> String {
        self.text_where(css, |_| true).await
    }

    /// The first text of a matching element for which `wanted` is true, once there is one.
    pub async fn text_where(&self, css: &str, wanted: impl Fn(&str) -> bool) -> String {
        let what = format!("{css} with the wanted text");
        self.look(&what, async || {
            let elements = self.client.find_all(Locator::Css(css)).await.ok()?;
            for element in elements {
                // An element may vanish between the two requests.
                let text = element.text().await.unwrap_or_default();
                if wanted(&text) {
                    return Some(text);
                }
            }
            None
        })
        .await
    }

    /// An attribute of the first element that matches, once `wanted` is true for it.
    pub async fn attribute_where(
        &self,
        css: &str,
        name: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> String {
        let what = format!("{css} with the wanted {name}");
        self.look(&what, async || {
            let element = self.client.find(Locator::Css(css)).await.ok()?;
            element.attr(name).await.ok()?.filter(|value| wanted(value))
        })
        .await
    }

    /// A number in an attribute, once `wanted` is true for it.
    pub async fn number_where(&self, css: &str, name: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        let is_wanted = |text: &str| text.parse().is_ok_and(&wanted);
        let text = self.attribute_where(css, name, is_wanted).await;
        text.parse().unwrap_or(f64::NAN)
    }

    /// The number of elements that match now.
    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.map_or(0, |found| found.len())
    }

    /// Clicks the first element that matches, once there is one that can be clicked.
    pub async fn click(&self, css: &str) {
        let what = format!("{css} to click");
        self.look(&what, async || {
            let element = self.client.find(Locator::Css(css)).await.ok()?;
            element.click().await.ok()
        })
        .await;
    }

    /// Brings the first element that matches into view, once there is one.
    pub async fn scroll_to(&self, css: &str) {
        let script = "const found = document.querySelector(arguments[0]); found?.scrollIntoView(); return !!found;";
        let what = format!("{css} to scroll to");
        self.look(&what, async || {
            let found = self.client.execute(script, vec![css.into()]).await.ok()?;
            (found == Value::Bool(true)).then_some(())
        })
        .await;
    }

    /// Types into the first element that matches. The text replaces the element's value.
    pub async fn type_into(&self, css: &str, text: &str) {
        let what = format!("{css} to type into");
        self.look(&what, async || {
            let element = self.client.find(Locator::Css(css)).await.ok()?;
            element.clear().await.ok()?;
            element.send_keys(text).await.ok()
        })
        .await;
    }

    /// The value of an expression in the page.
    ///
    /// # Panics
    /// When it throws.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        let value = within("the page's answer", self.client.execute(&script, Vec::new())).await;
        value.expect("the expression has a value")
    }

    /// Calls `look` until it returns a value. The failure quotes the page's text.
    async fn look<T>(&self, what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
        let seen = eventually(PAGE_DEADLINE, what, look);
        let shown = async {
            tokio::time::sleep(PAGE_DEADLINE.saturating_sub(Duration::from_secs(2))).await;
            self.client.execute("return document.body.innerText;", Vec::new()).await
        };
        tokio::select! {
            biased;
            seen = seen => seen,
            shown = shown => panic!("{what} did not come; the page says {shown:?}"),
        }
    }

    /// Makes the page's area exactly this many pixels large, even smaller than a window can be, and hides its scrollbars.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn resize(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", size).await;
        self.command("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
    }

    /// Lets the pages of a site show notifications, as a visitor does who was asked.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn allow_notifications(&self, origin: &str) {
        let granted = json!({ "origin": origin, "permissions": ["notifications"] });
        self.command("Browser.grantPermissions", granted).await;
    }

    /// Hides the current window, as a visitor does who minimises it.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn minimise(&self) {
        within("a hidden window", self.client.minimize_window()).await.expect("it hides");
    }

    /// Shows the current window again.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn restore(&self) {
        within("a window", self.client.maximize_window()).await.expect("it shows");
    }

    /// Waits for a title. Returns it.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn title_where(&self, wanted: impl Fn(&str) -> bool) -> String {
        eventually(DEADLINE, "the title", async || {
            let title = self.evaluate("document.title").await;
            title.as_str().filter(|title| wanted(title)).map(str::to_owned)
        })
        .await
    }

    /// Writes a picture of the page as PNG.
    ///
    /// # Panics
    /// When the picture cannot be taken or written.
    pub async fn photograph(&self, path: &std::path::Path) {
        let picture = within("a picture", self.client.screenshot()).await.expect("a picture");
        std::fs::write(path, picture).expect("a picture can be written");
    }

    /// Sends a command of the Chrome DevTools Protocol, through chromedriver's own extension of WebDriver.
    async fn command(&self, name: &str, parameters: Value) {
        let url =
            format!("http://{}/session/{}/goog/cdp/execute", self.driver_address, self.session);
        let http = http_client().build().expect("an HTTP client");
        let request = http.post(url).json(&json!({ "cmd": name, "params": parameters })).send();
        let answer = within(name, request).await.expect("chromedriver answers");
        assert!(answer.status().is_success(), "chromedriver refused {name}: {}", answer.status());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium outlives a driver that is killed, so it is asked to end first.
        let Ok(mut driver) = TcpStream::connect_timeout(&self.driver_address, DEADLINE) else {
            return;
        };
        driver.set_read_timeout(Some(Duration::from_secs(10))).ok();
        let request = format!(
            "DELETE /session/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.session, self.driver_address
        );
        driver.write_all(request.as_bytes()).ok();
        // The answer comes when the browser has ended. Its content does not matter.
        driver.read_exact(&mut [0; 1]).ok();
    }
}
