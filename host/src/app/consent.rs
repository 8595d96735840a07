//! What it takes that a person lets a connection act for them: asking, the browser's answer, and how far it has come.

use super::{App, Error};
use crate::gate::consent::{Begun, shown_code};
use crate::store::ConsentRow;
use tollgate_core::model::{ConnectionName, limits};

/// What the system had the browser bring.
#[derive(Clone, Copy)]
pub enum Answer<'a> {
    /// The person agreed: a code that is worth a token.
    Code(&'a str),
    /// They did not, or the system refused: its error code.
    Refused(&'a str),
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The connection acts by it from now on.
    Given,
    /// It answers nothing that was asked: never, already answered, replaced by a newer one, or too late.
    Unknown,
    /// It was not agreed to.
    Refused,
    /// It was agreed to, and no token came of it; the reason stands with the connection's consent.
    Failed,
}

impl App {
    /// Asks for consent: the address of the system's page, which leads back to `redirect_uri`.
    ///
    /// # Errors
    /// There is no such connection, its plugin asks for no consent, or its secret `client_id` is not set.
    pub async fn begin_consent(
        &self,
        connection: &ConnectionName,
        redirect_uri: &str,
        actor: &str,
    ) -> Result<Begun, Error> {
        let line = self.open_connection(connection).await?.line;
        Ok(self.gate.begin_consent(&line, redirect_uri, actor).await?)
    }

    /// Takes what a browser brought, in answer to what had this `state`. What comes of it is written down with the
    /// connection's consent.
    ///
    /// # Errors
    /// The store.
    pub async fn answer_consent(&self, state: &str, answer: Answer<'_>) -> Result<Answered, Error> {
        let Some(taken) = self.gate.take_consent(&self.tenant, state).await? else { return Ok(Answered::Unknown) };
        let code = match answer {
            Answer::Code(code) if (1..=limits::CONSENT_CODE_BYTES_MAX).contains(&code.len()) => code,
            Answer::Code(_) => {
                let reason = format!("the code has not 1 to {} bytes", limits::CONSENT_CODE_BYTES_MAX);
                self.gate.fail_consent(&taken, &reason).await?;
                return Ok(Answered::Failed);
            }
            Answer::Refused(code) => {
                let reason = format!("the system did not give it: {}", shown_code(code));
                self.gate.fail_consent(&taken, &reason).await?;
                return Ok(Answered::Refused);
            }
        };
        let exchanged = match self.open_connection(taken.connection()).await {
            Ok(opened) => self.gate.exchange_code(&opened.line, &taken, code.into()).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        match exchanged {
            Ok(()) => Ok(Answered::Given),
            Err(error) => {
                tracing::warn!(connection = %taken.connection(), %error, "a consent came to nothing");
                self.gate.fail_consent(&taken, &error.to_string()).await?;
                Ok(Answered::Failed)
            }
        }
    }

    /// The last consent of a connection, if one was ever asked for.
    ///
    /// # Errors
    /// There is no such connection, or the store.
    pub async fn consent(&self, connection: &ConnectionName) -> Result<Option<ConsentRow>, Error> {
        self.require_connection(connection).await?;
        Ok(self.store.consent(&self.tenant, connection).await?)
    }
}
