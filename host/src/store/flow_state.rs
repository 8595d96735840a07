//! What people want of a flow, beside its configuration: whether it runs, and their other wishes.
//!
//! Whoever runs the flow, on whatever node, looks at it: a wish is a number that has grown since the last look, so that
//! none is lost and none is done twice.

use super::rows::{Bind, Fields};
use super::{Commit, Error, Store};
use sqlx::AssertSqlSafe;
use tollgate_core::model::{At, Fence, FlowName, Tenant};

/// What is wanted of a flow; the default is that of a flow about which nobody said anything: it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowState {
    /// Whether it stands still until somebody resumes it.
    pub is_paused: bool,
    /// Since when it is as it is; none if nobody ever paused it.
    pub since: Option<At>,
    /// Who wanted that.
    pub actor: String,
    /// Why, as that person said it; may be empty.
    pub reason: String,
    /// How often somebody wanted a look at the source at once.
    pub starts: i64,
    /// How often somebody wanted the end of the run under way.
    pub cancels: i64,
    /// How often somebody wanted the source read anew.
    pub anews: i64,
    /// Up to which of these that was done.
    pub anews_done: i64,
}

/// Something that is to be done once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A look at the source at once.
    Start,
    /// The end of the run under way.
    Cancel,
    /// The source read from its beginning.
    Anew,
}

impl Wish {
    fn column(self) -> &'static str {
        match self {
            Wish::Start => "starts",
            Wish::Cancel => "cancels",
            Wish::Anew => "anews",
        }
    }
}

impl Commit {
    /// Pauses a flow; says whether it was not paused before. A paused one keeps its first reason.
    ///
    /// # Errors
    /// As [`Store::begin`], and [`Error::Unstorable`].
    pub async fn pause_flow(&mut self, flow: &FlowName, actor: &str, reason: &str) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str()).int(self.at.0).text(actor).text(reason);
        let sql =
            "INSERT INTO flow_state (tenant, flow, is_paused, since, actor, reason, starts, cancels, anews, anews_done)
                   VALUES ($1, $2, 1, $3, $4, $5, 0, 0, 0, 0)
                   ON CONFLICT (tenant, flow) DO UPDATE
                   SET is_paused = 1, since = excluded.since, actor = excluded.actor, reason = excluded.reason
                   WHERE flow_state.is_paused = 0";
        Ok(self.session.execute(sql, bind).await? == 1)
    }

    /// Lets a paused flow go on; says whether it was paused.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn resume_flow(&mut self, flow: &FlowName, actor: &str) -> Result<bool, Error> {
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str()).int(self.at.0).text(actor);
        let sql = "UPDATE flow_state SET is_paused = 0, since = $3, actor = $4, reason = ''
                   WHERE tenant = $1 AND flow = $2 AND is_paused = 1";
        Ok(self.session.execute(sql, bind).await? == 1)
    }

    /// Adds a wish.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn wish(&mut self, flow: &FlowName, wish: Wish) -> Result<(), Error> {
        let column = wish.column();
        let is = |other| i64::from(wish == other);
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str());
        let bind = bind.int(is(Wish::Start)).int(is(Wish::Cancel)).int(is(Wish::Anew));
        let sql = format!(
            "INSERT INTO flow_state (tenant, flow, is_paused, since, actor, reason, starts, cancels, anews, anews_done)
             VALUES ($1, $2, 0, NULL, '', '', $3, $4, $5, 0)
             ON CONFLICT (tenant, flow) DO UPDATE SET {column} = flow_state.{column} + 1"
        );
        self.session.execute(AssertSqlSafe(sql), bind).await.map(drop)
    }

    /// Lets a flow start over, as the wishes up to this one ask.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn start_over(&mut self, flow: &FlowName, anews: i64, fence: Fence) -> Result<(), Error> {
        self.guarded(fence);
        let bind = Bind::new().text(self.tenant.as_str()).text(flow.as_str()).int(anews);
        let sql = "UPDATE flow_state SET anews_done = $3 WHERE tenant = $1 AND flow = $2 AND anews_done < $3";
        self.session.execute(sql, bind).await?;
        self.clear_checkpoint(flow).await
    }
}

impl Store {
    /// What is wanted of a flow.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and the like.
    pub async fn flow_state(&self, tenant: &Tenant, flow: &FlowName) -> Result<FlowState, Error> {
        let bind = Bind::new().text(tenant.as_str()).text(flow.as_str());
        let sql = "SELECT is_paused, since, actor, reason, starts, cancels, anews, anews_done FROM flow_state
                   WHERE tenant = $1 AND flow = $2";
        Ok(self.reader().await?.fetch_one(sql, bind, read).await?.unwrap_or_default())
    }
}

fn read(row: &Fields<'_>) -> Result<FlowState, Error> {
    Ok(FlowState {
        is_paused: row.flag(0)?,
        since: row.maybe_int(1)?.map(At),
        actor: row.text(2)?,
        reason: row.text(3)?,
        starts: row.int(4)?,
        cancels: row.int(5)?,
        anews: row.int(6)?,
        anews_done: row.int(7)?,
    })
}
