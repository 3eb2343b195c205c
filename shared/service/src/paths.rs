//! The routes of the contract, as the router, the metrics and the OpenAPI document name them.

pub(crate) const SIGNUPS: &str = "/v1/events/{event}/signups";
pub(crate) const RECEIPT: &str = "/v1/events/{event}/signups/{receipt}";
pub(crate) const EVENT: &str = "/v1/events/{event}";
pub(crate) const EVENTS: &str = "/v1/events";
pub(crate) const OPENAPI: &str = "/openapi.json";
pub(crate) const PAGE: &str = "/events/{event}";
pub(crate) const ASSET: &str = "/assets/{file}";

/// The page of the first event. In the metrics it is a [`PAGE`].
pub(crate) const FIRST_PAGE: &str = "/";
