//! A TCP proxy that cuts, freezes, slows and drops on command.
//!
//! It stands between a client and a server that a test owns and breaks the way between them: really,
//! with sockets, so that what is tested is what happens in production. As a library it serves Rust
//! tests; the program of the same name is steered over HTTP by tests in other languages.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use fault_proxy::{Fault, FaultProxy};
//! use tokio::net::{TcpListener, TcpStream};
//!
//! let server = TcpListener::bind("127.0.0.1:0").await?;
//! let proxy = FaultProxy::start(server.local_addr()?).await?;
//!
//! proxy.set(Fault::Refuse).await;
//! assert!(TcpStream::connect(proxy.address()).await.is_err());
//! proxy.set(Fault::Pass).await;
//! assert!(TcpStream::connect(proxy.address()).await.is_ok());
//! # std::io::Result::Ok(()) }).unwrap();
//! ```

mod connection;
pub mod control;
mod fault;
mod matcher;
mod port;
mod proxy;

pub use fault::Fault;
pub use port::free_port;
pub use proxy::{Counters, FaultProxy};
