//! The end of the service: what was begun is finished, nothing new is taken.

use super::Stage;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tollgate::app::access::Role;
use tollgate_tests::on_both_databases;

/// Longer than anything here takes; without it a failure would be a test that never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request to set the row `x` of the table `product` whose handler waits for the body, of ten bytes. That the server asks
/// for it shows that it is at work.
pub(super) async fn half_sent(address: SocketAddr, token: &str) -> TcpStream {
    let mut request = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "PUT /v1/tables/product/rows/x HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n"
    );
    request.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 25];
    request.read_exact(&mut answer).await.expect("the server asks for the body");
    assert_eq!(answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    request
}

/// Sends the rest of such a request; gives back the whole answer.
pub(super) async fn finish(mut request: TcpStream) -> String {
    request.write_all(b"{\"to\":\"y\"}").await.expect("sent");
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.expect("the answer");
    answer
}

on_both_databases! {
    /// A request whose body is half sent when the service is told to stop is answered, and its change is stored; a
    /// connection that comes later is refused, and the service ends.
    async fn a_request_under_way_is_finished(database: Database) {
        let stage = Stage::set(&database, None).await;
        let token = stage.token(Role::Operator).await;
        let address = stage.client.address;
        let request = half_sent(address, &token).await;

        let Stage { stop, served, .. } = stage;
        stop.send(()).expect("the service runs");
        let refused = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.expect("no further connection is taken");
        assert!(!served.is_finished(), "the request is waited for");

        let answer = finish(request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"version\":1"), "{answer}");
        let ended = tokio::time::timeout(PATIENCE, served).await.expect("the service ends");
        ended.expect("no panic").expect("it ends well");
        assert_eq!(database.count("translation WHERE from_value = 'x' AND to_value = 'y'").await.expect("a count"), 1);
    }
}
