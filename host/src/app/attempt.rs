//! What would become of one record, step by step.

use super::{App, Error};
pub use crate::engine::attempt::{Attempt, Taken};
use crate::engine::attempt::{attempt, can_fetch};
use tollgate_core::model::{FlowName, limits};

impl App {
    /// Fetches a record from the flow's source and says what the flow would do with it, and why. Nothing is written, and
    /// nothing is sent that has an effect.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is no such flow or record; [`Error::Unfit`] if the key is none, or the source cannot be
    /// asked for single records and nothing is set aside of this one; what the plugins said.
    pub async fn attempt(&self, name: &FlowName, key: &str) -> Result<Attempt, Error> {
        if key.is_empty() || key.len() > limits::KEY_BYTES_MAX {
            return Err(Error::Unfit { what: "key", reason: format!("1 to {} bytes", limits::KEY_BYTES_MAX) });
        }
        let flow = self.opener.flow(name).await?;
        match attempt(&flow, key).await? {
            Some(attempt) => Ok(attempt),
            None if can_fetch(&flow) => {
                let place = format!("{key}` of `{}` in `{}", flow.from.stream.name, flow.from.connection);
                Err(Error::Absent { what: "record", name: place })
            }
            None => Err(Error::Unfit {
                what: "key",
                reason: format!(
                    "that of a set-aside record: the plugin of `{}` has no look-up, so no other record can be fetched",
                    flow.from.connection
                ),
            }),
        }
    }
}
