//! The writer of phase 3: settings, socket, signals. What it does is in the library.

use clap::Parser;
use phase3_buffered::{UNLOGGED, WriterConfig};
use signup_service::{block_on, init_logging_without, stop_signal};
use tokio::net::TcpListener;

fn main() -> anyhow::Result<()> {
    let config = WriterConfig::parse();
    init_logging_without(&UNLOGGED)?;
    block_on(config.process.worker_threads, async {
        let operations = TcpListener::bind(config.process.operations_listen).await?;
        phase3_buffered::write(config.clone(), operations, stop_signal()?).await
    })
}
