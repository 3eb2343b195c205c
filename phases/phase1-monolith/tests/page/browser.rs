//! Headless Chromium. It is driven by the `chromedriver` of the distribution, which is of the same version.

use serde_json::{Value, json};
use std::process::Stdio;
use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How Chromium is started.
const ARGUMENTS: [&str; 4] = [
    "--headless",
    // It sees the pages of this test only, and its sandbox needs what root and containers lack.
    "--no-sandbox",
    // Containers have 64 MB there.
    "--disable-dev-shm-usage",
    // No animation of a scroll or a caret to wait for.
    "--force-prefers-reduced-motion",
];

/// A browser with one window and a profile of its own.
pub(crate) struct Browser {
    // Before the process through which it ends the browser.
    pub(crate) driver: WebDriver,
    _chromedriver: Child,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let mut command = Command::new("chromedriver");
        let command = command.arg("--port=0").stdout(Stdio::piped());
        let mut chromedriver = command.kill_on_drop(true).spawn().unwrap_or_else(|error| {
            panic!("chromedriver does not start: {error}. `make page` gets it, or says how.")
        });
        let mut lines = BufReader::new(chromedriver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("chromedriver ended before it listened"));
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // It writes on, and would stop at a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).unwrap();
        }
        wanted
            .set_browser_log_level(LoggingPrefsLogLevel::All)
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        Self {
            driver: WebDriver::new(url, wanted).await.unwrap(),
            _chromedriver: chromedriver,
        }
    }

    /// A command of the DevTools protocol, for what WebDriver has no command.
    pub(crate) async fn command(&self, method: &str, parameters: Value) {
        self.driver
            .cdp()
            .send_raw(method, parameters)
            .await
            .unwrap();
    }

    /// Gives the window this width, in CSS pixels.
    pub(crate) async fn resize(&self, width: u32) {
        let size =
            json!({"width": width, "height": 1_000, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    /// What a script returns, of which all pages know nothing.
    pub(crate) async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        let returned = self.driver.execute(script, arguments).await.unwrap();
        returned.json().clone()
    }

    /// What the console says since it was asked last: errors of scripts, and what the policy stopped. That a
    /// request failed is no error of the page, which must be able to live with it.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap().into_iter();
        entries
            .filter(|entry| entry.source.as_deref() != Some("network"))
            .map(|entry| entry.message)
            .collect()
    }
}
