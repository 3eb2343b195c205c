//! The program of phase 2: settings, sockets, signals. What it does is in the library.

use clap::Parser;
use phase2_replicated::Config;
use signup_service::{Listeners, block_on, init_logging, stop_signal};

fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    init_logging();
    block_on(config.service.process.worker_threads, async {
        let listeners = Listeners::bind(&config.service).await?;
        phase2_replicated::serve(config.clone(), listeners, stop_signal()?).await
    })
}
