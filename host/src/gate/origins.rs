//! The exact origins of one connection: those that the admin named, and those that a token answer pinned.

use crate::gate::Error;
use std::sync::{Arc, PoisonError, RwLock};
use tollgate_core::egress::Origin;
use tollgate_core::egress::decide::Endpoints;
use tollgate_core::model::connection::Connection;
use tollgate_core::model::manifest::{self, Manifest};
use tollgate_core::model::{ConnectionName, EndpointName};

/// Read for each request, written at most once per endpoint.
pub(super) struct Origins {
    connection: ConnectionName,
    current: RwLock<Arc<Endpoints>>,
}

impl Origins {
    pub(super) fn new(connection: ConnectionName, configured: Endpoints) -> Self {
        Self { connection, current: RwLock::new(Arc::new(configured)) }
    }

    /// All that are known now.
    pub(super) fn get(&self) -> Arc<Endpoints> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Judges what a token answer says of an endpoint's origin.
    ///
    /// # Errors
    /// [`Error::OriginRefused`]: it is no origin within the manifest's pattern, or not the one that was configured or
    /// pinned before.
    pub(super) fn judge(&self, endpoint: &manifest::Endpoint, named: &str) -> Result<Origin, Error> {
        let refused = |reason: String| Error::OriginRefused {
            connection: self.connection.clone(),
            endpoint: endpoint.name.clone(),
            reason,
        };
        let origin = Origin::parse(named).map_err(|denial| refused(denial.to_string()))?;
        if !origin.matches(&endpoint.host) {
            return Err(refused(format!("`{origin}` is not within `{}`, which the manifest asks for", endpoint.host)));
        }
        match self.get().get(&endpoint.name) {
            Some(known) if *known != origin => Err(self.moved(&endpoint.name, (known, &origin))),
            Some(_) | None => Ok(origin),
        }
    }

    /// Takes an origin over that was judged before; one that somebody else pinned meanwhile must be the same.
    ///
    /// # Errors
    /// [`Error::OriginRefused`]: it is another one.
    pub(super) fn pin(&self, endpoint: &EndpointName, origin: Origin) -> Result<(), Error> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        match current.get(endpoint) {
            Some(known) if *known == origin => Ok(()),
            Some(known) => Err(self.moved(endpoint, (known, &origin))),
            None => {
                Arc::make_mut(&mut current).insert(endpoint.clone(), origin);
                Ok(())
            }
        }
    }

    fn moved(&self, endpoint: &EndpointName, (known, named): (&Origin, &Origin)) -> Error {
        let reason = format!(
            "it was `{known}` and is now `{named}`: if the account really moved, set the connection's endpoint to it"
        );
        Error::OriginRefused { connection: self.connection.clone(), endpoint: endpoint.clone(), reason }
    }
}

/// Holds a connection's origins against its plugin's manifest: one sentence for each thing that is wrong, with the endpoint.
pub fn verify_endpoints(connection: &Connection, manifest: &Manifest) -> Vec<(EndpointName, String)> {
    let mut faults = Vec::new();
    for name in connection.endpoints.keys().filter(|name| manifest.endpoint(name).is_none()) {
        let known: Vec<&str> = manifest.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        let message = format!("plugin `{}` has no endpoint `{name}`; it has: {}", connection.plugin, known.join(", "));
        faults.push((name.clone(), message));
    }
    for endpoint in &manifest.endpoints {
        if let Err(fault) = configured(connection, manifest, endpoint) {
            faults.push((endpoint.name.clone(), fault));
        }
    }
    faults
}

/// The origins that the admin named. Call [`verify_endpoints`] before: what is wrong is left out here.
pub(super) fn configured_all(connection: &Connection, manifest: &Manifest) -> Endpoints {
    let origin = |endpoint: &manifest::Endpoint| configured(connection, manifest, endpoint).ok().flatten();
    manifest.endpoints.iter().filter_map(|endpoint| Some((endpoint.name.clone(), origin(endpoint)?))).collect()
}

fn configured(
    connection: &Connection,
    manifest: &Manifest,
    endpoint: &manifest::Endpoint,
) -> Result<Option<Origin>, String> {
    let name: &EndpointName = &endpoint.name;
    let Some(text) = connection.endpoints.get(name) else {
        return match (&endpoint.origin_from_token, manifest.credential_for(name)) {
            (Some(_), Some(_)) => Ok(None),
            _ => Err(format!("endpoint `{name}` has no origin ({}): add it under `endpoints`", endpoint.purpose)),
        };
    };
    let origin = Origin::parse(text).map_err(|denial| format!("endpoint `{name}`: {denial}"))?;
    if !origin.matches(&endpoint.host) {
        return Err(format!(
            "endpoint `{name}`: `{origin}` is not within `{}`, which the manifest asks for",
            endpoint.host
        ));
    }
    Ok(Some(origin))
}
