//! Names and sockets, as a value: a test puts its own network in place of the machine's.
//!
//! The gate asks this twice for each connection: what a name resolves to, and a socket to one of those addresses. In
//! between it judges the addresses, so no implementation can lead it past its own check.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::pki_types::CertificateDer;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;

/// The way out of this machine.
pub trait Net: Send + Sync + 'static {
    /// The addresses of a name, all of them.
    fn resolve(&self, host: &str) -> BoxFuture<'_, io::Result<Vec<IpAddr>>>;

    /// A connection to exactly this address, which the gate has checked.
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;

    /// Authorities that are trusted beside the public ones; read once, when the gate is made.
    fn extra_roots(&self) -> Vec<CertificateDer<'static>>;
}

/// The machine's resolver and sockets. No proxy: what stands in the environment is not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNet;

impl Net for SystemNet {
    fn resolve(&self, host: &str) -> BoxFuture<'_, io::Result<Vec<IpAddr>>> {
        let host = host.to_owned();
        async move {
            let addresses = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        }
        .boxed()
    }

    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        TcpStream::connect(address).boxed()
    }

    fn extra_roots(&self) -> Vec<CertificateDer<'static>> {
        Vec::new()
    }
}
