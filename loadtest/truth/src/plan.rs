//! The load of a run before it is sent: who takes part, what they do, and when each request is due.

mod arrival;
mod participant;
mod scenario;
mod schedule;

pub use arrival::Arrival;
pub use participant::Participants;
pub use scenario::Next;
pub use schedule::Schedule;
