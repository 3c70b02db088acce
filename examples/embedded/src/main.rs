//! Serves the guest book on port 8080.

use std::error::Error;
use std::net::SocketAddr;

use backstay::Backstay;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let application = Backstay::from_dir(env!("CARGO_MANIFEST_DIR"))?.procedure("thank", embedded::thank);
    let backend = application.open().await?;
    backend.seed().await?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let routes = embedded::router(&backend).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, routes).with_graceful_shutdown(backstay::stop_signal()?).await?;
    backend.close().await;
    Ok(())
}
