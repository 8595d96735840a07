//! Record ids: a prefix per object, a counter in base 62, and the suffix that makes them safe where case is lost.
//!
//! The digits are in ASCII order, so that ids sort as their records were made.

use std::fmt::Write;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// What stands between the prefix and the counter: the organisation's instance.
const INSTANCE: &str = "gK00";

/// The 18 characters of the record that was made as number `slot`.
#[must_use]
pub fn id(prefix: &str, slot: u32) -> String {
    let mut counter = [b'0'; 8];
    let mut rest = slot as usize + 1;
    for digit in counter.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    let mut id = String::with_capacity(18);
    id.push_str(prefix);
    id.push_str(INSTANCE);
    id.extend(counter.iter().map(|digit| char::from(*digit)));
    let suffix = suffix(id.as_bytes());
    id.extend(suffix.iter().map(|digit| char::from(*digit)));
    id
}

/// Three characters of five bits each: which of the fifteen are capitals.
fn suffix(id: &[u8]) -> [u8; 3] {
    let mut suffix = [0; 3];
    for (group, character) in id.chunks(5).zip(suffix.iter_mut()) {
        let bits = group.iter().enumerate().fold(0, |bits, (n, c)| bits | usize::from(c.is_ascii_uppercase()) << n);
        *character = SUFFIX[bits];
    }
    suffix
}

/// Whether a text has the shape of an id: 15 or 18 letters and digits, the suffix right.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = matches!(bytes.len(), 15 | 18) && bytes.iter().all(u8::is_ascii_alphanumeric);
    shape && (bytes.len() == 15 || suffix(&bytes[..15]) == bytes[15..])
}

/// The number of the record that an id of this prefix names.
#[must_use]
pub fn slot(prefix: &str, text: &str) -> Option<u32> {
    if !is_id(text) {
        return None;
    }
    let counter = text[..15].strip_prefix(prefix)?.strip_prefix(INSTANCE)?;
    let number = counter.bytes().try_fold(0_u64, |number, digit| {
        let value = DIGITS.iter().position(|known| *known == digit)? as u64;
        Some(number * 62 + value)
    })?;
    u32::try_from(number.checked_sub(1)?).ok()
}

/// A token or locator that cannot be guessed from another: `random` in hexadecimal behind a prefix.
#[must_use]
pub fn opaque(prefix: &str, random: u128) -> String {
    let mut text = prefix.to_owned();
    let _ = write!(text, "{random:032x}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids must be well-formed, sorted as made, and lead back to their record; a wrong suffix or prefix must not.
    #[test]
    fn ids_lead_back() {
        let mut last = String::new();
        for n in [0, 1, 60, 61, 62, 3_843, 3_844, 1_000_000] {
            let made = id("001", n);
            assert_eq!(made.len(), 18);
            assert!(made > last, "{made} sorts behind {last}");
            assert_eq!((slot("001", &made), slot("001", &made[..15])), (Some(n), Some(n)));
            assert_eq!(slot("006", &made), None);
            last = made;
        }
        // The suffix rule on an id that the vendor's own documentation shows.
        assert!(is_id("0015000000Gv7qJAAR") && !is_id("0015000000Gv7qJAAA") && !is_id("12345"));
    }
}
