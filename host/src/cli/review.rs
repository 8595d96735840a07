//! Everything that a plugin may do, on one page: read from the binary and from the manifest that admission compared
//! with it. Running nothing of the plugin.

use std::fmt::Write;
use tollgate_core::model::manifest::{Attach, Client, ConsentClient, Credential, Effect, Manifest, Route};
use tollgate_sandbox::Admitted;

/// The page, as plain text.
pub fn page(admitted: &Admitted) -> String {
    let manifest = admitted.manifest();
    let about = &manifest.plugin;
    let mut page = format!("{} {}  {}\n  {}\n", about.name, about.version, admitted.digest(), about.about);
    let _ = writeln!(page, "  imports  {}", short(admitted.imports()));
    let _ = writeln!(page, "  exports  {}", short(admitted.exports()));
    for endpoint in &manifest.endpoints {
        let from =
            endpoint.origin_from_token.as_ref().map(|member| format!(", origin named by the token's `{member}`"));
        let _ = writeln!(
            page,
            "  endpoint {:<6} https://{}{}: {}",
            endpoint.name,
            endpoint.host,
            from.unwrap_or_default(),
            endpoint.purpose
        );
    }
    for credential in &manifest.credentials {
        let _ = writeln!(page, "  secret   {}", credential_line(credential));
    }
    for (title, is_listed) in [("reads", true), ("writes", false)] {
        for route in manifest.routes.iter().filter(|route| (route.effect == Effect::None) == is_listed) {
            let _ = writeln!(page, "  {title:<8} {}", route_line(route));
        }
    }
    let _ = writeln!(page, "  limits   {}", limits_line(manifest));
    page
}

/// `tollgate:plugin/http@0.1.0` as `http`: the package is the same for all, or the plugin would not be admitted.
fn short(names: &[String]) -> String {
    let name = |name: &String| {
        let name = name.rsplit('/').next().unwrap_or(name);
        name.split('@').next().unwrap_or(name).to_owned()
    };
    format!("tollgate:plugin/{{{}}} and nothing else", names.iter().map(name).collect::<Vec<_>>().join(", "))
}

fn route_line(route: &Route) -> String {
    let effect = match route.effect {
        Effect::None => "",
        Effect::Repeatable => ", safe to repeat",
        Effect::Once => ", never repeated blindly",
    };
    format!("{} {}:{}{effect}", route.method, route.endpoint, route.path)
}

fn credential_line(credential: &Credential) -> String {
    let endpoints: Vec<&str> = credential.endpoints.iter().map(|name| name.as_str()).collect();
    let how = match &credential.attach {
        Attach::Bearer {} => "bearer token".to_owned(),
        Attach::ClientCredentials { client: Client::Secret {}, .. } => {
            "OAuth 2.0 client credentials, by secret".to_owned()
        }
        Attach::ClientCredentials { client: Client::Jwt { algorithm }, .. } => {
            format!("OAuth 2.0 client credentials, by {algorithm} assertion")
        }
        Attach::AuthorizationCode { authorize_endpoint, authorize_path, client, scope, rotates, .. } => {
            let client = match client {
                ConsentClient::Secret {} => "by secret",
                ConsentClient::None {} => "as a public client",
            };
            let scope = scope.as_ref().map(|scope| format!(", scope `{scope}`")).unwrap_or_default();
            let rotates = if *rotates { ", refresh tokens good for one use" } else { "" };
            format!(
                "OAuth 2.0 with PKCE, {client}: a person consents at {authorize_endpoint}:{authorize_path}{scope}{rotates}"
            )
        }
    };
    format!("{how}; attached by the gate to {}, never seen by the plugin", endpoints.join(", "))
}

fn limits_line(manifest: &Manifest) -> String {
    let mut limits = Vec::new();
    if let Some(calls) = manifest.budget.calls_per_day {
        limits.push(format!("{calls} calls a day"));
    }
    if let Some(concurrency) = manifest.budget.concurrency {
        limits.push(format!("{concurrency} calls at once"));
    }
    for window in &manifest.budget.windows {
        let what = window.name.as_ref().map_or_else(|| "calls".to_owned(), |name| format!("`{name}` calls"));
        limits.push(format!("{} {what} in {} s", window.calls, window.seconds));
    }
    if limits.is_empty() { "none stated by the vendor".into() } else { limits.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_core::model::EndpointName;

    /// A reviewer reads who consents where, to what, and whether refresh tokens can be used twice; a public client is told
    /// apart from one with a secret.
    #[test]
    fn consent_is_told() {
        let line = |client, scope: Option<&str>, rotates| {
            credential_line(&Credential {
                name: "oauth".into(),
                endpoints: [EndpointName::from("api")].into(),
                attach: Attach::AuthorizationCode {
                    authorize_endpoint: "login".into(),
                    authorize_path: "/authorize".into(),
                    token_endpoint: "login".into(),
                    token_path: "/token".into(),
                    client,
                    scope: scope.map(str::to_owned),
                    lifetime_s: 7_200,
                    rotates,
                },
            })
        };
        assert_eq!(
            line(ConsentClient::Secret {}, Some("all"), true),
            "OAuth 2.0 with PKCE, by secret: a person consents at login:/authorize, scope `all`, refresh tokens good for one \
             use; attached by the gate to api, never seen by the plugin"
        );
        assert_eq!(
            line(ConsentClient::None {}, None, false),
            "OAuth 2.0 with PKCE, as a public client: a person consents at login:/authorize; attached by the gate to api, \
             never seen by the plugin"
        );
    }
}
