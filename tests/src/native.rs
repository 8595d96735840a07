//! The peer that benchmarks compare with: a plain program that copies accounts from one Salesforce organisation to
//! another, as one would write it by hand for this one job.
//!
//! It does the same reads and writes over the same wire as the product: TLS, a token, pages of 2,000 records, upserts
//! of 200, as many at once, one page ahead. It does what is quick: typed records that borrow from the page, numbers
//! kept as text. It has no sandbox, no database, no journal, no budget and no retry, and forgets everything when it
//! ends.

use crate::tls::client_config;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tollgate::gate::simulated::Simulators;
use tollgate_core::model::limits;

/// What is read of an account: the same list as the connector's for the same fields.
const SELECT: &str = "Id, SystemModstamp, Name, BillingCountry, Industry, NumberOfEmployees, AnnualRevenue, ParentId, \
    Description, AccountNumber, BillingCity, BillingPostalCode, BillingState, BillingStreet, Phone, ShippingCity, \
    ShippingCountry, ShippingStreet, Type, Website, Year_Established__c";
/// Where an upsert goes: by the field that links the copy to its original.
const UPSERT: &str = "/services/data/v67.0/composite/sobjects/Account/ERP_Id__c";
/// Records of an upsert.
const UPSERT_MAX: usize = 200;

/// An organisation and the application that signs in to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Org {
    /// Its host.
    pub host: String,
    /// The application's id.
    pub client_id: String,
    /// Its secret; opens nothing but a simulator.
    pub client_secret: String,
}

/// A text of a page; borrows where nothing is escaped.
#[derive(Deserialize, Serialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Default, Serialize)]
struct Attributes {
    #[serde(rename = "type")]
    object: Object,
}

#[derive(Default, Serialize)]
enum Object {
    #[default]
    Account,
}

/// An account, as it is read and as it is written: the id becomes the link, and an empty field is left out.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Account<'a> {
    #[serde(skip_deserializing, rename = "attributes")]
    attributes: Attributes,
    #[serde(borrow, rename(deserialize = "Id", serialize = "ERP_Id__c"))]
    id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    account_number: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    r#type: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    industry: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    annual_revenue: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    number_of_employees: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none", rename = "Year_Established__c")]
    year_established: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    billing_street: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    billing_city: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    billing_state: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    billing_postal_code: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    billing_country: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    shipping_street: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    shipping_city: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    shipping_country: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    phone: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    website: Option<Text<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    description: Option<Text<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Upsert<'a> {
    all_or_none: bool,
    records: &'a [Account<'a>],
}

#[derive(Deserialize)]
struct Done {
    success: bool,
}

/// A page of accounts; borrows from the answer.
#[derive(Deserialize)]
pub struct Page<'a> {
    #[serde(borrow)]
    records: Vec<Account<'a>>,
    #[serde(rename = "nextRecordsUrl")]
    next: Option<String>,
}

impl<'a> Page<'a> {
    /// Reads an answer and does the mapping.
    ///
    /// # Errors
    /// The answer is no page of accounts.
    pub fn read(body: &'a [u8]) -> Result<Self> {
        let mut page: Self = serde_json::from_slice(body).context("a page of accounts")?;
        for Account { name: Text(name), .. } in &mut page.records {
            if name.trim().len() < name.len() {
                *name = Cow::Owned(name.trim().to_owned());
            }
        }
        Ok(page)
    }

    /// Where the next page is.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The bodies of its upserts, each with the number of its records.
    pub fn upserts(&self) -> impl Iterator<Item = (usize, Vec<u8>)> {
        self.records.chunks(UPSERT_MAX).map(|records| {
            let body = serde_json::to_vec(&Upsert { all_or_none: false, records });
            (records.len(), body.expect("texts and numbers can be written"))
        })
    }
}

/// The first page's path and query.
#[must_use]
pub fn first_page() -> String {
    let statement = format!("SELECT {SELECT} FROM Account ORDER BY SystemModstamp, Id");
    let query: String = url::form_urlencoded::byte_serialize(statement.as_bytes()).collect();
    format!("/services/data/v67.0/query?q={query}")
}

/// A client of one organisation that keeps its connections.
pub struct Client {
    host: String,
    port: u16,
    tls: TlsConnector,
    bearer: String,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Client {
    /// Signs in.
    ///
    /// # Errors
    /// No simulator has this host, or the organisation refuses.
    pub async fn sign_in(simulators: &Simulators, org: &Org) -> Result<Self> {
        let (_, port) = simulators
            .hosts
            .iter()
            .find(|(host, _)| *host == org.host)
            .with_context(|| format!("no simulator of {}", org.host))?;
        let mut client = Self {
            host: org.host.clone(),
            port: *port,
            tls: client_config(simulators.root().map_err(anyhow::Error::msg)?)?.into(),
            bearer: String::new(),
            idle: Mutex::default(),
        };
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &org.client_id)
            .append_pair("client_secret", &org.client_secret)
            .finish();
        let form = (form.into(), "application/x-www-form-urlencoded");
        let answer = client.send(Method::POST, "/services/oauth2/token", Some(form)).await?;
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
        }
        let token: Token = serde_json::from_slice(&answer).context("the answer to the token request")?;
        client.bearer = format!("Bearer {}", token.access_token);
        Ok(client)
    }

    /// Reads.
    ///
    /// # Errors
    /// The connection ends early, or the answer is no success.
    pub async fn get(&self, target: &str) -> Result<Bytes> {
        self.send(Method::GET, target, None).await
    }

    /// Sends one body of [`Page::upserts`] and checks that each of its records was stored; gives back the answer.
    ///
    /// # Errors
    /// As [`Client::get`], or a record was refused.
    pub async fn upsert(&self, count: usize, body: Vec<u8>) -> Result<Bytes> {
        let answer = self.send(Method::PATCH, UPSERT, Some((body.into(), "application/json"))).await?;
        let done: Vec<Done> = serde_json::from_slice(&answer).context("the answer to an upsert")?;
        let stored = done.iter().filter(|done| done.success).count();
        ensure!(stored == count && done.len() == count, "{stored} of {count} records were stored");
        Ok(answer)
    }

    async fn send(&self, method: Method, target: &str, body: Option<(Bytes, &str)>) -> Result<Bytes> {
        let mut request = Request::builder().method(method).uri(target).header("host", &self.host);
        if !self.bearer.is_empty() {
            request = request.header("authorization", &self.bearer);
        }
        if let Some((_, kind)) = &body {
            request = request.header("content-type", *kind);
        }
        let request = request.body(Full::new(body.map(|(body, _)| body).unwrap_or_default()))?;
        let mut connection = match self.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let (head, body) = connection.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        ensure!(head.status.is_success(), "{} answered {} to {target}", self.host, head.status);
        Ok(body)
    }

    fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(SendRequest::is_ready)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.set_nodelay(true)?;
        let stream = self.tls.connect(ServerName::try_from(self.host.clone())?, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends when the sender is dropped; a broken connection shows in the request that uses it.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// Copies every account and says how many there were.
///
/// # Errors
/// The first thing that goes wrong: this program does not try again.
pub async fn copy(simulators: &Simulators, from: &Org, to: &Org) -> Result<usize> {
    let from = Arc::new(Client::sign_in(simulators, from).await?);
    let to = Arc::new(Client::sign_in(simulators, to).await?);
    let ahead = |target: String| {
        let from = from.clone();
        tokio::spawn(async move { from.get(&target).await })
    };
    let room = Arc::new(Semaphore::new(limits::WRITE_CALLS_MAX));
    let mut writes: JoinSet<Result<usize>> = JoinSet::new();
    let mut next = Some(ahead(first_page()));
    let mut copied = 0;
    while let Some(reading) = next {
        let body = reading.await??;
        let page = Page::read(&body)?;
        next = page.next().map(|target| ahead(target.to_owned()));
        for (count, body) in page.upserts() {
            let (permit, to) = (room.clone().acquire_owned().await?, to.clone());
            writes.spawn(async move {
                let _permit = permit;
                to.upsert(count, body).await.map(|_| count)
            });
            while let Some(done) = writes.try_join_next() {
                copied += done??;
            }
        }
    }
    while let Some(done) = writes.join_next().await {
        copied += done??;
    }
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::bulk;
    use crate::sims::{Salesforce, salesforce};
    use crate::tls::TestCa;

    /// The program that the product is compared with does the whole job: 2,345 accounts, more than a page and no round
    /// number of upserts, are in the other organisation once each, with the same sum of revenue.
    #[tokio::test]
    async fn copies_every_account_once() {
        let ca = TestCa::new();
        let options = |host: &str| salesforce::Options { host: host.to_owned(), ..salesforce::Options::default() };
        let from = Salesforce::start(options("a.my.salesforce.com"), &ca).await.unwrap();
        let to = Salesforce::start(options("b.my.salesforce.com"), &ca).await.unwrap();
        bulk::accounts(from.vendor(), 2_345);
        let hosts = vec![(from.host().to_owned(), from.tls_port()), (to.host().to_owned(), to.tls_port())];
        let simulators = Simulators { hosts, root: hex::encode(ca.root()) };
        let org = |host: &str| {
            let salesforce::Options { client_id, client_secret, .. } = options(host);
            Org { host: host.to_owned(), client_id, client_secret }
        };

        assert_eq!(copy(&simulators, &org(from.host()), &org(to.host())).await.unwrap(), 2_345);

        let (from, to) = (from.ledger(), to.ledger());
        let account = |ledger: &serde_json::Value| ledger["objects"]["Account"].clone();
        assert_eq!(account(&to)["count"], 2_345);
        assert_eq!(account(&to)["duplicates"], 0);
        assert_eq!(account(&to)["writes"]["created"], 2_345);
        assert_eq!(account(&to)["totals"], account(&from)["totals"]);
    }
}
