//! Names and numbers that tell things apart. Each has a type of its own, so that one cannot stand in for another.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

names! {
    /// One customer of this host; part of the key of everything stored.
    Tenant,
    /// A connection's name, chosen by the admin.
    ConnectionName,
    /// An entity's name, as its map says: `customer`, `sales_order`.
    EntityName,
    /// A system's short name inside an entity map: `crm`, `erp`.
    SystemName,
    /// A stream's name in its system: `Account`, `salesOrder`.
    StreamName,
    /// A flow's name.
    FlowName,
    /// A translation table's name.
    TableName,
    /// An endpoint's name in the manifest.
    EndpointName,
    /// A route's name in the manifest.
    RouteName,
    /// The remote account that a connection reaches; owns the budget.
    AccountId,
    /// The host's own id of one business thing; the same across all systems.
    EntityId,
    /// One execution of a flow.
    RunId,
    /// A set of intents that one `write` call serves.
    BatchId,
}

/// The SHA-256 of a component's bytes: what a plugin is named by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text.strip_prefix("sha256:")?, &mut digest).ok()?;
        Some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(&self.0[..4]))
    }
}

/// Whose write it is: grows with every claim of a lease; a write with an older fence is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fence(pub i64);

/// An instant: milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct At(pub i64);

impl At {
    /// This instant, `ms` milliseconds later.
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add_unsigned(ms))
    }

    /// Milliseconds from `earlier` until this instant; 0 if it is not later.
    pub fn since_ms(self, earlier: At) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

impl std::str::FromStr for At {
    type Err = String;

    /// RFC 3339 with an offset; fractions below a millisecond are cut off.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = |_| "an instant as in 2026-01-31T18:00:00Z".to_owned();
        text.parse::<jiff::Timestamp>().map(|at| Self(at.as_millisecond())).map_err(wanted)
    }
}

impl fmt::Display for At {
    /// RFC 3339, UTC, milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}
