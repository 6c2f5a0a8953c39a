//! Stand-ins for a writer of metrics and for the X-Ray daemon.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// A writer that keeps its lines.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("lines").clone()).expect("UTF-8")
    }

    /// The lines as JSON.
    pub fn json(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// The trace header of a sampled trace.
pub const SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// The function's own segment in [`SAMPLED`].
pub const PARENT: &str = "53995c3f42cd8ad8";

/// The X-Ray daemon, which receives datagrams.
pub struct Daemon {
    socket: UdpSocket,
    pub address: String,
}

impl Daemon {
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("an address").to_string();
        Self { socket, address }
    }

    /// The next subsegment; `None` if none comes for half a second.
    pub async fn next(&self) -> Option<Value> {
        let mut datagram = vec![0; 65_536];
        let received = timeout(Duration::from_millis(500), self.socket.recv(&mut datagram)).await.ok()?;
        let text = std::str::from_utf8(&datagram[..received.expect("a datagram")]).expect("UTF-8");
        let (header, document) = text.split_once('\n').expect("a header and a document");
        let header: Value = serde_json::from_str(header).expect("JSON");
        assert_eq!(header, serde_json::json!({"format": "json", "version": 1}));
        Some(serde_json::from_str(document).expect("JSON"))
    }

    /// The subsegments until none comes for half a second.
    pub async fn all(&self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(next) = self.next().await {
            all.push(next);
        }
        all
    }
}
