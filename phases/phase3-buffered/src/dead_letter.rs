//! What nobody can record: put aside where an operator, and the lab's ledger, find it.

use crate::frame::Row;
use lapin::message::Delivery;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

/// A message for the queue of dead letters.
pub(crate) struct DeadLetter {
    /// Why it went there: a word of our own, nothing of what is in it.
    pub(crate) reason: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

impl DeadLetter {
    /// A message that is no frame for this writer, as it came.
    pub(crate) fn unreadable(reason: String, delivery: &Delivery) -> Self {
        Self {
            reason,
            content_type: "application/octet-stream",
            body: delivery.data.clone(),
        }
    }

    /// A signup that its shard refuses: readable for an operator, and for the lab's ledger.
    ///
    /// # Errors
    /// Never in practice: when it cannot be written as JSON.
    pub(crate) fn refused(row: &Row<'_>, reason: &str) -> anyhow::Result<Self> {
        // RFC 3339 ends with the year 9999 and begins with the year 0. What it cannot show is refused for
        // that, most likely, and must not stop the letter as well.
        let signed_up_at = row.signed_up_at.format(&Rfc3339);
        let signed_up_at = signed_up_at.unwrap_or_else(|_| row.signed_up_at.to_string());
        let body = json!({
            "event": row.event,
            "id": row.id,
            "email": row.email,
            "name": row.name,
            "signed_up_at": signed_up_at,
        });
        Ok(Self {
            // An error's message may quote what it is about; the code before it does not.
            reason: format!("refused: {}", reason.split(':').next().unwrap_or_default()),
            content_type: "application/json",
            body: serde_json::to_vec(&body)?,
        })
    }
}
