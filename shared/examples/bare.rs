//! The least that a function can be: it answers every request with 200 and does nothing. What others are measured
//! against (`tests/benches/start.rs`).

use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(|_: Request| async { Ok::<_, Error>(Response::new(Body::Empty)) })).await
}
