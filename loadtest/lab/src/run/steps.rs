//! What a run tells whoever waits for it. How that is shown is somebody else's.

use crate::load::Progress;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// Hears how far a run is.
pub trait Steps: Sync {
    /// Something begins.
    fn step(&self, what: &str);

    /// How far it is; may be called several times a second.
    fn say(&self, line: &str);

    /// Something worth keeping on the screen when the steps have gone by.
    fn note(&self, line: &str);

    /// A load of so many arrivals within a window begins, and lasts until what is returned is dropped.
    fn watch(
        &self,
        progress: &Arc<Progress>,
        arrivals: usize,
        window: Duration,
    ) -> Box<dyn Any + Send>;
}

/// Tells nobody.
pub struct Silent;

impl Steps for Silent {
    fn step(&self, _: &str) {}
    fn say(&self, _: &str) {}
    fn note(&self, _: &str) {}
    fn watch(&self, _: &Arc<Progress>, _: usize, _: Duration) -> Box<dyn Any + Send> {
        Box::new(())
    }
}
