//! The contract as an OpenAPI 3.1 document, generated from the routes and their types.

use crate::problem::{FieldError, ProblemBody};
use crate::routes::{attendance, events, signups};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Signup lab",
        description = "A participant signs up once for an event; the receipt is the proof of attendance. \
                       The contract is the same in every phase of the lab."
    ),
    paths(
        signups::sign_up, signups::check_receipt, events::show, events::create, attendance::list,
    ),
    components(schemas(ProblemBody, FieldError)),
    modifiers(&Organiser),
)]
struct Contract;

/// The organiser's bearer token.
struct Organiser;

impl Modify for Organiser {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        if let Some(components) = &mut openapi.components {
            components.add_security_scheme("organiser", SecurityScheme::Http(bearer));
        }
    }
}

/// The OpenAPI document of the public port.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Contract::openapi()
}

#[cfg(test)]
mod tests {
    /// The contract is what clients read. After a change on purpose, `INSTA_UPDATE=always cargo test -p
    /// signup-service openapi` writes it again.
    #[test]
    fn the_contract_changes_only_on_purpose() {
        let document = super::openapi().to_pretty_json().unwrap();
        insta::assert_snapshot!("openapi", document);
    }
}
