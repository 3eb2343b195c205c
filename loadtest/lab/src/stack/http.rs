//! The one way the lab speaks HTTP to what it has brought up.

use reqwest::Client;

/// A client that goes to loopback and to containers directly, whatever `http_proxy` says: a proxy that
/// is asked for 127.0.0.1 looks on its own machine.
#[must_use]
pub fn client() -> Client {
    // Building fails only where TLS or a resolver cannot be had; neither is needed here.
    Client::builder().no_proxy().build().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use std::process::Command;
    use tokio::net::TcpListener;

    /// The variables of this process cannot be changed under other tests: it asks itself, anew.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn loopback_never_goes_through_a_proxy() {
        if let Ok(url) = std::env::var("LAB_TEST_URL") {
            let answer = super::client().get(url).send().await.unwrap();
            assert_eq!(answer.text().await.unwrap(), "here");
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(async || "here"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        // Nobody listens on port 9: through this proxy nothing arrives.
        let nowhere = "http://127.0.0.1:9";
        let test = "stack::http::tests::loopback_never_goes_through_a_proxy";
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args([test, "--exact"]).env("LAB_TEST_URL", url);
        for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            again.env(variable, nowhere);
        }
        let output = tokio::task::spawn_blocking(move || again.output());
        let output = output.await.unwrap().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && told.contains("1 passed"),
            "{told}"
        );
    }
}
