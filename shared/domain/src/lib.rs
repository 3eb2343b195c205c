//! The domain of the lab: a participant signs up once for an event, and the receipt is the proof.
//!
//! Everything here must be equal in every phase for the comparison to be fair: what a participant
//! is, how a signup is named, how a receipt is sealed, and the port that a phase implements. There
//! is no input or output here, and no clock: callers pass the time.
//!
//! Read in this order: [`Email`] → [`SignupId`] → [`Receipt`] → [`Event`] → [`SignupStore`].

mod email;
mod event;
mod id;
mod name;
mod receipt;
mod store;
mod visible;

pub use email::{Email, InvalidEmail};
pub use event::{Event, LAUNCH_DAY, NewEvent, NotOpen};
pub use id::{EventId, EventSalt, SignupId};
pub use name::{InvalidName, Name};
pub use receipt::{Receipt, ReceiptKey, ReceiptKeys};
pub use store::{
    Attendee, Cache, Checked, Counted, Found, NewSignup, Page, Recorded, ServedBy, SignedUp,
    SignupStore, Status, StoreError,
};
