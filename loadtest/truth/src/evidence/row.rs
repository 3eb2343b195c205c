//! A signup as it was found in a database or a dead letter.

use uuid::Uuid;

/// A signup as it was found.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its primary key.
    pub id: Uuid,
    /// The canonical e-mail.
    pub email: String,
    /// The name.
    pub name: String,
}
