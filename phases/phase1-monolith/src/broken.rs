//! Phase 1, broken on purpose: two ways to lie that a load test which counts answers never sees.
//!
//! Behind the feature `broken`, which no measured image has. The tests build it to prove that the
//! ledger convicts.

use crate::config::Broken;
use crate::events::Events;
use crate::signups::Signups;
use signup_domain::{NewSignup, SignedUp, SignupId, Status, StoreError};
use std::time::Duration;

/// How long the answer runs ahead of the commit. Long enough that a kill finds some in between.
const COMMIT_DELAY: Duration = Duration::from_millis(500);

pub(crate) async fn sign_up(
    signups: &Signups,
    events: &Events,
    signup: NewSignup,
    broken: Broken,
) -> Result<SignedUp, StoreError> {
    match broken {
        Broken::AckBeforeCommit => {
            let event = events.find(signup.event).await?;
            let id = SignupId::derive(&event.salt, event.id, &signup.email);
            let signed_up_at = signup.at;
            let signups = signups.clone();
            tokio::spawn(async move {
                tokio::time::sleep(COMMIT_DELAY).await;
                signups.sign_up(signup).await
            });
            Ok(SignedUp {
                id,
                status: Status::Recorded,
                new: true,
                signed_up_at,
            })
        }
        Broken::RefuseAfterCommit => {
            signups.sign_up(signup).await?;
            Err(StoreError::Unavailable(
                "broken on purpose: it was stored".into(),
            ))
        }
    }
}
