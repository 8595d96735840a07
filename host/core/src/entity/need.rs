//! Needs: stable texts that name what could mend or release a record that was set aside.
//!
//! A record waits under the texts that its verdict lists; whoever learns something (a new pair of keys, a new row of a
//! table) builds the text of it here and releases who waits. Both sides use these functions and nothing else.

use crate::model::limits::NATURAL_BYTES_MAX;
use crate::model::{EntityName, SystemName, TableName};
use sha2::{Digest, Sha256};

/// The record with this key in this system must be known in the other system.
pub fn by_key(entity: &EntityName, system: &SystemName, key: &str) -> String {
    format!("ref:{entity}:{system}:{}", bounded(key))
}

/// The record with this natural key must be known.
pub fn by_natural(entity: &EntityName, field: &str, value: &str) -> String {
    format!("ref:{entity}.{field}:{}", bounded(value))
}

/// The table must have a row for this value.
pub fn by_table(table: &TableName, value: &str) -> String {
    format!("table:{table}:{}", bounded(value))
}

/// A value that is longer than any natural key stands as its hash: keys of up to 255 bytes, and what a table translates.
fn bounded(value: &str) -> std::borrow::Cow<'_, str> {
    if value.len() <= NATURAL_BYTES_MAX {
        value.into()
    } else {
        format!("sha256-{}", hex::encode(Sha256::digest(value))).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are stable: they are stored, and compared with texts that were built later.
    #[test]
    fn texts() {
        assert_eq!(by_key(&"customer".into(), &"crm".into(), "001"), "ref:customer:crm:001");
        assert_eq!(by_natural(&"item".into(), "code", "GTX Pro"), "ref:item.code:GTX Pro");
        assert_eq!(by_table(&"product".into(), "GTXPro"), "table:product:GTXPro");
        let long = by_table(&"product".into(), &"x".repeat(1_000_000));
        assert!(long.len() < 255 && long != by_table(&"product".into(), &"x".repeat(999_999)));
    }
}
