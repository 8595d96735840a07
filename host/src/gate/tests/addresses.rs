//! Where a name may lead: judged for each connection, before anything is dialled.

use super::*;

/// A name that leads to this host, a private network or a metadata service is refused with the reason, whole, and nothing
/// is dialled (R1-R7).
#[tokio::test]
async fn private_addresses_are_refused() {
    let world = World::new(ok).await;
    let door = world.reader();
    for (addresses, expected) in [
        (&["127.0.0.1"][..], "address-not-public: loopback"),
        (&["::1"], "address-not-public: loopback"),
        (&["10.0.0.5"], "address-not-public: private"),
        (&["192.168.1.1"], "address-not-public: private"),
        (&["fd12::1"], "address-not-public: unique-local"),
        (&["169.254.169.254"], "address-forbidden: metadata"),
        (&["168.63.129.16"], "address-forbidden: metadata"),
        (&["fd00:ec2::254"], "address-forbidden: metadata"),
        (&["0.0.0.0"], "address-not-public: unspecified"),
        (&["20.0.0.1", "10.0.0.5"], "address-not-public: private"),
        (&["20.0.0.1", "::ffff:10.0.0.1"], "address-not-public: embedded-ipv4"),
        (&["64:ff9b::808:808"], "address-not-public: nat64"),
    ] {
        world.net.name("api.vendor.example", addresses);
        match door.send(get("1")).await {
            Err(http::Error::Denied(text)) => {
                assert!(text.starts_with(expected), "{addresses:?}: {text}");
                assert!(!addresses.iter().any(|address| text.contains(address)), "a plugin learns no address: {text}");
            }
            other => panic!("{addresses:?}: {other:?}"),
        }
    }
    assert_eq!((world.net.dialled(), world.server.seen().len()), (0, 0));
    let journal = world.journal().await;
    assert_eq!(journal.len(), 12);
    assert_eq!(journal[0].decision, "denied:address-not-public");
    assert_eq!(journal[5].decision, "denied:address-forbidden");
}

/// A request with an effect that meets such an address was not sent: it may be made again when the name is mended.
#[tokio::test]
async fn a_refused_write_is_not_unknown() {
    let world = World::new(ok).await;
    world.net.name("api.vendor.example", &["127.0.0.1"]);
    let door = world.writer(1).await;
    assert!(matches!(door.send(insert(0)).await, Err(http::Error::Denied(_))));
    assert!(door.unanswered().is_empty());
    world.net.host("api.vendor.example", "20.0.0.1", world.server.port);
    let again = world.writer(1).await;
    assert_eq!(again.send(insert(0)).await.unwrap().status, 200);
    assert_eq!(world.server.count("/orders"), 1);
}

/// Of many addresses only so many are tried, and a name without any is not reached.
#[tokio::test]
async fn few_addresses_are_tried() {
    let world = World::new(ok).await;
    let many: Vec<String> = (0..200).map(|n| format!("20.0.1.{n}")).collect();
    world.net.name("api.vendor.example", &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(world.reader().send(get("1")).await, Err(http::Error::NotSent(_))));
    assert_eq!(world.net.dialled(), bounds::ADDRESSES_MAX);
    world.net.name("api.vendor.example", &[]);
    assert!(matches!(world.reader().send(get("1")).await, Err(http::Error::NotSent(_))));
}
