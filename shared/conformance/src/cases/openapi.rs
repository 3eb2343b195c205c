//! The contract is published as OpenAPI 3.1, and the document holds together.

use crate::answer::Answer;
use crate::{Result, Target};
use serde_json::Value;

/// Every route of the contract, with its method.
const ROUTES: [(&str, &str); 5] = [
    ("post", "/v1/events/{event}/signups"),
    ("get", "/v1/events/{event}/signups"),
    ("get", "/v1/events/{event}/signups/{receipt}"),
    ("get", "/v1/events/{event}"),
    ("post", "/v1/events"),
];

/// The document is JSON, says that it is OpenAPI 3.1, and lists every route.
pub async fn the_document_lists_every_route(target: &Target) -> Result {
    let (answer, document) = document(target).await?;
    let version = document["openapi"].as_str().unwrap_or_default();
    answer.ensure(version.starts_with("3.1."), "OpenAPI 3.1")?;
    for field in ["title", "version"] {
        answer.ensure(document["info"][field].is_string(), format!("info.{field}"))?;
    }
    for (method, path) in ROUTES {
        answer.ensure(
            document["paths"][path][method].is_object(),
            format!("{method} {path}"),
        )?;
    }
    Ok(())
}

/// Every operation says how it refuses: with `application/problem+json`. What is refused before it is
/// routed (a URI too long, a service that protects itself) may be the answer of any.
pub async fn every_operation_documents_its_problems(target: &Target) -> Result {
    let (answer, document) = document(target).await?;
    for (method, path) in ROUTES {
        let responses = &document["paths"][path][method]["responses"];
        let responses = responses
            .as_object()
            .ok_or_else(|| answer.wrong(format!("responses of {method} {path}")))?;
        let (good, bad): (Vec<_>, Vec<_>) = responses
            .iter()
            .partition(|(status, _)| status.starts_with('2'));
        answer.ensure(!good.is_empty(), format!("a 2xx of {method} {path}"))?;
        for refusal in ["4XX", "503", "5XX"] {
            answer.ensure(
                responses.contains_key(refusal),
                format!("{refusal} of {method} {path}"),
            )?;
        }
        answer.ensure(
            responses["503"]["headers"]["Retry-After"].is_object(),
            format!("Retry-After at 503 of {method} {path}"),
        )?;
        for (status, response) in bad {
            let response = resolve(&document, response);
            answer.ensure(
                response["content"]["application/problem+json"].is_object(),
                format!("{status} of {method} {path} to be a problem"),
            )?;
        }
    }
    Ok(())
}

/// A signup documents each answer that makes a promise.
pub async fn a_signup_documents_its_promises(target: &Target) -> Result {
    let (answer, document) = document(target).await?;
    let signup = &document["paths"]["/v1/events/{event}/signups"]["post"];
    for status in ["200", "201", "202", "503"] {
        answer.ensure(
            signup["responses"][status].is_object(),
            format!("{status} of a signup"),
        )?;
    }
    let body = &signup["requestBody"]["content"]["application/json"]["schema"];
    let schema = resolve(&document, body);
    answer.ensure(
        schema["additionalProperties"] == false,
        "a signup without unknown fields",
    )?;
    for field in ["email", "name"] {
        answer.ensure(
            schema["properties"][field].is_object(),
            format!("the field {field} of a signup"),
        )?;
    }
    Ok(())
}

/// The shapes are referred to, and no reference leads nowhere.
pub async fn every_reference_resolves(target: &Target) -> Result {
    let (answer, document) = document(target).await?;
    let (mut open, mut references) = (vec![&document], 0);
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values),
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap_or("missing");
                    answer.ensure(
                        document.pointer(pointer).is_some(),
                        format!("{reference} to be in the document"),
                    )?;
                    references += 1;
                }
                open.extend(fields.values());
            }
            _ => {}
        }
    }
    answer.ensure(references > 0, "shapes to be referred to")
}

async fn document(target: &Target) -> Result<(Answer, Value)> {
    let answer = target.get("/openapi.json").send().await?.expect(&[200])?;
    let document = answer.json()?;
    Ok((answer, document))
}

/// What `value` refers to, or itself.
fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    value["$ref"]
        .as_str()
        .and_then(|reference| document.pointer(reference.strip_prefix('#')?))
        .unwrap_or(value)
}
