//! Who may call this host: roles, and tokens that carry one.
//!
//! A token is `tollgate_`, its id, `_`, 32 random bytes in hexadecimal and six characters of checksum: programs that look
//! for leaked secrets recognise it, and a mistyped one is refused without asking the store. The store holds its SHA-256;
//! a slow hash would protect a guessable password and would only make every request slow here.

use super::{App, Error};
use crate::store::TokenRow;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq;
use tollgate_core::model::{At, audit, limits};

const PREFIX: &str = "tollgate_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;
const CHECKSUM_CHARS: usize = 6;
const DAY_MS: u64 = 24 * 60 * 60_000;

/// What somebody is here for. Nobody has two of them: an approver who could operate would approve himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Ships plugins; sees no data of a tenant.
    Vendor,
    /// Runs flows, mends tables, clears what is set aside.
    Operator,
    /// Decides what plugins may do; neither uploads nor operates.
    Approver,
    /// Reads everything, changes nothing.
    Auditor,
    /// Sets up everything, tokens included.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 5] = [Role::Vendor, Role::Operator, Role::Approver, Role::Auditor, Role::Admin];

    /// Its name as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Vendor => "vendor",
            Role::Operator => "operator",
            Role::Approver => "approver",
            Role::Auditor => "auditor",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Role::ALL.map(Role::as_str).join(", ");
        let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| format!("there is no such role; the roles are: {}", names()))
    }
}

/// Who a request is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The token's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
}

impl Who {
    /// How the audit log names it.
    pub fn actor(&self) -> String {
        format!("token:{} ({})", self.id, self.name)
    }
}

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No token of this host, or not all of it.
    #[error("the token is not one of this host: check that all of it was copied")]
    Unknown,
    /// Its time is over.
    #[error("the token has expired: ask an admin for a new one")]
    Expired,
    /// An admin revoked it.
    #[error("the token was revoked: ask an admin for a new one")]
    Revoked,
}

/// What a token is asked for with.
#[derive(Clone, Debug)]
pub struct TokenWish<'a> {
    /// What its admin calls it; 1 to [`limits::API_TOKEN_NAME_BYTES_MAX`] bytes.
    pub name: &'a str,
    /// Its role.
    pub role: Role,
    /// How long it is good; 1 to [`limits::API_TOKEN_DAYS_MAX`] days.
    pub days: u32,
    /// Who asks, for the audit log.
    pub actor: &'a str,
}

/// A token that was just created: the only moment at which its text is known.
pub struct NewToken {
    /// What to call with.
    pub text: String,
    /// What was stored of it.
    pub row: TokenRow,
}

impl App {
    /// Creates a token. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`Error::Unfit`] names what is wrong with the wish; the store.
    pub async fn create_token(&self, wish: TokenWish<'_>) -> Result<NewToken, Error> {
        let TokenWish { name, role, days, actor } = wish;
        if name.is_empty() || name.len() > limits::API_TOKEN_NAME_BYTES_MAX || name.chars().any(char::is_control) {
            let most = limits::API_TOKEN_NAME_BYTES_MAX;
            return Err(Error::Unfit { what: "name", reason: format!("1 to {most} bytes, no control characters") });
        }
        if !(1..=limits::API_TOKEN_DAYS_MAX).contains(&days) {
            return Err(Error::Unfit { what: "days", reason: format!("1 to {}", limits::API_TOKEN_DAYS_MAX) });
        }
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        self.clock.fill_random(&mut id);
        self.clock.fill_random(&mut secret);
        let id = hex::encode(id);
        let text = print(&id, &secret);
        let now = self.clock.now();
        let row = TokenRow {
            hash: hash(&text),
            name: name.to_owned(),
            role: role.to_string(),
            created: now,
            expires: now.plus_ms(u64::from(days) * DAY_MS),
            used: None,
            revoked: None,
            id,
        };
        let detail = format!("`{name}` as {role} for {days} days");
        let record = audit::Record::new(actor, "token.create", format!("token:{}", row.id), detail);
        let mut commit = self.store.begin(&self.tenant, record, now).await?;
        commit.add_token(&row).await?;
        commit.finish().await?;
        Ok(NewToken { text, row })
    }

    /// Whose token this is, if it is good now. Writes down that it was seen.
    ///
    /// # Errors
    /// The store; what is wrong with the token is the inner result.
    pub async fn who(&self, text: &str) -> Result<Result<Who, Denied>, Error> {
        let Some(id) = read_id(text) else { return Ok(Err(Denied::Unknown)) };
        let Some(row) = self.store.token(&self.tenant, id).await? else { return Ok(Err(Denied::Unknown)) };
        let now = self.clock.now();
        let who = verify(text, &row, now);
        let is_seen_lately = row.used.is_some_and(|used| now.since_ms(used) < limits::API_TOKEN_USED_MS);
        if who.is_ok() && !is_seen_lately {
            // Only a sign for people: a database that is busy must not refuse a good token for it.
            if let Err(error) = self.store.touch_token(&self.tenant, &row.id, now).await {
                tracing::warn!(%error, token = row.id, "the token's last use is not written down");
            }
        }
        Ok(who)
    }

    /// At most `most` tokens behind the one with the id `after` (empty: from the newest on), newest first; none of their
    /// texts.
    ///
    /// # Errors
    /// The store.
    pub async fn tokens(&self, after: &str, most: u32) -> Result<Vec<TokenRow>, Error> {
        Ok(self.store.tokens(&self.tenant, after, most).await?)
    }

    /// Makes a token good for nothing at once.
    ///
    /// # Errors
    /// There is no such token, or the store.
    pub async fn revoke_token(&self, id: &str, actor: &str) -> Result<(), Error> {
        let absent = || Error::Absent { what: "token", name: id.to_owned() };
        self.store.token(&self.tenant, id).await?.ok_or_else(absent)?;
        let record = audit::Record::new(actor, "token.revoke", format!("token:{id}"), "");
        let mut commit = self.store.begin(&self.tenant, record, self.clock.now()).await?;
        commit.revoke_token(id).await?;
        Ok(commit.finish().await?)
    }
}

/// That a token expired or was revoked is told only to those who know all of it.
fn verify(text: &str, row: &TokenRow, now: At) -> Result<Who, Denied> {
    if !bool::from(hash(text).ct_eq(&row.hash)) {
        return Err(Denied::Unknown);
    }
    if row.revoked.is_some() {
        return Err(Denied::Revoked);
    }
    if now >= row.expires {
        return Err(Denied::Expired);
    }
    let role = row.role.parse().map_err(|_| Denied::Unknown)?;
    Ok(Who { id: row.id.clone(), name: row.name.clone(), role })
}

fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text).to_vec()
}

fn print(id: &str, secret: &[u8]) -> String {
    let body = format!("{PREFIX}{id}_{}", hex::encode(secret));
    let checksum = checksum(&body);
    body + &checksum
}

/// The id in a token's text, if all of the text is there.
fn read_id(text: &str) -> Option<&str> {
    let (body, given) = text.split_at_checked(text.len().checked_sub(CHECKSUM_CHARS)?)?;
    let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    let is_whole = id.len() == 2 * ID_BYTES && secret.len() == 2 * SECRET_BYTES && checksum(body) == given;
    is_whole.then_some(id)
}

/// The CRC-32 in base 62, always six characters.
fn checksum(body: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = flate2::Crc::new();
    crc.update(body.as_bytes());
    let mut rest = crc.sum() as usize;
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % DIGITS.len()];
        rest /= DIGITS.len();
    }
    digits.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> TokenRow {
        TokenRow {
            id: "0011223344556677".into(),
            name: "n".into(),
            role: "auditor".into(),
            hash: hash(text),
            created: At(0),
            expires: At(100),
            used: None,
            revoked: None,
        }
    }

    /// A token's text leads to its id; one with any character changed, missing or added does not. Every position of the
    /// text is tried.
    #[test]
    fn damaged_tokens_are_recognised() {
        let text = print("0011223344556677", &[0xab; SECRET_BYTES]);
        assert_eq!(text.len(), PREFIX.len() + 16 + 1 + 64 + CHECKSUM_CHARS);
        assert_eq!(read_id(&text), Some("0011223344556677"));
        for at in 0..text.len() {
            let (before, after) = (&text[..at], &text[at + 1..]);
            let other = if text.as_bytes()[at] == b'x' { "y" } else { "x" };
            for damaged in [format!("{before}{other}{after}"), format!("{before}{after}"), format!("{before}é{after}")]
            {
                assert_eq!(read_id(&damaged), None, "{damaged}");
            }
        }
        for text in ["", "tollgate_", "Bearer", "ééé", "tollgate__000000"] {
            assert_eq!(read_id(text), None, "{text}");
        }
    }

    /// The checksum is the CRC-32 of the text before it: the standard's own check value, 0xCBF43926, in base 62.
    #[test]
    fn the_checksum_is_a_crc_32() {
        let digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let number = checksum("123456789").chars().fold(0, |sum, c| sum * 62 + digits.find(c).unwrap() as u64);
        assert_eq!(number, 0xCBF4_3926);
    }

    /// A token is good until the instant at which it expires and until it is revoked; who does not know its secret is
    /// told neither.
    #[test]
    fn tokens_end() {
        let text = print("0011223344556677", &[1; SECRET_BYTES]);
        let other = print("0011223344556677", &[2; SECRET_BYTES]);
        let revoked = TokenRow { revoked: Some(At(5)), ..row(&text) };
        let cases = [
            (&text, row(&text), 99, None),
            (&text, row(&text), 100, Some(Denied::Expired)),
            (&text, revoked.clone(), 6, Some(Denied::Revoked)),
            (&text, revoked.clone(), 200, Some(Denied::Revoked)),
            (&other, row(&text), 99, Some(Denied::Unknown)),
            (&other, row(&text), 100, Some(Denied::Unknown)),
            (&other, revoked, 6, Some(Denied::Unknown)),
            (&text, TokenRow { role: "king".into(), ..row(&text) }, 1, Some(Denied::Unknown)),
        ];
        for (text, row, now, denied) in cases {
            assert_eq!(verify(text, &row, At(now)).err(), denied, "{row:?} at {now}");
        }
    }
}
