//! What the gate's tests stand on: a clock that moves when told, a network of names, and a server that answers as told.
//!
//! The server speaks real TLS on a loopback port. Names resolve to public addresses, and dialling one of those reaches
//! the loopback port: the gate's own check of addresses stays in force.

use crate::clock::{Clock, Seeded};
use crate::gate::net::Net;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tollgate_core::model::At;

/// A clock that stands still until it is told to move.
#[derive(Clone)]
pub(super) struct TestClock(Arc<(watch::Sender<i64>, Seeded)>);

impl TestClock {
    pub(super) fn new() -> Self {
        Self(Arc::new((watch::Sender::new(1_763_700_000_000), Seeded::new(1))))
    }

    pub(super) fn advance(&self, ms: u64) {
        self.0.0.send_modify(|now| *now += i64::try_from(ms).unwrap());
    }

    /// Hours since 1970.
    pub(super) fn hour(&self) -> i64 {
        self.now().0.div_euclid(60 * 60 * 1_000)
    }
}

impl Clock for TestClock {
    fn now(&self) -> At {
        At(*self.0.0.borrow())
    }

    fn sleep_ms(&self, ms: u64) -> BoxFuture<'static, ()> {
        let mut now = self.0.0.subscribe();
        let until = self.now().plus_ms(ms).0;
        async move {
            let _ = now.wait_for(|now| *now >= until).await;
        }
        .boxed()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0.1.bytes(bytes.len()));
    }
}

/// A request as the server got it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
    /// Which of the server's connections it came over, from 1.
    pub(super) connection: usize,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What the server does with a request.
pub(super) enum Reply {
    /// Sends these bytes, and takes the next request.
    Raw(Vec<u8>),
    /// Sends these bytes, then closes.
    Cut(Vec<u8>),
    /// Sends these bytes, then nothing more.
    Hang(Vec<u8>),
    /// Waits until the gate is opened, then sends these bytes.
    When(watch::Receiver<bool>, Vec<u8>),
}

/// An answer with these headers and this body.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    Reply::Raw(answer_bytes(status, headers, body))
}

pub(super) fn answer_bytes(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A server that answers by a function and remembers what it was asked.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    asked: watch::Receiver<usize>,
}

impl Server {
    /// Answers for these names with a certificate of this authority.
    pub(super) async fn start(
        authority: &Authority,
        names: &[&str],
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(authority.server_config(names));
        let (sender, asked) = watch::channel(0);
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, handler): (_, Arc<Handler>) = (seen.clone(), Arc::new(handler));
        tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((tcp, _)) = listener.accept().await {
                connection += 1;
                let (acceptor, handler, log, sender) = (acceptor.clone(), handler.clone(), log.clone(), sender.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(tcp).await {
                        serve(stream, connection, &*handler, |seen| {
                            log.lock().unwrap().push(seen);
                            sender.send_modify(|count| *count += 1);
                        })
                        .await;
                    }
                });
            }
        });
        Self { port, seen, asked }
    }

    /// All requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Requests to this path so far.
    pub(super) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.target.split('?').next() == Some(path)).count()
    }

    /// Waits until so many requests have come.
    pub(super) async fn until(&self, count: usize) {
        self.asked.clone().wait_for(|asked| *asked >= count).await.unwrap();
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, connection: usize, handler: &Handler, log: impl Fn(Seen)) {
    let mut buffer = Vec::new();
    while let Some(seen) = read(&mut stream, &mut buffer, connection).await {
        let reply = handler(&seen);
        log(seen);
        let sent = match reply {
            Reply::Raw(bytes) => stream.write_all(&bytes).await,
            Reply::When(mut gate, bytes) => {
                let _ = gate.wait_for(|is_open| *is_open).await;
                stream.write_all(&bytes).await
            }
            Reply::Cut(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Hang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                // Until the other side gives up.
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
        };
        if sent.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>, connection: usize) -> Option<Seen> {
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(buffer[..head].to_vec()).unwrap();
    let mut lines = text.lines();
    let mut request = lines.next()?.split(' ');
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&buffer[head..head + length]).into_owned();
    buffer.drain(..head + length);
    Some(Seen { method: request.next()?.to_owned(), target: request.next()?.to_owned(), headers, body, connection })
}

/// A certificate authority of one test.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) root: CertificateDer<'static>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), root }
    }

    fn server_config(&self, names: &[&str]) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_no_client_auth().with_single_cert(vec![leaf], key).unwrap())
    }
}

/// Names, their addresses, and the loopback port behind each public address.
#[derive(Clone)]
pub(super) struct TestNet {
    names: Arc<Mutex<HashMap<String, Vec<IpAddr>>>>,
    ports: Arc<Mutex<HashMap<IpAddr, u16>>>,
    root: CertificateDer<'static>,
    dialled: Arc<AtomicUsize>,
}

impl TestNet {
    pub(super) fn new(root: CertificateDer<'static>) -> Self {
        Self { names: Arc::default(), ports: Arc::default(), root, dialled: Arc::default() }
    }

    /// `host` resolves to these addresses.
    pub(super) fn name(&self, host: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.names.lock().unwrap().insert(host.to_owned(), addresses);
    }

    /// `host` resolves to this public address, behind which this server listens.
    pub(super) fn host(&self, host: &str, address: &str, port: u16) {
        self.name(host, &[address]);
        self.ports.lock().unwrap().insert(address.parse().unwrap(), port);
    }

    /// How many connections were asked for.
    pub(super) fn dialled(&self) -> usize {
        self.dialled.load(Ordering::SeqCst)
    }
}

impl Net for TestNet {
    fn resolve(&self, host: &str) -> BoxFuture<'_, io::Result<Vec<IpAddr>>> {
        let addresses = self.names.lock().unwrap().get(host).cloned();
        std::future::ready(addresses.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))).boxed()
    }

    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        self.dialled.fetch_add(1, Ordering::SeqCst);
        let port = self.ports.lock().unwrap().get(&address.ip()).copied();
        async move {
            let port = port.ok_or_else(|| io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens"))?;
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await
        }
        .boxed()
    }

    fn extra_roots(&self) -> Vec<CertificateDer<'static>> {
        vec![self.root.clone()]
    }
}
