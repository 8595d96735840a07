//! The network of development and of tests: names resolve to public addresses, and dialling one of them reaches a
//! simulator on loopback.
//!
//! The map is applied after the gate's own address check. So loopback stays refused, and a connection that names an
//! unlisted host gets the same answer as from a real resolver that does not know it: a host that runs on simulators
//! reaches nothing else. Whoever starts the process says so (`tollgate serve --simulators`); no configuration, plugin or
//! request can.

use super::net::Net;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpStream;

/// The port that every simulated origin answers on, as the vendors' own do.
pub const HTTPS_PORT: u16 = 443;

/// The most hosts that a simulated network has: each gets an address of one /24.
const HOSTS_MAX: usize = 254;

/// Simulators as they run now: all that a process needs to reach them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulators {
    /// Host name and loopback port.
    pub hosts: Vec<(String, u16)>,
    /// The certificate of the authority that signed theirs, DER in hexadecimal.
    pub root: String,
}

impl Simulators {
    /// The authority's certificate.
    ///
    /// # Errors
    /// It is not hexadecimal.
    pub fn root(&self) -> Result<CertificateDer<'static>, String> {
        Ok(hex::decode(&self.root).map_err(|error| format!("`root` is not hexadecimal: {error}"))?.into())
    }

    /// The network on which they are the only hosts.
    ///
    /// # Errors
    /// The certificate is not hexadecimal, or there are too many hosts; the sentence says which.
    pub fn net(&self) -> Result<SimulatedNet, String> {
        if self.hosts.len() > HOSTS_MAX {
            return Err(format!("`hosts` has {} entries; at most {HOSTS_MAX} are simulated", self.hosts.len()));
        }
        let net = SimulatedNet { names: BTreeMap::new(), roots: vec![self.root()?] };
        Ok(self.hosts.iter().fold(net, |net, (host, port)| net.with_host(host, *port)))
    }
}

/// A fixed map from host names to public addresses, and from those to loopback ports.
#[derive(Debug)]
pub struct SimulatedNet {
    names: BTreeMap<String, (IpAddr, u16)>,
    roots: Vec<CertificateDer<'static>>,
}

impl SimulatedNet {
    /// Adds a host: it gets the next address of 20.0.0.0/24 (public, and no documentation range) and reaches the
    /// loopback port.
    fn with_host(mut self, host: &str, loopback_port: u16) -> Self {
        let last = u8::try_from(self.names.len() + 1).unwrap_or(u8::MAX);
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

impl Net for SimulatedNet {
    fn resolve(&self, host: &str) -> BoxFuture<'_, io::Result<Vec<IpAddr>>> {
        let answer = self.address(host).map(|address| vec![address]).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("{host} is not a simulated host: the process was started on simulators only"),
            )
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
    use tokio::net::TcpListener;

    /// A listed host must reach its loopback port through its public address; every other name, address and port must
    /// be refused.
    #[tokio::test]
    async fn only_listed_hosts_are_reachable() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let hosts = vec![("one.example".into(), listener.local_addr().unwrap().port()), ("two.example".into(), 1)];
        let net = Simulators { hosts, root: "00".into() }.net().unwrap();
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

    /// A file that cannot be meant is refused with the member that is wrong.
    #[test]
    fn unusable_files_are_refused() {
        let many = (0..=HOSTS_MAX).map(|at| (format!("h{at}.example"), 1)).collect();
        let refused = |hosts, root: &str| Simulators { hosts, root: root.into() }.net().unwrap_err();
        assert!(refused(Vec::new(), "zz").starts_with("`root`"));
        assert!(refused(many, "00").starts_with("`hosts`"));
    }
}
