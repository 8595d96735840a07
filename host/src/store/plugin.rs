//! Installed plugins, named by the digest of their bytes, and which of each name is the active one.

use super::rows::{Bind, Fields};
use super::{Commit, Error, Store};
use tollgate_core::model::{At, Digest, Tenant};

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

/// A plugin that is installed, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledPlugin {
    /// The plugin.
    pub row: PluginRow,
    /// Whether it is the one of its name that connections use.
    pub is_active: bool,
    /// When it was installed.
    pub at: At,
}

const INSTALLED: &str = "SELECT digest, name, version, manifest, is_active, at FROM plugin WHERE tenant = $1";

fn installed(row: &Fields<'_>) -> Result<InstalledPlugin, Error> {
    let digest = Digest::parse(&row.text(0)?).ok_or_else(|| row.damaged(0))?;
    let plugin = PluginRow { digest, name: row.text(1)?, version: row.text(2)?, manifest: row.text(3)? };
    Ok(InstalledPlugin { row: plugin, is_active: row.flag(4)?, at: At(row.int(5)?) })
}

impl Commit {
    /// Stores a plugin and its bytes, not active. Says whether it was new: one that is installed stays as it is.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn install_plugin(&mut self, row: &PluginRow, component: &[u8]) -> Result<bool, Error> {
        let bind = Bind::new()
            .text(self.tenant.as_str())
            .text(&row.digest.to_string())
            .text(&row.name)
            .text(&row.version)
            .text(&row.manifest)
            .bytes(component)
            .int(self.at.0);
        let added = self
            .session
            .execute(
                "INSERT INTO plugin (tenant, digest, name, version, manifest, component, is_active, at)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT (tenant, digest) DO NOTHING",
                bind,
            )
            .await?;
        Ok(added > 0)
    }

    /// Makes an installed plugin the active one of its name, and remembers that it was.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn activate_plugin(&mut self, name: &str, digest: &Digest) -> Result<(), Error> {
        let key = || Bind::new().text(self.tenant.as_str()).text(name);
        let digest = digest.to_string();
        self.session
            .execute("UPDATE plugin SET is_active = 0 WHERE tenant = $1 AND name = $2 AND is_active = 1", key())
            .await?;
        self.session
            .execute(
                "UPDATE plugin SET is_active = 1 WHERE tenant = $1 AND name = $2 AND digest = $3",
                key().text(&digest),
            )
            .await?;
        self.session
            .execute(
                "INSERT INTO activation (tenant, name, number, digest, actor, at)
                 SELECT $1, $2, COALESCE(MAX(number), 0) + 1, $3, $4, $5 FROM activation WHERE tenant = $1 AND name = $2",
                key().text(&digest).text(&self.audit.actor).int(self.at.0),
            )
            .await
            .map(drop)
    }

    /// Deletes an installed plugin with its bytes; that it was active once stays known. One that is not there is fine.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn delete_plugin(&mut self, digest: &Digest) -> Result<(), Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(&digest.to_string());
        self.session.execute("DELETE FROM plugin WHERE tenant = $1 AND digest = $2", bind).await.map(drop)
    }
}

impl Store {
    /// The active plugins, by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a digest cannot be read.
    pub async fn plugins(&self, tenant: &Tenant) -> Result<Vec<PluginRow>, Error> {
        let installed = self.installed_plugins(tenant).await?;
        Ok(installed.into_iter().filter(|plugin| plugin.is_active).map(|plugin| plugin.row).collect())
    }

    /// All installed plugins: by name, of each name the newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a digest cannot be read.
    pub async fn installed_plugins(&self, tenant: &Tenant) -> Result<Vec<InstalledPlugin>, Error> {
        let bind = Bind::new().text(tenant.as_str());
        let mut plugins = self.reader().await?.fetch(INSTALLED, bind, installed).await?;
        plugins.sort_by(|a, b| {
            (&a.row.name, std::cmp::Reverse(a.at), a.row.digest.0).cmp(&(
                &b.row.name,
                std::cmp::Reverse(b.at),
                b.row.digest.0,
            ))
        });
        Ok(plugins)
    }

    /// The installed plugin that was active last before the one that is; none if there was none, or it was deleted.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a digest cannot be read.
    pub async fn plugin_before(&self, tenant: &Tenant, name: &str) -> Result<Option<Digest>, Error> {
        self.reader()
            .await?
            .fetch_one(
                "SELECT a.digest FROM activation a
                 JOIN plugin p ON p.tenant = a.tenant AND p.digest = a.digest AND p.is_active = 0
                 WHERE a.tenant = $1 AND a.name = $2 ORDER BY a.number DESC LIMIT 1",
                Bind::new().text(tenant.as_str()).text(name),
                |row| Digest::parse(&row.text(0)?).ok_or_else(|| row.damaged(0)),
            )
            .await
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
