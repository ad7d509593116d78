//! Notes that survive what happens to them: a small application around `resilient-form`.

mod answers;
mod application;
mod drafts;
mod http;
mod notes;
mod pages;
mod version;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use application::Application;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let told = |name: &str, usual: &str| env::var(name).unwrap_or_else(|_| usual.to_owned());
    let folder = PathBuf::from(told("NOTES_DATA_DIR", "data/notes"));
    let site = PathBuf::from(told("NOTES_SITE_DIR", "target/notes-site"));
    let application = Arc::new(Application::open(&folder).await?);
    let listen = told("NOTES_LISTEN", "127.0.0.1:3100");
    let listener = TcpListener::bind(&listen).await?;
    let bound = listener.local_addr()?;
    println!("Notes: http://{bound}");
    let own = http::OwnHosts::of(&listen, bound);
    axum::serve(listener, http::router(application, &site, own)).await?;
    Ok(())
}
