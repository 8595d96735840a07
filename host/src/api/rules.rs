//! Which right each route needs, and which role has which right: the whole of authorization on one page.
//!
//! Decision: a table and a list of holders for each right, not a policy engine: five roles and a dozen rights fit on a screen, and an
//! engine can take the place of [`may`] without anybody noticing. A route without a row here answers nobody.

use crate::app::access::Role;

/// What a route lets somebody do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See connections, documents and translation tables.
    ReadConfiguration,
    /// See plugins and what they may do; nothing of a tenant.
    ReadPlugins,
    /// Install a plugin, which does nothing until it is active.
    UploadPlugin,
    /// Decide which version of a plugin is used, and delete versions.
    ActivatePlugin,
    /// Change connections, entity maps and flows.
    Configure,
    /// See flows, their runs and counts; no record.
    ReadFlows,
    /// See records that are set aside or flagged: business data.
    ReadRecords,
    /// Have records fetched and shown with what would become of them, or with what does not fit their map.
    TryRecords,
    /// Have a plugin try a connection, or say what it offers.
    CheckConnection,
    /// Look records up in a system: business data, and a call that reaches out.
    FindRecords,
    /// Confirm which remote account a connection is to lead to.
    ConfirmAccount,
    /// Set and remove a credential, or ask for a consent that does.
    SetSecret,
    /// Start, pause, resume and cancel a flow, and have it start over.
    Operate,
    /// Release, correct and discard what is set aside.
    MendRecords,
    /// Change a row of a translation table.
    SetTables,
    /// See who has tokens.
    ReadTokens,
    /// Create and revoke tokens.
    ManageTokens,
    /// See who did what.
    ReadAudit,
}

impl Right {
    /// Whether using it changes something or reaches out: such a request is written down before it is done. What is not
    /// known to be a look is an act.
    pub fn is_act(self) -> bool {
        !matches!(
            self,
            Right::ReadPlugins
                | Right::ReadConfiguration
                | Right::ReadFlows
                | Right::ReadRecords
                | Right::ReadTokens
                | Right::ReadAudit
        )
    }
}

/// Whether a role has a right.
pub fn may(role: Role, right: Right) -> bool {
    role == Role::Admin || holders(right).contains(&role)
}

/// Who has a right beside the admin, who has all.
///
/// A vendor ships plugins and sees which are there, and nothing of a tenant: not even which connections use them. An
/// approver sees no records: what a plugin may do is decided from its page, not from a customer's data.
fn holders(right: Right) -> &'static [Role] {
    match right {
        Right::ReadPlugins => &[Role::Vendor, Role::Operator, Role::Approver, Role::Auditor],
        Right::UploadPlugin => &[Role::Vendor],
        Right::ActivatePlugin => &[],
        Right::Configure => &[],
        Right::ReadConfiguration | Right::ReadFlows => &[Role::Operator, Role::Approver, Role::Auditor],
        Right::ReadRecords => &[Role::Operator, Role::Auditor],
        Right::TryRecords => &[Role::Operator],
        Right::CheckConnection => &[Role::Operator],
        Right::FindRecords => &[Role::Operator],
        Right::Operate => &[Role::Operator],
        Right::MendRecords => &[Role::Operator],
        Right::SetTables => &[Role::Operator],
        Right::ReadTokens => &[Role::Auditor],
        Right::ReadAudit => &[Role::Auditor],
        Right::ConfirmAccount => &[],
        Right::SetSecret => &[],
        Right::ManageTokens => &[],
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
    ("GET", "/v1/plugins", Rule::Needs(Right::ReadPlugins)),
    ("POST", "/v1/plugins", Rule::Needs(Right::UploadPlugin)),
    ("POST", "/v1/plugins/rollback", Rule::Needs(Right::ActivatePlugin)),
    ("GET", "/v1/plugins/{digest}", Rule::Needs(Right::ReadPlugins)),
    ("DELETE", "/v1/plugins/{digest}", Rule::Needs(Right::ActivatePlugin)),
    ("POST", "/v1/plugins/{digest}/activate", Rule::Needs(Right::ActivatePlugin)),
    ("GET", "/v1/configuration", Rule::Needs(Right::ReadConfiguration)),
    ("POST", "/v1/configuration/apply", Rule::Needs(Right::Configure)),
    ("POST", "/v1/configuration/rollback", Rule::Needs(Right::Configure)),
    ("GET", "/v1/configuration/revisions", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/configuration/revisions/{revision}", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/connections", Rule::Needs(Right::ReadConfiguration)),
    ("POST", "/v1/connections/{name}/check", Rule::Needs(Right::CheckConnection)),
    ("GET", "/v1/connections/{name}", Rule::Needs(Right::ReadConfiguration)),
    ("POST", "/v1/connections/{name}/discover", Rule::Needs(Right::CheckConnection)),
    ("POST", "/v1/connections/{name}/confirm", Rule::Needs(Right::ConfirmAccount)),
    ("PUT", "/v1/connections/{name}/secrets/{secret}", Rule::Needs(Right::SetSecret)),
    ("POST", "/v1/connections/{name}/find", Rule::Needs(Right::FindRecords)),
    ("DELETE", "/v1/connections/{name}/secrets/{secret}", Rule::Needs(Right::SetSecret)),
    ("GET", "/v1/accounts", Rule::Needs(Right::ReadFlows)),
    ("POST", "/v1/connections/{name}/consent", Rule::Needs(Right::SetSecret)),
    ("GET", "/v1/connections/{name}/consent", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/consent/callback", Rule::Open),
    // Reasons quote values of records.
    ("GET", "/v1/status", Rule::Needs(Right::ReadRecords)),
    ("GET", "/v1/flows", Rule::Needs(Right::ReadFlows)),
    ("GET", "/v1/flows/{flow}", Rule::Needs(Right::ReadFlows)),
    ("POST", "/v1/flows/{flow}/start", Rule::Needs(Right::Operate)),
    ("POST", "/v1/flows/{flow}/pause", Rule::Needs(Right::Operate)),
    ("POST", "/v1/flows/{flow}/resume", Rule::Needs(Right::Operate)),
    ("POST", "/v1/flows/{flow}/cancel", Rule::Needs(Right::Operate)),
    ("POST", "/v1/flows/{flow}/read-anew", Rule::Needs(Right::Operate)),
    ("GET", "/v1/flows/{flow}/set-aside", Rule::Needs(Right::ReadRecords)),
    ("GET", "/v1/flows/{flow}/set-aside/counts", Rule::Needs(Right::ReadFlows)),
    ("POST", "/v1/flows/{flow}/set-aside/release", Rule::Needs(Right::MendRecords)),
    ("POST", "/v1/flows/{flow}/set-aside/discard", Rule::Needs(Right::MendRecords)),
    ("GET", "/v1/flows/{flow}/set-aside/{key}", Rule::Needs(Right::ReadRecords)),
    ("PUT", "/v1/flows/{flow}/set-aside/{key}", Rule::Needs(Right::MendRecords)),
    ("POST", "/v1/flows/{flow}/set-aside/{key}/release", Rule::Needs(Right::MendRecords)),
    ("POST", "/v1/flows/{flow}/set-aside/{key}/discard", Rule::Needs(Right::MendRecords)),
    ("GET", "/v1/flows/{flow}/flagged", Rule::Needs(Right::ReadRecords)),
    ("POST", "/v1/flows/{flow}/try", Rule::Needs(Right::TryRecords)),
    // What it finds quotes values of records.
    ("POST", "/v1/entities/{entity}/check", Rule::Needs(Right::TryRecords)),
    ("GET", "/v1/flows/{flow}/runs", Rule::Needs(Right::ReadFlows)),
    ("GET", "/v1/runs/{run}", Rule::Needs(Right::ReadFlows)),
    ("GET", "/v1/runs/{run}/calls", Rule::Needs(Right::ReadFlows)),
    ("GET", "/v1/tables/{table}/rows/{from}", Rule::Needs(Right::ReadConfiguration)),
    ("PUT", "/v1/tables/{table}/rows/{from}", Rule::Needs(Right::SetTables)),
    ("DELETE", "/v1/tables/{table}/rows/{from}", Rule::Needs(Right::SetTables)),
    ("GET", "/v1/tables/{table}/rows/{from}/history", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/tables/{table}/rows", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/tables", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/documents", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/documents/{kind}/{name}", Rule::Needs(Right::ReadConfiguration)),
    ("DELETE", "/v1/documents/{kind}/{name}", Rule::Needs(Right::Configure)),
    ("GET", "/v1/documents/{kind}/{name}/history", Rule::Needs(Right::ReadConfiguration)),
    ("GET", "/v1/tokens", Rule::Needs(Right::ReadTokens)),
    ("POST", "/v1/tokens", Rule::Needs(Right::ManageTokens)),
    ("DELETE", "/v1/tokens/{id}", Rule::Needs(Right::ManageTokens)),
    ("GET", "/v1/audit", Rule::Needs(Right::ReadAudit)),
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
    /// sees records, who audits changes nothing, and a vendor ships plugins, sees nothing of a tenant and switches nothing on.
    #[test]
    fn duties_are_apart() {
        let all: Vec<Right> = RULES
            .iter()
            .filter_map(|(_, _, rule)| if let Rule::Needs(right) = rule { Some(*right) } else { None })
            .collect();
        for right in all {
            let only_admin = matches!(
                right,
                Right::ConfirmAccount
                    | Right::SetSecret
                    | Right::ManageTokens
                    | Right::Configure
                    | Right::ActivatePlugin
            );
            assert!(may(Role::Admin, right));
            let is_of_plugins = matches!(right, Right::ReadPlugins | Right::UploadPlugin);
            assert_eq!(may(Role::Vendor, right), is_of_plugins, "{right:?}");
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
