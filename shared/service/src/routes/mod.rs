//! The public routes over the port: written once for all phases.

pub(crate) mod api;
pub(crate) mod attendance;
pub(crate) mod events;
pub(crate) mod signups;

use crate::guard::{self, Guard};
use crate::paths::{ASSET, EVENT, EVENTS, FIRST_PAGE, OPENAPI, PAGE, RECEIPT, SIGNUPS};
use crate::problem::{Code, Problem};
use crate::{SignupStore, page};
use api::Api;
use axum::Router;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// The public port: every route of the contract, behind the guard.
pub(crate) fn router<S: SignupStore>(api: Api<S>, guard: Guard) -> Router {
    Router::new()
        .route(
            SIGNUPS,
            post(signups::sign_up::<S>).get(attendance::list::<S>),
        )
        .route(RECEIPT, get(signups::check_receipt::<S>))
        .route(EVENT, get(events::show::<S>))
        .route(EVENTS, post(events::create::<S>))
        .route(OPENAPI, get(openapi))
        .route(FIRST_PAGE, get(page::of_first_event::<S>))
        .route(PAGE, get(page::of_event::<S>))
        .route(ASSET, get(page::asset))
        .fallback(async || Problem::from(Code::NotFound))
        .method_not_allowed_fallback(async || Problem::from(Code::MethodNotAllowed))
        .with_state(Arc::new(api))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(middleware::from_fn_with_state(guard, guard::guard))
}

async fn openapi() -> impl IntoResponse {
    axum::Json(crate::openapi())
}
