//! Servers on loopback that stop with their test.

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server on a free port; stops when dropped.
pub struct Server {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(app: Router) -> Self {
        Self::with(async move |listener| drop(axum::serve(listener, app).await)).await
    }

    /// Starts a server that `serve` runs.
    pub async fn with<F: Future<Output = ()> + Send + 'static>(serve: impl FnOnce(TcpListener) -> F) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        Self { url, task: tokio::spawn(serve(listener)) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}
