//! Ports for servers that are taken down and come back on the same address.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::TcpListener;
use std::ops::Range;

/// Below the range from which Linux gives ports to outgoing connections (32768 and up). A port of
/// that range can be taken by anybody while its server is down; worse, a client that keeps trying
/// to reach it ends up connected to itself.
const PORTS: Range<u16> = 20_000..32_000;

/// A port on 127.0.0.1 that is free now and that the kernel gives to nobody by itself.
///
/// # Errors
/// Where none of the 12 000 is free.
pub fn free_port() -> io::Result<u16> {
    Ok(listen_on_free_port()?.local_addr()?.port())
}

/// The same, listened on already. Listened on only after a look whether it is free, it would now and then be taken: a
/// process that is just being started by another thread has all sockets of this one until it begins.
///
/// # Errors
/// Where none is free.
pub(crate) fn listen_on_free_port() -> io::Result<TcpListener> {
    let count = PORTS.end - PORTS.start;
    let first = (RandomState::new().build_hasher().finish() % u64::from(count)) as u16;
    (0..count)
        .map(|step| PORTS.start + (first + step) % count)
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "no free port between 20000 and 32000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on() {
        let listener = listen_on_free_port().unwrap();
        assert!(PORTS.contains(&listener.local_addr().unwrap().port()));
        assert!(PORTS.contains(&free_port().unwrap()));
    }
}
