//! What a name resolved to: only global unicast addresses are dialled.
//!
//! Ranges follow the IANA special-purpose registries (RFC 6890 and its updates) and the metadata addresses of clouds, some
//! of which look public. IPv6 is allowed by its one global block, 2000::/3, and refused by the exceptions inside it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `0.0.0.0/8`, `::`: this host.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// RFC 1918.
    Private,
    /// `100.64.0.0/10`, behind a carrier's translation.
    CarrierNat,
    /// `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// A cloud's metadata or control address.
    Metadata,
    /// `fc00::/7`.
    UniqueLocal,
    /// `fec0::/10`, deprecated.
    SiteLocal,
    /// One to many, or all.
    Multicast,
    /// For examples in texts.
    Documentation,
    /// For measurements between devices.
    Benchmark,
    /// Assigned to a protocol or service, not to a host.
    Protocol,
    /// An IPv4 address in IPv6 clothes: mapped, compatible or translated.
    Embedded,
    /// `64:ff9b::/96` and its local use.
    Nat64,
    /// `2002::/16` and its relays.
    SixToFour,
    /// `2001::/32`.
    Teredo,
    /// Reserved, discarded or not global unicast.
    Reserved,
}

impl Refusal {
    /// The reason as a short stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Unspecified => "unspecified",
            Refusal::Loopback => "loopback",
            Refusal::Private => "private",
            Refusal::CarrierNat => "carrier-nat",
            Refusal::LinkLocal => "link-local",
            Refusal::Metadata => "metadata",
            Refusal::UniqueLocal => "unique-local",
            Refusal::SiteLocal => "site-local",
            Refusal::Multicast => "multicast",
            Refusal::Documentation => "documentation",
            Refusal::Benchmark => "benchmark",
            Refusal::Protocol => "protocol",
            Refusal::Embedded => "embedded-ipv4",
            Refusal::Nat64 => "nat64",
            Refusal::SixToFour => "6to4",
            Refusal::Teredo => "teredo",
            Refusal::Reserved => "reserved",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the address may be dialled.
///
/// # Errors
/// The reason why not.
pub fn classify(address: IpAddr) -> Result<(), Refusal> {
    let refusal = match address {
        IpAddr::V4(v4) => v4_refusal(v4),
        IpAddr::V6(v6) => v6_refusal(v6),
    };
    refusal.map_or(Ok(()), Err)
}

/// Whether a name with these addresses may be reached: one refused address refuses the whole name, because whoever answers
/// for the name chooses the order.
///
/// # Errors
/// The first refused address and the reason.
pub fn classify_all(addresses: &[IpAddr]) -> Result<(), (IpAddr, Refusal)> {
    addresses.iter().try_for_each(|address| classify(*address).map_err(|refusal| (*address, refusal)))
}

type Range4 = (Ipv4Addr, u32, Refusal);
type Range6 = (Ipv6Addr, u32, Refusal);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, tail: [u16; 4]) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, tail[0], tail[1], tail[2], tail[3])
}

/// First match decides: single addresses stand before the ranges that hold them.
const RANGES_4: &[Range4] = &[
    (v4(169, 254, 169, 254), 32, Refusal::Metadata),
    (v4(168, 63, 129, 16), 32, Refusal::Metadata),
    (v4(100, 100, 100, 200), 32, Refusal::Metadata),
    (v4(192, 0, 0, 192), 32, Refusal::Metadata),
    (v4(0, 0, 0, 0), 8, Refusal::Unspecified),
    (v4(10, 0, 0, 0), 8, Refusal::Private),
    (v4(100, 64, 0, 0), 10, Refusal::CarrierNat),
    (v4(127, 0, 0, 0), 8, Refusal::Loopback),
    (v4(169, 254, 0, 0), 16, Refusal::LinkLocal),
    (v4(172, 16, 0, 0), 12, Refusal::Private),
    (v4(192, 0, 0, 0), 24, Refusal::Protocol),
    (v4(192, 0, 2, 0), 24, Refusal::Documentation),
    (v4(192, 31, 196, 0), 24, Refusal::Protocol),
    (v4(192, 52, 193, 0), 24, Refusal::Protocol),
    (v4(192, 88, 99, 0), 24, Refusal::SixToFour),
    (v4(192, 168, 0, 0), 16, Refusal::Private),
    (v4(192, 175, 48, 0), 24, Refusal::Protocol),
    (v4(198, 18, 0, 0), 15, Refusal::Benchmark),
    (v4(198, 51, 100, 0), 24, Refusal::Documentation),
    (v4(203, 0, 113, 0), 24, Refusal::Documentation),
    (v4(224, 0, 0, 0), 4, Refusal::Multicast),
    (v4(240, 0, 0, 0), 4, Refusal::Reserved),
];

const RANGES_6: &[Range6] = &[
    (v6(0xfd00, 0x0ec2, 0, 0, [0, 0, 0, 0x254]), 128, Refusal::Metadata),
    (v6(0xfd20, 0x00ce, 0, 0, [0, 0, 0, 0x254]), 128, Refusal::Metadata),
    (v6(0, 0, 0, 0, [0, 0, 0, 0]), 128, Refusal::Unspecified),
    (v6(0, 0, 0, 0, [0, 0, 0, 1]), 128, Refusal::Loopback),
    (v6(0, 0, 0, 0, [0, 0xffff, 0, 0]), 96, Refusal::Embedded),
    (v6(0, 0, 0, 0, [0xffff, 0, 0, 0]), 96, Refusal::Embedded),
    (v6(0, 0, 0, 0, [0, 0, 0, 0]), 96, Refusal::Embedded),
    (v6(0x64, 0xff9b, 0, 0, [0, 0, 0, 0]), 96, Refusal::Nat64),
    (v6(0x64, 0xff9b, 1, 0, [0, 0, 0, 0]), 48, Refusal::Nat64),
    (v6(0x2001, 0, 0, 0, [0, 0, 0, 0]), 32, Refusal::Teredo),
    (v6(0x2001, 2, 0, 0, [0, 0, 0, 0]), 48, Refusal::Benchmark),
    (v6(0x2001, 0, 0, 0, [0, 0, 0, 0]), 23, Refusal::Protocol),
    (v6(0x2001, 0x0db8, 0, 0, [0, 0, 0, 0]), 32, Refusal::Documentation),
    (v6(0x2002, 0, 0, 0, [0, 0, 0, 0]), 16, Refusal::SixToFour),
    (v6(0x2620, 0x004f, 0x8000, 0, [0, 0, 0, 0]), 48, Refusal::Protocol),
    (v6(0x3fff, 0, 0, 0, [0, 0, 0, 0]), 20, Refusal::Documentation),
    (v6(0xfc00, 0, 0, 0, [0, 0, 0, 0]), 7, Refusal::UniqueLocal),
    (v6(0xfe80, 0, 0, 0, [0, 0, 0, 0]), 10, Refusal::LinkLocal),
    (v6(0xfec0, 0, 0, 0, [0, 0, 0, 0]), 10, Refusal::SiteLocal),
    (v6(0xff00, 0, 0, 0, [0, 0, 0, 0]), 8, Refusal::Multicast),
];

/// All of IPv6 that is given to hosts of the public network.
const GLOBAL_6: (Ipv6Addr, u32) = (v6(0x2000, 0, 0, 0, [0, 0, 0, 0]), 3);

fn v4_refusal(address: Ipv4Addr) -> Option<Refusal> {
    let holds = |(start, bits, _): &&Range4| (address.to_bits() ^ start.to_bits()) >> (32 - bits) == 0;
    RANGES_4.iter().find(holds).map(|(_, _, refusal)| *refusal)
}

fn v6_refusal(address: Ipv6Addr) -> Option<Refusal> {
    let holds = |start: Ipv6Addr, bits: u32| (address.to_bits() ^ start.to_bits()) >> (128 - bits) == 0;
    match RANGES_6.iter().find(|(start, bits, _)| holds(*start, *bits)) {
        Some((_, _, refusal)) => Some(*refusal),
        None if holds(GLOBAL_6.0, GLOBAL_6.1) => None,
        None => Some(Refusal::Reserved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every special range is refused for its own reason, at both of its ends; its public neighbours are not.
    #[test]
    fn ranges() {
        for (addresses, refusal) in [
            ("0.0.0.0 0.255.255.255 ::", Refusal::Unspecified),
            ("127.0.0.1 127.255.255.255 ::1", Refusal::Loopback),
            ("10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255", Refusal::Private),
            ("100.64.0.0 100.127.255.255", Refusal::CarrierNat),
            ("169.254.0.0 169.254.255.255 fe80::1 febf::1", Refusal::LinkLocal),
            ("169.254.169.254 168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254 fd20:ce::254", Refusal::Metadata),
            ("fc00::1 fdff::1 fd00:ec2::253", Refusal::UniqueLocal),
            ("fec0::1", Refusal::SiteLocal),
            ("224.0.0.1 239.255.255.255 ff02::1", Refusal::Multicast),
            ("192.0.2.1 198.51.100.1 203.0.113.255 2001:db8::1 3fff::1 3fff:fff::1", Refusal::Documentation),
            ("198.18.0.0 198.19.255.255 2001:2::1", Refusal::Benchmark),
            (
                "192.0.0.1 192.31.196.1 192.52.193.1 192.175.48.1 2001:1::1 2001:20::1 2620:4f:8000::1",
                Refusal::Protocol,
            ),
            ("::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 ::ffff:0:8.8.8.8", Refusal::Embedded),
            ("64:ff9b::8.8.8.8 64:ff9b:1::a9fe:a9fe", Refusal::Nat64),
            ("2002:7f00:1::1 192.88.99.1", Refusal::SixToFour),
            ("2001:0:4136:e378:8000:63bf:5601:5601", Refusal::Teredo),
            ("240.0.0.1 255.255.255.255 100::1 100:0:0:1::1 5f00::1 4000::1 1fff::1", Refusal::Reserved),
        ] {
            for address in addresses.split(' ') {
                assert_eq!(classify(address.parse().unwrap()), Err(refusal), "{address}");
            }
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "168.63.129.15",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1",
            "2001:200::1",
            "2003::1",
            "2a00:1450::1",
            "3ffe::1",
        ] {
            assert_eq!(classify(public.parse().unwrap()), Ok(()), "{public}");
        }
    }

    /// One refused address refuses the whole name (R4, R5): the public one beside it is not used.
    #[test]
    fn whole_name() {
        let addresses = ["1.1.1.1".parse().unwrap(), "::ffff:10.0.0.1".parse().unwrap()];
        assert_eq!(classify_all(&addresses), Err((addresses[1], Refusal::Embedded)));
        assert_eq!(classify_all(&addresses[..1]), Ok(()));
    }
}
