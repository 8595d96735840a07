//! Where browsers reach this service: what systems send them back to after a consent.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use url::{Host, Url};

/// An address with scheme, host and maybe a path, without the slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The loopback address, with the port that is listened on.
    pub fn local(listening: SocketAddr) -> Self {
        Self(format!("http://127.0.0.1:{}", listening.port()))
    }

    /// The address of a route.
    pub fn of(&self, route: &str) -> String {
        format!("{}{route}", self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    /// Codes cross the network under this address: plain HTTP is taken for the own machine only.
    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("{error}: write it as https://NAME"))?;
        let is_own = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && is_own) {
            return Err("write it as https://NAME; http:// is taken for the own machine only".into());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("write scheme, name, port and path only".into());
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a code may be sent to is taken, and a route is added to it; anything else says what to write. A table.
    #[test]
    fn addresses_are_read_strictly() {
        for (text, route) in [
            ("https://tollgate.example", "https://tollgate.example/x"),
            ("https://tollgate.example:8443/gate/", "https://tollgate.example:8443/gate/x"),
            ("http://127.0.0.1:7310", "http://127.0.0.1:7310/x"),
            ("http://localhost:7310/", "http://localhost:7310/x"),
            ("http://[::1]:7310", "http://[::1]:7310/x"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().map(|url| url.of("/x")).as_deref(), Ok(route), "{text}");
        }
        for text in [
            "tollgate.example",
            "http://tollgate.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "ftp://localhost",
            "https://user@tollgate.example",
            "https://tollgate.example?x=1",
            "https://tollgate.example#x",
            "mailto:a@b",
            "",
        ] {
            assert!(text.parse::<PublicUrl>().is_err_and(|said| said.contains("write")), "{text}");
        }
        assert_eq!(PublicUrl::local("0.0.0.0:80".parse().unwrap()).to_string(), "http://127.0.0.1:80");
    }
}
