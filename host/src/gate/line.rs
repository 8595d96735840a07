//! A line: one connection, opened. Its origins are checked, its credentials at hand, its sockets its own.

use crate::gate::budget::Payer;
use crate::gate::client::Client;
use crate::gate::credential::{Bearer, Credential, Place};
use crate::gate::oauth::{OAuth, Settings, State};
use crate::gate::origins::{self, Origins};
use crate::gate::{Error, Inner};
use std::collections::BTreeMap;
use std::sync::Arc;
use tollgate_core::egress::path;
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
        }
    }

    fn credential(&self, gate: &Inner, credential: &manifest::Credential) -> Result<Credential, Error> {
        let place = Place {
            vault: gate.vault.clone(),
            tenant: self.tenant().clone(),
            connection: self.connection().clone(),
            credential: credential.name.clone(),
        };
        let Attach::ClientCredentials { token_endpoint, token_path, client, scope, lifetime_s } = &credential.attach
        else {
            return Ok(Credential::Bearer(Bearer::new(place)));
        };
        if path::verify_template(token_path).is_err() || token_path.contains('{') {
            return Err(place.unusable(format!("`{token_path}` is no token path")));
        }
        let origin = self.origins.get().get(token_endpoint).cloned();
        let origin =
            origin.ok_or_else(|| place.unusable(format!("its token endpoint `{token_endpoint}` has no origin")))?;
        let endpoints = credential.endpoints.iter().filter_map(|name| self.manifest.endpoint(name));
        let settings = Settings {
            origin,
            path: token_path.clone(),
            proof: client.clone(),
            scope: scope.clone(),
            lifetime_s: *lifetime_s,
            named: endpoints.filter(|endpoint| endpoint.origin_from_token.is_some()).cloned().collect(),
        };
        Ok(Credential::OAuth(Box::new(OAuth {
            place,
            client: self.client.clone(),
            clock: gate.clock.clone(),
            settings,
            origins: self.origins.clone(),
            state: State::default(),
        })))
    }
}

fn verify(connection: &Connection, manifest: &Manifest) -> Result<(), Error> {
    let endpoints = origins::verify_endpoints(connection, manifest).into_iter();
    let mut faults: Vec<String> = endpoints.map(|(_, fault)| fault).collect();
    if connection.plugin != manifest.plugin.name {
        faults.push(format!("it is for plugin `{}`, not `{}`", connection.plugin, manifest.plugin.name));
    }
    for (name, value) in &connection.settings {
        match manifest.settings.iter().find(|setting| setting.name == *name) {
            None => faults.push(format!("plugin `{}` has no setting `{name}`", connection.plugin)),
            Some(setting) if !is_of(setting.of, value) => {
                faults.push(format!("setting `{name}` is not of type {:?}", setting.of))
            }
            Some(_) => {}
        }
    }
    for setting in manifest.settings.iter().filter(|setting| setting.required) {
        if !connection.settings.contains_key(&setting.name) {
            faults.push(format!("setting `{}` is missing: {}", setting.name, setting.about));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::Connection { connection: connection.connection.clone(), faults: faults.join("; ") })
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
