//! A reader of the attendance list's export that can stand still, as one on a slow line does.

#![expect(clippy::panic, reason = "a test says what it expects by panicking")]

use crate::service::{EVENT, ORGANISER_TOKEN, TestService};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Bytes that its side of the connection takes before it is read. The other side has 4 MB at most.
const RECEIVE_BUFFER: u32 = 16 * 1024;

/// An export that has begun, and stands still until [`rest`](Self::rest).
#[derive(Debug)]
pub struct Export {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Export {
    /// Asks for the export, and reads its first bytes.
    ///
    /// # Panics
    /// When it does not begin.
    pub async fn begin(service: &TestService) -> Self {
        let began = async {
            let address = service.url.trim_start_matches("http://");
            let address = address.parse().map_err(io::Error::other)?;
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
            let mut stream = socket.connect(address).await?;
            let request = format!(
                "GET /v1/events/{EVENT}/signups HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
                 accept: application/x-ndjson\r\nauthorization: Bearer {ORGANISER_TOKEN}\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await?;
            let mut read = vec![0; 1_024];
            stream.read_exact(&mut read).await?;
            Ok::<_, io::Error>(Self { stream, read })
        };
        let export = began.await;
        let export = export.unwrap_or_else(|error| panic!("the export does not begin: {error}"));
        assert!(export.read.starts_with(b"HTTP/1.1 200"), "{export:?}");
        export
    }

    /// Reads on to the end, and returns how many rows there were.
    ///
    /// # Panics
    /// When it is cut off.
    pub async fn rest(mut self) -> usize {
        let end = self.stream.read_to_end(&mut self.read).await;
        let text = String::from_utf8_lossy(&self.read);
        let rows = text.matches("\"receipt\":").count();
        // The last chunk, which is empty.
        let whole = text.ends_with("\r\n0\r\n\r\n");
        assert!(whole, "cut off after {rows} rows: {end:?}");
        rows
    }
}
