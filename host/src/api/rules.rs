//! Which right each route needs, and which role has which right: the whole of authorization on one page.
//!
//! Decision: a table and an exhaustive match, not a policy engine: five roles and a dozen rights fit on a screen, and an
//! engine can take the place of [`may`] without anybody noticing. A route without a row here answers nobody.

use crate::app::access::Role;

/// What a route lets somebody do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See plugins, connections, documents and translation tables.
    ReadConfiguration,
    /// See flows, their runs and counts; no record.
    ReadFlows,
    /// See records that are set aside or flagged: business data.
    ReadRecords,
    /// Have records fetched and shown with what would become of them, or with what does not fit their map.
    TryRecords,
    /// Have a plugin try a connection.
    CheckConnection,
    /// Replace a credential.
    SetSecret,
    /// Have a flow start over.
    Operate,
    /// Release, correct and discard what is set aside.
    MendRecords,
    /// Change a row of a translation table.
    SetTables,
    /// See who has tokens.
    ReadTokens,
    /// Create and revoke tokens.
    ManageTokens,
}

impl Right {
    /// Whether using it changes something or reaches out: such a request is written down before it is done.
    pub fn is_act(self) -> bool {
        match self {
            Right::ReadConfiguration | Right::ReadFlows | Right::ReadRecords | Right::ReadTokens => false,
            Right::TryRecords
            | Right::CheckConnection
            | Right::SetSecret
            | Right::Operate
            | Right::MendRecords
            | Right::SetTables
            | Right::ManageTokens => true,
        }
    }
}

/// Whether a role has a right.
///
/// A vendor has none yet: what it may see is the health of its own plugins, and a token does not name a vendor. An
/// approver sees no records: what a plugin may do is decided from its page, not from a customer's data.
pub fn may(role: Role, right: Right) -> bool {
    match (role, right) {
        (Role::Admin, _) => true,
        (Role::Vendor, _) => false,
        (Role::Operator | Role::Approver | Role::Auditor, Right::ReadConfiguration | Right::ReadFlows) => true,
        (Role::Operator | Role::Auditor, Right::ReadRecords) => true,
        (
            Role::Operator,
            Right::TryRecords | Right::CheckConnection | Right::Operate | Right::MendRecords | Right::SetTables,
        ) => true,
        (Role::Auditor, Right::ReadTokens) => true,
        (Role::Operator, Right::SetSecret | Right::ReadTokens | Right::ManageTokens) => false,
        (
            Role::Approver,
            Right::ReadRecords
            | Right::TryRecords
            | Right::CheckConnection
            | Right::SetSecret
            | Right::Operate
            | Right::MendRecords
            | Right::SetTables
            | Right::ReadTokens
            | Right::ManageTokens,
        ) => false,
        (
            Role::Auditor,
            Right::TryRecords
            | Right::CheckConnection
            | Right::SetSecret
            | Right::Operate
            | Right::MendRecords
            | Right::SetTables
            | Right::ManageTokens,
        ) => false,
    }
}

/// Who gets an answer from a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anybody, without a token: nothing of a tenant is in the answer.
    Open,
    /// Those whose role has the right.
    Needs(Right),
}

/// Every route: method, path as the router writes it, rule.
pub const RULES: &[(&str, &str, Rule)] = &[
    ("GET", "/healthz", Rule::Open),
    ("GET", "/readyz", Rule::Open),
    ("GET", "/v1/openapi.json", Rule::Open),
    ("GET", "/v1/plugins", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/connections", Rule::Needs(Right::ReadConfiguration)),
    ("POST", "/v1/connections/{name}/check", Rule::Needs(Right::CheckConnection)),
    ("PUT", "/v1/connections/{name}/secrets/{secret}", Rule::Needs(Right::SetSecret)),
    // Reasons quote values of records.
    ("GET", "/v1/status", Rule::Needs(Right::ReadRecords)),
    ("GET", "/v1/flows", Rule::Needs(Right::ReadFlows)),
    ("GET", "/v1/flows/{flow}", Rule::Needs(Right::ReadFlows)),
    ("POST", "/v1/flows/{flow}/read-anew", Rule::Needs(Right::Operate)),
    ("GET", "/v1/flows/{flow}/set-aside", Rule::Needs(Right::ReadRecords)),
    ("PUT", "/v1/flows/{flow}/set-aside/{key}", Rule::Needs(Right::MendRecords)),
    ("POST", "/v1/flows/{flow}/set-aside/{key}/release", Rule::Needs(Right::MendRecords)),
    ("POST", "/v1/flows/{flow}/set-aside/{key}/discard", Rule::Needs(Right::MendRecords)),
    ("GET", "/v1/flows/{flow}/flagged", Rule::Needs(Right::ReadRecords)),
    ("POST", "/v1/flows/{flow}/try", Rule::Needs(Right::TryRecords)),
    // What it finds quotes values of records.
    ("POST", "/v1/entities/{entity}/check", Rule::Needs(Right::TryRecords)),
    ("GET", "/v1/flows/{flow}/runs", Rule::Needs(Right::ReadFlows)),
    ("GET", "/v1/tables/{table}/rows/{from}", Rule::Needs(Right::ReadConfiguration)),
    ("PUT", "/v1/tables/{table}/rows/{from}", Rule::Needs(Right::SetTables)),
    ("GET", "/v1/documents", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/documents/{kind}/{name}", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/tokens", Rule::Needs(Right::ReadTokens)),
    ("POST", "/v1/tokens", Rule::Needs(Right::ManageTokens)),
    ("DELETE", "/v1/tokens/{id}", Rule::Needs(Right::ManageTokens)),
];

/// The rule of a route; none for one that has no row in [`RULES`].
pub fn find(method: &str, path: &str) -> Option<Rule> {
    // Whoever may GET may HEAD: the router answers both with one handler.
    let method = if method == "HEAD" { "GET" } else { method };
    RULES.iter().find(|(m, p, _)| (*m, *p) == (method, path)).map(|(_, _, rule)| *rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Duties are apart: nobody but an admin holds credentials or gives out tokens, who approves neither operates nor
    /// sees records, who audits changes nothing, and a vendor sees nothing of a tenant.
    #[test]
    fn duties_are_apart() {
        let all: Vec<Right> = RULES
            .iter()
            .filter_map(|(_, _, rule)| if let Rule::Needs(right) = rule { Some(*right) } else { None })
            .collect();
        for right in all {
            let only_admin = matches!(right, Right::SetSecret | Right::ManageTokens);
            assert!(may(Role::Admin, right));
            assert!(!may(Role::Vendor, right), "{right:?}");
            assert!(!only_admin || !may(Role::Operator, right), "{right:?}");
            assert!(!right.is_act() || !may(Role::Auditor, right) && !may(Role::Approver, right), "{right:?}");
        }
        assert!(!may(Role::Approver, Right::ReadRecords));
        assert!(may(Role::Auditor, Right::ReadRecords) && may(Role::Operator, Right::Operate));
    }

    /// HEAD follows GET; another method or a path without a row has no rule.
    #[test]
    fn only_listed_routes_have_a_rule() {
        assert_eq!(find("HEAD", "/v1/flows"), Some(Rule::Needs(Right::ReadFlows)));
        assert_eq!(find("POST", "/v1/flows"), None);
        assert_eq!(find("GET", "/v1/flow"), None);
    }
}
