//! `inkfast serve`

use tokio::net::TcpListener;

use crate::config::Settings;
use crate::startup;

pub async fn run(settings: Settings) -> Result<(), String> {
    let listen = settings.listen.clone();
    let listener = TcpListener::bind(listen.address)
        .await
        .map_err(|error| format!("INKFAST_LISTEN: {} cannot be listened on: {error}.", listen.address))?;
    let prepared = startup::prepare(settings).await?;
    if !listen.public_url.https && !listen.public_url.is_loopback() {
        tracing::warn!("plain http beyond this machine: passwords and records can be read on the way");
    }
    println!("Inkfast serves {}", listen.public_url);
    startup::serve(prepared, listener)
        .await
        .map_err(|error| format!("The server stopped: {error}."))
}
