//! A message, as a test looks at it.

use lapin::BasicProperties;
use lapin::types::AMQPValue;
use std::collections::BTreeMap;

/// A message that was taken out of a queue.
#[derive(Debug, Clone)]
pub struct Message {
    /// What is in it.
    pub body: Vec<u8>,
    /// Its headers, as text.
    pub headers: BTreeMap<String, String>,
    /// Empty when it does not say.
    pub content_type: String,
}

impl Message {
    pub(super) fn new(body: Vec<u8>, properties: &BasicProperties) -> Self {
        let text = |value: &AMQPValue| match value {
            AMQPValue::LongString(text) => text.to_string(),
            other => format!("{other:?}"),
        };
        let headers = properties.headers().iter().flat_map(|table| table.inner());
        let content_type = properties.content_type().as_ref();
        Self {
            body,
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            content_type: content_type.map(ToString::to_string).unwrap_or_default(),
        }
    }
}
