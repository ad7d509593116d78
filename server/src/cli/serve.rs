//! `inkfast serve`

use clap::Args;
use tokio::net::TcpListener;

use crate::config::Settings;
use crate::startup;

#[derive(Debug, Default, Args)]
pub struct ServeArguments {
    /// Let staff make the database fail for a while, from /monitoring/drills.
    #[arg(long)]
    drills: bool,
    /// End with an error instead of serving without the database until it is there.
    #[arg(long)]
    require_database: bool,
}

pub async fn run(arguments: ServeArguments, mut settings: Settings) -> Result<(), String> {
    settings.drills |= arguments.drills;
    settings.require_database |= arguments.require_database;
    if settings.drills {
        tracing::warn!("drills are on: staff can make the database fail for up to two minutes");
    }
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
