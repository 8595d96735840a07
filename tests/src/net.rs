//! The network of a test: names resolve to public addresses, and dialling one of them reaches a simulator on loopback.
//!
//! The map is applied after the product's own address check. So loopback stays refused, and a test that points a
//! connection at an unlisted name gets the same answer as from a real resolver that does not know it.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpStream;
use tollgate::gate::net::Net;

/// The port that every simulated origin answers on, as the vendors' own do.
pub const HTTPS_PORT: u16 = 443;

/// A fixed map from host names to public addresses, and from those to loopback ports.
#[derive(Default)]
pub struct MappedNet {
    names: BTreeMap<String, (IpAddr, u16)>,
    roots: Vec<CertificateDer<'static>>,
}

impl MappedNet {
    /// A network without names that trusts this root certificate.
    #[must_use]
    pub fn new(root: CertificateDer<'static>) -> Self {
        Self { names: BTreeMap::new(), roots: vec![root] }
    }

    /// Adds a host: it gets the next address of 20.0.0.0/24 (public, and no documentation range) and reaches the
    /// loopback port.
    ///
    /// # Panics
    /// At the 255th host: one test has a handful.
    #[must_use]
    pub fn with_host(mut self, host: &str, loopback_port: u16) -> Self {
        let last = u8::try_from(self.names.len() + 1).expect("a test has fewer than 255 hosts");
        self.names.insert(host.to_ascii_lowercase(), (IpAddr::V4(Ipv4Addr::new(20, 0, 0, last)), loopback_port));
        self
    }

    /// The public address of a host, if it is on this network.
    #[must_use]
    pub fn address(&self, host: &str) -> Option<IpAddr> {
        self.names.get(&host.to_ascii_lowercase()).map(|(address, _)| *address)
    }

    fn loopback_port(&self, address: SocketAddr) -> Option<u16> {
        if address.port() != HTTPS_PORT {
            return None;
        }
        self.names.values().find(|(ip, _)| *ip == address.ip()).map(|(_, port)| *port)
    }
}

impl Net for MappedNet {
    fn resolve(&self, host: &str) -> BoxFuture<'_, io::Result<Vec<IpAddr>>> {
        let answer = self.address(host).map(|address| vec![address]).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{host} is not a host of this test's network"))
        });
        std::future::ready(answer).boxed()
    }

    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        let port = self.loopback_port(address);
        async move {
            let refused =
                || io::Error::new(io::ErrorKind::ConnectionRefused, format!("no simulator listens at {address}"));
            TcpStream::connect((Ipv4Addr::LOCALHOST, port.ok_or_else(refused)?)).await
        }
        .boxed()
    }

    fn extra_roots(&self) -> Vec<CertificateDer<'static>> {
        self.roots.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::TestCa;
    use tokio::net::TcpListener;

    /// A listed host must reach its loopback port through its public address; every other name, address and port must
    /// be refused.
    #[tokio::test]
    async fn only_listed_hosts_are_reachable() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let net = MappedNet::new(TestCa::new().root())
            .with_host("one.example", listener.local_addr().unwrap().port())
            .with_host("two.example", 1);
        let addresses = net.resolve("ONE.example").await.unwrap();
        assert_eq!(addresses, [IpAddr::from([20, 0, 0, 1])]);
        assert_eq!(net.address("two.example"), Some(IpAddr::from([20, 0, 0, 2])));
        net.dial(SocketAddr::new(addresses[0], HTTPS_PORT)).await.expect("the simulator answers");
        assert_eq!(net.resolve("three.example").await.unwrap_err().kind(), io::ErrorKind::NotFound);
        for refused in ["20.0.0.1:80", "20.0.0.9:443", "127.0.0.1:443"] {
            let error = net.dial(refused.parse().unwrap()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{refused}");
        }
        assert_eq!(net.extra_roots().len(), 1);
    }
}
