//! A line: one connection, opened. Its origins are checked, its credentials at hand, its sockets its own.

use crate::gate::budget::Payer;
use crate::gate::client::Client;
use crate::gate::credential::{Bearer, Credential, Place};
use crate::gate::oauth::{Grant, OAuth, State};
use crate::gate::origins::{self, Origins};
use crate::gate::refresh::{Asking, Consented};
use crate::gate::token_endpoint::TokenEndpoint;
use crate::gate::{Error, Inner};
use std::collections::BTreeMap;
use std::sync::Arc;
use tollgate_core::egress::{Origin, path};
use tollgate_core::model::connection::Connection;
use tollgate_core::model::manifest::{self, Attach, SettingType};
use tollgate_core::model::{AccountId, ConnectionName, EndpointName, Json, Manifest, Tenant};

/// An open connection. Made by [`crate::gate::Gate::open`], shared by all calls that go over it.
pub struct Line {
    payer: Payer,
    pub(super) opened: Connection,
    pub(super) manifest: Arc<Manifest>,
    /// The settings as the plugin gets them.
    pub(super) settings: String,
    pub(super) origins: Arc<Origins>,
    pub(super) credentials: BTreeMap<EndpointName, Arc<Credential>>,
    pub(super) client: Client,
}

impl Line {
    pub(super) fn new(
        gate: &Inner,
        connection: Connection,
        manifest: Arc<Manifest>,
        tenant: Tenant,
    ) -> Result<Self, Error> {
        verify(&connection, &manifest)?;
        let configured = origins::configured_all(&connection, &manifest);
        let origins = Arc::new(Origins::new(connection.connection.clone(), configured));
        let client = gate.client();
        let mut line = Self {
            payer: Payer { tenant, account: connection.account.clone() },
            settings: settings(&connection),
            opened: connection,
            manifest: manifest.clone(),
            origins,
            credentials: BTreeMap::new(),
            client,
        };
        for credential in &manifest.credentials {
            let made = Arc::new(line.credential(gate, credential)?);
            for endpoint in &credential.endpoints {
                line.credentials.insert(endpoint.clone(), made.clone());
            }
        }
        Ok(line)
    }

    /// Whose it is.
    pub fn tenant(&self) -> &Tenant {
        &self.payer.tenant
    }

    /// Whose budget its requests spend.
    pub(super) fn payer(&self) -> &Payer {
        &self.payer
    }

    /// The connection.
    pub fn connection(&self) -> &ConnectionName {
        &self.opened.connection
    }

    /// The account that it reaches.
    pub fn account(&self) -> &AccountId {
        &self.opened.account
    }

    /// The plugin's manifest.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// The lower of the vendor's preset and what the admin set.
    pub(super) fn budget(&self) -> manifest::Budget {
        let (preset, lowered) = (&self.manifest.budget, &self.opened.budget);
        manifest::Budget {
            concurrency: preset.concurrency.into_iter().chain(lowered.concurrency).min(),
            calls_per_day: preset.calls_per_day.into_iter().chain(lowered.calls_per_day).min(),
            windows: preset.windows.iter().chain(&lowered.windows).cloned().collect(),
        }
    }

    fn credential(&self, gate: &Inner, credential: &manifest::Credential) -> Result<Credential, Error> {
        let place = Place {
            vault: gate.vault.clone(),
            tenant: self.tenant().clone(),
            connection: self.connection().clone(),
            credential: credential.name.clone(),
        };
        let grant = match &credential.attach {
            Attach::Bearer {} => return Ok(Credential::Bearer(Bearer::new(place))),
            Attach::ClientCredentials { client, scope, .. } => {
                Grant::Client { proof: client.clone(), scope: scope.clone() }
            }
            Attach::AuthorizationCode { authorize_endpoint, authorize_path, client, scope, rotates, .. } => {
                let page = format!("{}{authorize_path}", self.origin(&place, authorize_endpoint)?);
                let asked = Asking { page, scope: scope.clone() };
                Grant::Consent(Consented::new(gate, (*client, *rotates), asked))
            }
        };
        let endpoint = self.token_endpoint(gate, credential, place)?;
        Ok(Credential::OAuth(Arc::new(OAuth { endpoint, grant, state: State::default() })))
    }

    fn token_endpoint(
        &self,
        gate: &Inner,
        credential: &manifest::Credential,
        place: Place,
    ) -> Result<TokenEndpoint, Error> {
        let (Attach::ClientCredentials { token_endpoint, token_path, lifetime_s, .. }
        | Attach::AuthorizationCode { token_endpoint, token_path, lifetime_s, .. }) = &credential.attach
        else {
            return Err(place.unusable("it has no token endpoint"));
        };
        if path::verify_template(token_path).is_err() || token_path.contains('{') {
            return Err(place.unusable(format!("`{token_path}` is no token path")));
        }
        let endpoints = credential.endpoints.iter().filter_map(|name| self.manifest.endpoint(name));
        Ok(TokenEndpoint {
            origin: self.origin(&place, token_endpoint)?,
            place,
            client: self.client.clone(),
            clock: gate.clock.clone(),
            origins: self.origins.clone(),
            path: token_path.clone(),
            lifetime_s: *lifetime_s,
            named: endpoints.filter(|endpoint| endpoint.origin_from_token.is_some()).cloned().collect(),
        })
    }

    fn origin(&self, place: &Place, endpoint: &EndpointName) -> Result<Origin, Error> {
        let origin = self.origins.get().get(endpoint).cloned();
        origin.ok_or_else(|| place.unusable(format!("its endpoint `{endpoint}` has no origin")))
    }

    /// The credential that somebody consents to, if the plugin has one.
    pub(super) fn by_consent(&self) -> Option<(&OAuth, &Consented)> {
        self.credentials.values().find_map(|credential| match &**credential {
            Credential::OAuth(oauth) => match &oauth.grant {
                Grant::Consent(consented) => Some((&**oauth, consented)),
                Grant::Client { .. } => None,
            },
            Credential::Bearer(_) => None,
        })
    }
}

fn verify(connection: &Connection, manifest: &Manifest) -> Result<(), Error> {
    let endpoints = origins::verify_endpoints(connection, manifest).into_iter();
    let mut faults: Vec<String> = endpoints.map(|(_, fault)| fault).collect();
    if connection.plugin != manifest.plugin.name {
        faults.push(format!("it is for plugin `{}`, not `{}`", connection.plugin, manifest.plugin.name));
    }
    faults.extend(crate::gate::verify_files(connection, manifest));
    faults.extend(connection.budget.window_fault(&manifest.routes).map(|fault| format!("budget: {fault}")));
    faults.extend(verify_settings(&connection.settings, manifest));
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::Connection { connection: connection.connection.clone(), faults: faults.join("; ") })
}

/// Holds settings against the manifest of the plugin that gets them: one sentence for each thing that is wrong.
pub fn verify_settings(settings: &BTreeMap<String, Json>, manifest: &Manifest) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, value) in settings {
        match manifest.settings.iter().find(|setting| setting.name == *name) {
            None => faults.push(format!("plugin `{}` has no setting `{name}`", manifest.plugin.name)),
            Some(setting) if !is_of(setting.of, value) => {
                faults.push(format!("setting `{name}` is not of type {:?}", setting.of))
            }
            Some(_) => {}
        }
    }
    for setting in manifest.settings.iter().filter(|setting| setting.required) {
        if !settings.contains_key(&setting.name) {
            faults.push(format!("setting `{}` is missing: {}", setting.name, setting.about));
        }
    }
    faults
}

/// Whether a setting's value is of the type that the manifest asks for.
pub fn is_of(kind: SettingType, value: &Json) -> bool {
    match kind {
        SettingType::Text => value.is_string(),
        SettingType::Integer => value.is_i64() || value.is_u64(),
        SettingType::Boolean => value.is_boolean(),
        SettingType::Object => value.is_object(),
    }
}

fn settings(connection: &Connection) -> String {
    serde_json::to_string(&connection.settings).expect("settings came from text and are JSON")
}
