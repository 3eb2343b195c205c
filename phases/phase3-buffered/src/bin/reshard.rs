//! Adds shards to phase 3: settings. What it does, and the procedure around it, is in the library.

use clap::Parser;
use phase3_buffered::ReshardConfig;
use signup_service::{block_on, init_logging};

fn main() -> anyhow::Result<()> {
    let config = ReshardConfig::parse();
    init_logging();
    block_on(1, async {
        let moved = phase3_buffered::reshard(&config).await?;
        println!("moved {moved} signups; all shards hold the same map");
        Ok(())
    })
}
