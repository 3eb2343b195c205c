//! Holds the public port of several servers, and hands it to each of them: they accept from one queue of
//! the kernel's. It does nothing else, so it has nothing to restart for: with it goes the network of all their
//! connections.

use anyhow::Context;
use clap::Parser;
use signup_service::{block_on, hold, init_logging, stop_signal};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpSocket;

/// Connections that wait to be accepted, beyond which the kernel has their clients try again: more than
/// come while all servers stand still at their CPU caps. No more than net.core.somaxconn (4,096).
const BACKLOG: u32 = 4_096;

/// Holds a listening socket for several servers (their LISTEN is handed:PATH).
#[derive(Debug, Parser)]
#[command(version)]
struct Config {
    /// Address of the port that is held.
    #[arg(long, env, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,

    /// The Unix socket where servers come for it. A file of that name is replaced.
    #[arg(long, env, default_value = "/sockets/listener")]
    hand_out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    init_logging();
    block_on(1, async {
        let stop = stop_signal()?;
        let listener = listen(config.listen)?;
        let path = &config.hand_out;
        tracing::info!(address = %config.listen, path = %path.display(), "holding");
        let held = stop.run_until_cancelled(hold(listener, path)).await;
        held.unwrap_or(Ok(()))
            .with_context(|| format!("cannot listen on {}", path.display()))
    })
}

fn listen(address: SocketAddr) -> anyhow::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket
        .bind(address)
        .with_context(|| format!("cannot listen on {address}"))?;
    Ok(socket.listen(BACKLOG)?.into_std()?)
}
