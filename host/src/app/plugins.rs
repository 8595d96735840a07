//! The life of a plugin: installed beside its other versions, made the active one of its name, taken back, deleted.
//!
//! A plugin becomes active only if the stored configuration fits it and it compiles; flows that use it finish what is under
//! way, are opened anew with it, and go on from where they were (PLT-09). A version with another format of cursors reads its
//! source anew, and going back to the earlier one goes on at that one's last cursor: what was read twice is unchanged and
//! causes no write.

use super::documents::Documents;
use super::{App, Error};
use crate::store::{InstalledPlugin, PluginRow};
use tollgate_core::model::connection::Connection;
use tollgate_core::model::flow::Flow;
use tollgate_core::model::{Digest, FlowName};
use tollgate_sandbox::{Admitted, admit};

/// What became of a plugin that was installed.
#[derive(Clone, Debug)]
pub struct Installed {
    /// What admission found in it.
    pub admitted: Admitted,
    /// Whether it is the active one of its name now.
    pub is_active: bool,
    /// The flows that are opened anew because of it.
    pub reopened: Vec<FlowName>,
}

/// An installed plugin, and who uses it.
#[derive(Clone, Debug)]
pub struct PluginUse {
    /// The plugin.
    pub plugin: InstalledPlugin,
    /// The connections that use it; none if it is not active.
    pub connections: Vec<String>,
}

impl App {
    /// Admits a component and installs it. It becomes the active one of its name if that is wished, or if there is no other
    /// active one.
    ///
    /// # Errors
    /// [`Error::Refused`] names everything that is wrong with it; [`Error::Configuration`] what of the configuration does not
    /// fit it, if it was to become active. Nothing was changed then.
    pub async fn install(&self, component: &[u8], is_wished_active: bool, actor: &str) -> Result<Installed, Error> {
        let _turn = self.changing.lock().await;
        let admitted = admit(component)?;
        let about = &admitted.manifest().plugin;
        let row = PluginRow {
            digest: admitted.digest(),
            name: about.name.clone(),
            version: about.version.clone(),
            manifest: admitted.manifest_text().to_owned(),
        };
        let mut installed = self.store.installed_plugins(&self.tenant).await?;
        let active = installed.iter().find(|plugin| plugin.is_active && plugin.row.name == row.name);
        let is_active = active.is_some_and(|plugin| plugin.row.digest == row.digest);
        let is_new = installed.iter().all(|plugin| plugin.row.digest != row.digest);
        let is_turned_to = !is_active && (is_wished_active || active.is_none());
        if is_new {
            installed.push(InstalledPlugin { row: row.clone(), is_active: false, at: self.clock.now() });
        }
        if !is_new && !is_turned_to {
            return Ok(Installed { admitted, is_active, reopened: Vec::new() });
        }
        let reopened = if is_turned_to { self.prepare(&row, installed, Some(&admitted)).await? } else { Vec::new() };
        let mut commit = self.begin_as(actor, "plugin.install", subject(&row), detail(&row)).await?;
        commit.install_plugin(&row, component).await?;
        if is_turned_to {
            commit.activate_plugin(&row.name, &row.digest).await?;
        }
        commit.finish().await?;
        self.follow().await;
        Ok(Installed { admitted, is_active: is_active || is_turned_to, reopened })
    }

    /// Makes an installed plugin the active one of its name. Gives back the flows that are opened anew.
    ///
    /// # Errors
    /// [`Error::Absent`]; [`Error::Configuration`] with everything of the configuration that it does not fit: nothing was
    /// changed then.
    pub async fn activate(&self, digest: &Digest, actor: &str) -> Result<Vec<FlowName>, Error> {
        let _turn = self.changing.lock().await;
        self.turn_to(digest, ("plugin.activate", actor)).await
    }

    /// Makes the plugin active that was so before the one that is. Gives back its digest and the flows that are opened anew.
    ///
    /// # Errors
    /// [`Error::Absent`] if no other version was active before, or it is no longer installed; otherwise as [`App::activate`].
    pub async fn rollback_plugin(&self, name: &str, actor: &str) -> Result<(Digest, Vec<FlowName>), Error> {
        let _turn = self.changing.lock().await;
        let before = self.store.plugin_before(&self.tenant, name).await?;
        let before =
            before.ok_or_else(|| Error::Absent { what: "earlier version of plugin", name: name.to_owned() })?;
        let reopened = self.turn_to(&before, ("plugin.rollback", actor)).await?;
        Ok((before, reopened))
    }

    /// Deletes an installed plugin with its bytes.
    ///
    /// # Errors
    /// [`Error::Absent`]; [`Error::InUseBy`] names the connections that use it.
    pub async fn delete_plugin(&self, digest: &Digest, actor: &str) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let PluginUse { plugin, connections } = self.plugin(digest).await?;
        if !connections.is_empty() {
            return Err(Error::InUseBy { plugin: plugin.row.name, connections: connections.join(", ") });
        }
        let row = plugin.row;
        let mut commit = self.begin_as(actor, "plugin.delete", subject(&row), detail(&row)).await?;
        commit.delete_plugin(digest).await?;
        commit.finish().await?;
        self.follow().await;
        Ok(())
    }

    /// All installed plugins with the connections that use them: by name, of each name the newest first.
    ///
    /// # Errors
    /// The store.
    pub async fn installed_plugins(&self) -> Result<Vec<PluginUse>, Error> {
        let documents = self.documents().await?;
        let installed = self.store.installed_plugins(&self.tenant).await?;
        let used = |plugin: InstalledPlugin| PluginUse { connections: users(&documents, &plugin), plugin };
        Ok(installed.into_iter().map(used).collect())
    }

    /// One installed plugin.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn plugin(&self, digest: &Digest) -> Result<PluginUse, Error> {
        let found = self.installed_plugins().await?.into_iter().find(|found| found.plugin.row.digest == *digest);
        found.ok_or_else(|| Error::Absent { what: "plugin", name: digest.to_string() })
    }

    /// What admission finds in an installed plugin, for the reviewer's page.
    ///
    /// # Errors
    /// [`Error::Absent`], or the store.
    pub async fn review(&self, digest: &Digest) -> Result<Admitted, Error> {
        let bytes = self.store.component(&self.tenant, digest).await?;
        let bytes = bytes.ok_or_else(|| Error::Absent { what: "plugin", name: digest.to_string() })?;
        Ok(admit(&bytes)?)
    }

    async fn turn_to(&self, digest: &Digest, (action, actor): (&str, &str)) -> Result<Vec<FlowName>, Error> {
        let installed = self.store.installed_plugins(&self.tenant).await?;
        let found = installed.iter().find(|plugin| plugin.row.digest == *digest);
        let found = found.ok_or_else(|| Error::Absent { what: "plugin", name: digest.to_string() })?;
        if found.is_active {
            return Ok(Vec::new());
        }
        let row = found.row.clone();
        let reopened = self.prepare(&row, installed, None).await?;
        let mut commit = self.begin_as(actor, action, subject(&row), detail(&row)).await?;
        commit.activate_plugin(&row.name, &row.digest).await?;
        commit.finish().await?;
        self.follow().await;
        Ok(reopened)
    }

    /// Sees that everything is ready for a plugin to become active: the configuration fits, and it compiles, so that no flow
    /// waits for that. Gives back the flows that it concerns.
    async fn prepare(
        &self,
        row: &PluginRow,
        mut installed: Vec<InstalledPlugin>,
        admitted: Option<&Admitted>,
    ) -> Result<Vec<FlowName>, Error> {
        let before = active(&installed);
        for plugin in installed.iter_mut().filter(|plugin| plugin.row.name == row.name) {
            plugin.is_active = plugin.row.digest == row.digest;
        }
        let after = active(&installed);
        let (documents, mut faults) = Documents::read(&self.opener.texts().await?);
        faults.extend(documents.verify(&installed));
        if !faults.is_empty() {
            return Err(Error::Configuration(faults));
        }
        self.opener.load(&row.digest, admitted).await?;
        let is_concerned = |flow: &&Flow| documents.basis(flow, &before) != documents.basis(flow, &after);
        Ok(documents.flows().filter(is_concerned).map(|flow| flow.flow.clone()).collect())
    }
}

fn active(installed: &[InstalledPlugin]) -> Vec<PluginRow> {
    installed.iter().filter(|plugin| plugin.is_active).map(|plugin| plugin.row.clone()).collect()
}

fn users(documents: &Documents, plugin: &InstalledPlugin) -> Vec<String> {
    let uses = |connection: &&Connection| plugin.is_active && connection.plugin == plugin.row.name;
    documents.connections().filter(uses).map(|connection| connection.connection.to_string()).collect()
}

fn subject(row: &PluginRow) -> String {
    format!("plugin:{}", row.name)
}

fn detail(row: &PluginRow) -> String {
    format!("{} {} {}", row.name, row.version, row.digest)
}
