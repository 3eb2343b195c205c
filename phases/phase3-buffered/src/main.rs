//! The gateway of phase 3: settings, sockets, signals. What it does is in the library.

use clap::Parser;
use phase3_buffered::{GatewayConfig, UNLOGGED};
use signup_service::{Listeners, block_on, init_logging_without, stop_signal};

fn main() -> anyhow::Result<()> {
    let config = GatewayConfig::parse();
    init_logging_without(&UNLOGGED)?;
    block_on(config.service.process.worker_threads, async {
        let listeners = Listeners::bind(&config.service).await?;
        phase3_buffered::serve(config.clone(), listeners, stop_signal()?).await
    })
}
