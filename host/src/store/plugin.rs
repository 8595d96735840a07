//! Installed plugins, named by the digest of their bytes.

use super::rows::Bind;
use super::{Commit, Error, Store};
use tollgate_core::model::{Digest, Tenant};

/// A plugin as it was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginRow {
    /// What it is named by.
    pub digest: Digest,
    /// `vendor/name`.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// The manifest's text.
    pub manifest: String,
}

impl Commit {
    /// Stores a plugin and its bytes; it becomes the active one of its name. One that was installed before becomes active
    /// again.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn install_plugin(&mut self, row: &PluginRow, component: &[u8]) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(&row.name);
        self.session
            .execute("UPDATE plugin SET is_active = 0 WHERE tenant = $1 AND name = $2 AND is_active = 1", bind)
            .await?;
        let bind = Bind::new()
            .text(self.tenant.as_str())
            .text(&row.digest.to_string())
            .text(&row.name)
            .text(&row.version)
            .text(&row.manifest)
            .bytes(component)
            .int(self.at.0);
        self.session
            .execute(
                "INSERT INTO plugin (tenant, digest, name, version, manifest, component, is_active, at)
                 VALUES ($1, $2, $3, $4, $5, $6, 1, $7)
                 ON CONFLICT (tenant, digest) DO UPDATE SET is_active = 1, at = excluded.at",
                bind,
            )
            .await
            .map(drop)
    }
}

impl Store {
    /// The active plugins, by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a digest cannot be read.
    pub async fn plugins(&self, tenant: &Tenant) -> Result<Vec<PluginRow>, Error> {
        let mut plugins = self
            .reader()
            .await?
            .fetch(
                "SELECT digest, name, version, manifest FROM plugin WHERE tenant = $1 AND is_active = 1",
                Bind::new().text(tenant.as_str()),
                |row| {
                    let digest = Digest::parse(&row.text(0)?).ok_or_else(|| row.damaged(0))?;
                    Ok(PluginRow { digest, name: row.text(1)?, version: row.text(2)?, manifest: row.text(3)? })
                },
            )
            .await?;
        plugins.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(plugins)
    }

    /// The bytes of a plugin, active or not; they are checked against the digest.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the bytes are not those that the digest names.
    pub async fn component(&self, tenant: &Tenant, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        let mut session = self.reader().await?;
        let component = session
            .fetch_one(
                "SELECT component FROM plugin WHERE tenant = $1 AND digest = $2",
                Bind::new().text(tenant.as_str()).text(&digest.to_string()),
                |row| row.bytes(0),
            )
            .await?;
        match component {
            Some(bytes) if Digest::of(&bytes) != *digest => {
                Err(session.place.corrupt(format_args!("the component {digest}")))
            }
            component => Ok(component),
        }
    }
}
