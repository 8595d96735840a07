//! What needs somebody: everything that is stuck, since when, and the command that mends it.
//!
//! [`judge`] is a pure function from facts to lines; the facts are gathered by [`App::overview`].

use super::access::Role;
use super::{App, Error};
use crate::engine::Status;
use crate::store::{self, Kind, StuckRow, TokenRow};
use tollgate_core::model::manifest::{Attach, Client, ConsentClient};
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{At, FlowName, Manifest, limits};

/// What a flow is doing, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It reads or writes.
    Working,
    /// Its source is read to the end and nothing moves.
    Idle,
    /// It stands still until somebody resumes it.
    Paused,
    /// It cannot go on for now.
    Trouble,
    /// This node does not run it.
    Stopped,
}

impl Doing {
    /// What a flow does that has this status here; none where this node does not run it.
    pub fn of(status: Option<&Status>, is_paused: bool) -> Self {
        match status {
            _ if is_paused => Doing::Paused,
            None => Doing::Stopped,
            Some(status) if status.trouble.is_some() => Doing::Trouble,
            Some(status) if status.is_idle => Doing::Idle,
            Some(_) => Doing::Working,
        }
    }

    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Doing::Working => "working",
            Doing::Idle => "idle",
            Doing::Paused => "paused",
            Doing::Trouble => "trouble",
            Doing::Stopped => "stopped",
        }
    }
}

/// One flow.
#[derive(Clone, Debug)]
pub struct FlowFacts {
    /// Its name.
    pub name: FlowName,
    /// What it is doing.
    pub doing: Doing,
    /// Why it cannot go on, or why somebody paused it.
    pub why: Option<String>,
    /// Since when.
    pub since: Option<At>,
    /// What became of its changes.
    pub tally: Tally,
    /// What waits, by kind, rule and table need.
    pub waiting: Vec<StuckRow>,
}

/// One remote account's day.
#[derive(Clone, Debug)]
pub struct AccountFacts {
    /// The account.
    pub account: String,
    /// Calls in the last 24 hours.
    pub used: u64,
    /// Calls in 24 hours, at most.
    pub limit_per_day: Option<u64>,
}

/// All that is known of a host at one moment.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The flows, by name.
    pub flows: Vec<FlowFacts>,
    /// Connection and name of each secret that a manifest asks for and nobody has set.
    pub secrets_missing: Vec<(String, String)>,
    /// The accounts.
    pub accounts: Vec<AccountFacts>,
    /// The tokens that are not revoked.
    pub tokens: Vec<TokenRow>,
}

/// One thing that needs somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// What it is: `flow orders`.
    pub what: String,
    /// Why.
    pub why: String,
    /// Since when, if that is known.
    pub since: Option<At>,
    /// How many records it concerns.
    pub count: Option<u64>,
    /// The command that mends it.
    pub mend: String,
}

/// A host at one moment.
pub struct Overview {
    /// The facts.
    pub facts: Facts,
    /// What needs somebody; at most [`limits::STATUS_LINES_MAX`].
    pub stuck: Vec<Stuck>,
}

impl App {
    /// Everything that is stuck, with the command that mends it; tokens only for those who may see them.
    ///
    /// # Errors
    /// The store, or stored documents that cannot be read.
    pub async fn overview(&self, has_tokens: bool) -> Result<Overview, Error> {
        let mut facts = Facts::default();
        for flow in self.flows().await? {
            let status = self.status(&flow.flow).await;
            let state = self.flow_state(&flow.flow).await?;
            let doing = Doing::of(status.as_ref(), state.is_paused);
            let (why, since) = match status {
                _ if state.is_paused => (Some(paused_by(&state)), state.since),
                Some(status) => (status.trouble, status.trouble_since),
                None => (None, None),
            };
            facts.flows.push(FlowFacts {
                doing,
                why,
                since,
                tally: self.tally(&flow.flow).await?,
                waiting: self.store.stuck(&self.tenant, &flow.flow, limits::STATUS_LINES_MAX).await?,
                name: flow.flow,
            });
        }
        let plugins = self.store.plugins(&self.tenant).await?;
        for (connection, secrets) in self.connections().await? {
            let row = plugins.iter().find(|row| row.name == connection.plugin);
            let manifest = row.and_then(|row| Manifest::parse(&row.manifest).ok());
            let wanted = manifest.into_iter().flat_map(|manifest| manifest.credentials);
            for name in wanted.flat_map(|credential| secrets_of(&credential.attach)) {
                if secrets.iter().all(|set| set != name) {
                    facts.secrets_missing.push((connection.connection.to_string(), (*name).to_owned()));
                }
            }
            let account = connection.account.to_string();
            if facts.accounts.iter().all(|known| known.account != account) {
                let usage = self.usage(&connection.account);
                facts.accounts.push(AccountFacts { account, used: usage.used, limit_per_day: usage.limit_per_day });
            }
        }
        if has_tokens {
            facts.tokens = self
                .tokens("", limits::API_ROWS_MAX)
                .await?
                .into_iter()
                .filter(|token| token.revoked.is_none())
                .collect();
        }
        let stuck = judge(&facts, self.clock.now());
        Ok(Overview { facts, stuck })
    }
}

/// The secret that a person's consent brings.
const REFRESH_TOKEN: &str = "refresh_token";

fn paused_by(state: &store::FlowState) -> String {
    let reason = if state.reason.is_empty() { String::new() } else { format!(": {}", state.reason) };
    format!("{} paused it{reason}", state.actor)
}

/// The secrets that it needs.
fn secrets_of(attach: &Attach) -> &'static [&'static str] {
    match attach {
        Attach::Bearer {} => &["token"],
        Attach::ClientCredentials { client: Client::Secret {}, .. } => &["client_id", "client_secret"],
        Attach::ClientCredentials { client: Client::Jwt { .. }, .. } => &["client_id", "key_id", "private_key"],
        Attach::AuthorizationCode { client: ConsentClient::Secret {}, .. } => {
            &["client_id", "client_secret", REFRESH_TOKEN]
        }
        Attach::AuthorizationCode { client: ConsentClient::None {}, .. } => &["client_id", REFRESH_TOKEN],
    }
}

/// What needs somebody: first what stops flows, then what waits, by the number of records, then what will stop soon.
pub fn judge(facts: &Facts, now: At) -> Vec<Stuck> {
    let mut stuck: Vec<Stuck> = facts.flows.iter().filter_map(flow).collect();
    stuck.extend(facts.secrets_missing.iter().map(|(connection, name)| Stuck {
        what: format!("connection {connection}"),
        why: format!("the secret `{name}` is not set, and its plugin cannot reach the account without it"),
        since: None,
        count: None,
        mend: match name.as_str() {
            REFRESH_TOKEN => format!("tollgate connection consent {}", quoted(connection)),
            name => format!("tollgate secret set {} {}", quoted(connection), quoted(name)),
        },
    }));
    stuck.extend(facts.accounts.iter().filter_map(account));
    let mut waiting: Vec<Stuck> =
        facts.flows.iter().flat_map(|flow| flow.waiting.iter().filter_map(|row| waits(&flow.name, row, now))).collect();
    waiting.sort_by_key(|one| std::cmp::Reverse(one.count));
    stuck.extend(waiting);
    stuck.extend(facts.tokens.iter().filter_map(|row| token(row, now)));
    stuck.truncate(limits::STATUS_LINES_MAX as usize);
    stuck
}

fn flow(flow: &FlowFacts) -> Option<Stuck> {
    let name = quoted(flow.name.as_str());
    let (why, mend) = match (flow.doing, &flow.why) {
        (Doing::Trouble, Some(why)) => (why.clone(), format!("tollgate run list {name} --state failed")),
        (Doing::Paused, Some(why)) => (why.clone(), format!("tollgate flow resume {name}")),
        (Doing::Stopped, _) => ("this host does not run it".to_owned(), format!("tollgate flow show {name}")),
        _ if !flow.tally.is_conserved() => {
            let why = "its counts do not add up: changes that were read are not accounted for".to_owned();
            (why, format!("tollgate flow show {name} --json"))
        }
        _ => return None,
    };
    Some(Stuck { what: format!("flow {}", flow.name), why, since: flow.since, count: None, mend })
}

fn account(account: &AccountFacts) -> Option<Stuck> {
    let limit = account.limit_per_day.filter(|limit| account.used >= *limit)?;
    Some(Stuck {
        what: format!("account {}", account.account),
        why: format!("its budget is used up: {} of {limit} calls in 24 hours", account.used),
        since: None,
        count: None,
        mend: "tollgate account list".into(),
    })
}

fn waits(flow: &FlowName, row: &StuckRow, now: At) -> Option<Stuck> {
    let name = quoted(flow.as_str());
    let rule = quoted(&row.rule);
    // A reference is usually there within minutes.
    if row.kind == Kind::Hold && row.rule == "reference" && now.since_ms(row.since) < limits::STATUS_HOLD_MS {
        return None;
    }
    let (why, mend) = match (row.kind, &row.need) {
        (_, Some(need)) => {
            let (table, value) = need.strip_prefix("table:")?.split_once(':')?;
            // A value that is too long to be a need stands as its hash: then a person looks at the record.
            let mend = if value.starts_with("sha256-") {
                format!("tollgate set-aside list {name} --kind {} --rule {rule}", row.kind.as_str())
            } else {
                format!("tollgate table set {} {} VALUE", quoted(table), quoted(value))
            };
            (format!("table `{table}` has no row for `{value}`"), mend)
        }
        (Kind::Hold, None) if row.rule == crate::store::PARKED => (
            "nobody knows whether the target stored these: look there first, then release or discard each".to_owned(),
            format!("tollgate set-aside list {name} --kind hold --rule {rule}"),
        ),
        (Kind::Hold, None) => (
            format!("held by `{}`: {}", row.rule, row.reason),
            format!("tollgate set-aside list {name} --kind hold --rule {rule}"),
        ),
        (Kind::Exception, None) => (
            format!("refused by `{}`: {}", row.rule, row.reason),
            format!("tollgate set-aside list {name} --kind exception --rule {rule}"),
        ),
        (Kind::DeadLetter, None) => (
            format!("given up: {}", row.reason),
            format!("tollgate set-aside release {name} --kind dead-letter --rule {rule}"),
        ),
    };
    let what = format!("flow {flow}: {} {}", row.count, row.kind.as_str());
    Some(Stuck { what, why, since: Some(row.since), count: Some(row.count), mend })
}

fn token(row: &TokenRow, now: At) -> Option<Stuck> {
    let is_over = now >= row.expires;
    let is_near = !is_over && row.expires.since_ms(now) < limits::STATUS_TOKEN_MS;
    // One that is long over is missed by nobody.
    let is_missed = is_over && now.since_ms(row.expires) < limits::STATUS_TOKEN_MS;
    if !is_near && !is_missed {
        return None;
    }
    let role = row.role.parse().unwrap_or(Role::Auditor);
    Some(Stuck {
        what: format!("token {} ({})", row.id, row.name),
        why: if is_over { "it has expired".into() } else { format!("it expires at {}", row.expires) },
        since: is_over.then_some(row.expires),
        count: None,
        mend: format!("tollgate token create --name {} --role {role}", quoted(&row.name)),
    })
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: At = At(100_000_000_000);

    fn row(kind: Kind, rule: &str, need: Option<&str>, age_ms: i64) -> StuckRow {
        let since = At(NOW.0 - age_ms);
        StuckRow { kind, rule: rule.into(), need: need.map(Into::into), count: 3, since, reason: "why".into() }
    }

    fn facts(row: StuckRow) -> Facts {
        let name = FlowName::from("orders");
        let (doing, tally) = (Doing::Idle, Tally::default());
        let flow = FlowFacts { name, doing, why: None, since: None, tally, waiting: vec![row] };
        Facts { flows: vec![flow], ..Facts::default() }
    }

    /// Each reason to wait has its own command; a value is quoted for the shell; a reference that is young is nobody's business.
    #[test]
    fn what_waits_is_told_with_its_command() {
        let young = 1_000;
        let old = i64::try_from(limits::STATUS_HOLD_MS).unwrap();
        let cases = [
            (
                row(Kind::Exception, "table", Some("table:product:GTXPro"), young),
                Some("tollgate table set product GTXPro VALUE"),
            ),
            (
                row(Kind::Exception, "country", Some("table:country:a'b c"), young),
                Some(r"tollgate table set country 'a'\''b c' VALUE"),
            ),
            (
                row(Kind::Exception, "t", Some("table:x:sha256-00"), young),
                Some("tollgate set-aside list orders --kind exception --rule t"),
            ),
            (
                row(Kind::Exception, "required", None, young),
                Some("tollgate set-aside list orders --kind exception --rule required"),
            ),
            (
                row(Kind::DeadLetter, "attempts", None, young),
                Some("tollgate set-aside release orders --kind dead-letter --rule attempts"),
            ),
            (row(Kind::Hold, "parked", None, young), Some("tollgate set-aside list orders --kind hold --rule parked")),
            (row(Kind::Hold, "reference", None, young), None),
            (
                row(Kind::Hold, "reference", None, old),
                Some("tollgate set-aside list orders --kind hold --rule reference"),
            ),
        ];
        for (row, mend) in cases {
            let stuck = judge(&facts(row.clone()), NOW);
            assert_eq!(stuck.first().map(|one| one.mend.as_str()), mend, "{row:?}");
            assert!(stuck.iter().all(|one| one.since == Some(row.since) && one.count == Some(3)));
        }
    }

    /// A flow in trouble and one that is not run, a budget that is used up, a secret that is missing, tokens that end: each
    /// is told, and one that is well is not. The list is bounded.
    #[test]
    fn what_stops_is_told() {
        let mut all = facts(row(Kind::Hold, "reference", None, 0));
        assert_eq!(judge(&all, NOW), []);
        let cases = [
            (Doing::Trouble, "down", "tollgate run list orders --state failed"),
            (Doing::Paused, "ann paused it: audit", "tollgate flow resume orders"),
            (Doing::Stopped, "this host does not run it", "tollgate flow show orders"),
        ];
        for (doing, why, mend) in cases {
            (all.flows[0].doing, all.flows[0].why, all.flows[0].since) = (doing, Some(why.to_owned()), Some(At(5)));
            let told = judge(&all, NOW).remove(0);
            assert_eq!((told.why.as_str(), told.mend.as_str(), told.since), (why, mend, Some(At(5))));
        }
        (all.flows[0].doing, all.flows[0].why) = (Doing::Idle, None);
        all.flows[0].tally.read = 1;
        assert!(judge(&all, NOW)[0].why.contains("do not add up"));
        all.flows.clear();
        all.secrets_missing = vec![("crm".into(), "key".into())];
        assert_eq!(judge(&all, NOW)[0].mend, "tollgate secret set crm key");
        all.secrets_missing = vec![("crm".into(), REFRESH_TOKEN.into())];
        assert_eq!(judge(&all, NOW)[0].mend, "tollgate connection consent crm");
        all.secrets_missing.clear();
        for (used, is_told) in [(9, false), (10, true)] {
            all.accounts = vec![AccountFacts { account: "a".into(), used, limit_per_day: Some(10) }];
            assert_eq!(judge(&all, NOW).len(), usize::from(is_told), "{used}");
        }
        all.accounts.clear();
        let near = i64::try_from(limits::STATUS_TOKEN_MS).unwrap();
        for (left_ms, is_told) in [(near, false), (near - 1, true), (0, true), (1 - near, true), (-near, false)] {
            let expires = At(NOW.0 + left_ms);
            let token = TokenRow {
                id: "1".into(),
                name: "ci".into(),
                role: "vendor".into(),
                hash: Vec::new(),
                created: At(0),
                expires,
                used: None,
                revoked: None,
            };
            all.tokens = vec![token];
            assert_eq!(judge(&all, NOW).len(), usize::from(is_told), "{left_ms}");
        }
        all.secrets_missing = vec![("crm".into(), "key".into()); 2 * limits::STATUS_LINES_MAX as usize];
        assert_eq!(judge(&all, NOW).len(), limits::STATUS_LINES_MAX as usize);
    }
}
