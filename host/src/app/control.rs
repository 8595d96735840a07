//! What people want of a flow: that it looks now, stands still, goes on, ends what it does, starts over.
//!
//! Each is one commit that names who wanted it; whichever node runs the flow sees it (`engine::control`). So a flow that
//! cannot be opened at the moment, or runs elsewhere, is told like any other.

use super::{App, Error};
use crate::store::{FlowState, Wish};
use tollgate_core::model::{FlowName, limits};

impl App {
    /// Has a flow look at its source at once.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::Paused`], the store.
    pub async fn start_flow(&self, flow: &FlowName, actor: &str) -> Result<(), Error> {
        self.flow(flow).await?;
        let state = self.flow_state(flow).await?;
        if state.is_paused {
            return Err(Error::Paused { flow: flow.clone(), actor: state.actor, reason: state.reason });
        }
        self.wish(flow, Wish::Start, ("flow.start", actor)).await
    }

    /// Has a flow stand still until it is resumed, also after a restart of the host: what has left is answered and
    /// committed, what was decided and has not left waits. A paused flow keeps its first reason.
    ///
    /// # Errors
    /// [`Error::Absent`]; [`Error::Unfit`] for a reason that is too long; the store.
    pub async fn pause_flow(&self, flow: &FlowName, reason: &str, actor: &str) -> Result<(), Error> {
        self.flow(flow).await?;
        let most = limits::REASON_BYTES_MAX;
        if reason.len() > most {
            return Err(Error::Unfit { what: "reason", reason: format!("at most {most} bytes") });
        }
        let mut commit = self.begin_as(actor, "flow.pause", format!("flow:{flow}"), reason.to_owned()).await?;
        if commit.pause_flow(flow, actor, reason).await? {
            commit.finish().await?;
            self.poke(flow).await;
        }
        Ok(())
    }

    /// Lets a paused flow go on where it stood.
    ///
    /// # Errors
    /// [`Error::Absent`]; [`Error::AccountChanged`] for one of its connections; the store.
    pub async fn resume_flow(&self, flow: &FlowName, actor: &str) -> Result<(), Error> {
        self.require_confirmed(&self.flow(flow).await?).await?;
        let mut commit = self.begin_as(actor, "flow.resume", format!("flow:{flow}"), String::new()).await?;
        if commit.resume_flow(flow, actor).await? {
            commit.finish().await?;
            self.poke(flow).await;
        }
        Ok(())
    }

    /// Ends the run under way: nothing more is read or leaves, what has left is answered and committed. What was decided
    /// and has not left waits for the next run, which comes when the flow's time does or somebody starts it.
    ///
    /// # Errors
    /// [`Error::Absent`], the store.
    pub async fn cancel_flow(&self, flow: &FlowName, actor: &str) -> Result<(), Error> {
        self.wish(flow, Wish::Cancel, ("flow.cancel", actor)).await
    }

    /// Forgets how far a flow has read and reads its source anew, a paused one as soon as it is resumed; what is unchanged
    /// causes no write.
    ///
    /// # Errors
    /// [`Error::Absent`], the store.
    pub async fn read_anew(&self, flow: &FlowName, actor: &str) -> Result<(), Error> {
        self.wish(flow, Wish::Anew, ("flow.read-anew", actor)).await
    }

    /// What is wanted of a flow.
    ///
    /// # Errors
    /// The store.
    pub async fn flow_state(&self, flow: &FlowName) -> Result<FlowState, Error> {
        Ok(self.store.flow_state(&self.tenant, flow).await?)
    }

    /// Has flows that are in trouble try again at once: what stood in the way may be gone.
    pub(super) async fn nudge(&self) {
        for handle in self.flows.lock().await.values() {
            handle.poke();
        }
    }

    async fn wish(&self, flow: &FlowName, wish: Wish, (action, actor): (&str, &str)) -> Result<(), Error> {
        self.flow(flow).await?;
        let mut commit = self.begin_as(actor, action, format!("flow:{flow}"), String::new()).await?;
        commit.wish(flow, wish).await?;
        commit.finish().await?;
        self.poke(flow).await;
        Ok(())
    }

    /// Has the flow look now and waits until it has, if this node runs it: whoever asks next sees what it does then.
    async fn poke(&self, flow: &FlowName) {
        let poked = self.flows.lock().await.get(flow).map(|handle| (handle.status(), handle.poke()));
        let Some((mut status, number)) = poked else { return };
        tokio::select! {
            // The flow ends only when the host stops: then there is nothing to wait for.
            _ = status.wait_for(|status| status.looked >= number) => {}
            // It will look by itself.
            () = self.clock.sleep_ms(limits::POKE_MS_MAX) => {}
        }
    }
}
