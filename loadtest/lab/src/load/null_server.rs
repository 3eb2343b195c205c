//! A server that does nothing but answer: what the generator and the floor of a run are held against.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

/// A signup's answer, of the length and form of a real one.
const ANSWER: &str = concat!(
    r#"{"receipt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","#,
    r#""event":"00000000-0000-7000-8000-000000000001","status":"recorded","#,
    r#""signed_up_at":"2026-01-01T00:00:00.000000Z"}"#
);
const JSON: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
/// Answers every signup 201 with one and the same receipt, and every GET 200, until it is stopped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let router = Router::new()
        .route(
            "/v1/events/{event}/signups",
            // The body is read whole, as a service must.
            post(async move |_body: Bytes| (StatusCode::CREATED, JSON, ANSWER).into_response()),
        )
        .fallback(async move || (JSON, ANSWER).into_response());
    let listener = listener.tap_io(|stream| {
        // Otherwise the answer to a request in two packets waits for an acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}
