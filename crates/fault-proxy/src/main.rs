//! `fault-proxy --listen PORT --upstream HOST:PORT --control PORT`: prints one JSON line with its
//! ports, then serves until it is ended. Port 0 chooses a free one.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use clap::Parser;
use fault_proxy::{FaultProxy, control, free_port};
use serde_json::json;
use tokio::net::TcpListener;

/// A TCP proxy on 127.0.0.1 that cuts, freezes, slows and drops on command.
#[derive(Parser)]
struct Arguments {
    /// Port for clients.
    #[arg(long, default_value_t = 0)]
    listen: u16,
    /// The server to stand in front of, as HOST:PORT. It need not be up yet.
    #[arg(long)]
    upstream: String,
    /// Port for orders: POST /fault, GET /.
    #[arg(long, default_value_t = 0)]
    control: u16,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    if let Err(error) = serve(&arguments).await {
        eprintln!("fault-proxy: {error}");
        std::process::exit(1);
    }
}

async fn serve(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let proxy = Arc::new(FaultProxy::listen(arguments.listen, resolve(&arguments.upstream)?).await?);
    let port = if arguments.control == 0 {
        free_port()?
    } else {
        arguments.control
    };
    let control = TcpListener::bind(("127.0.0.1", port)).await?;
    let line = json!({
        "listen": proxy.address().port(),
        "control": control.local_addr()?.port(),
        "upstream": arguments.upstream,
        "pid": std::process::id(),
    });
    println!("{line}");
    std::io::stdout().flush()?;
    control::serve(control, proxy).await;
    Ok(())
}

fn resolve(upstream: &str) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    upstream
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| format!("{upstream} has no address").into())
}
