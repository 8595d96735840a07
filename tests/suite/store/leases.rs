//! Leases and fences: one holder at a time, and whoever lost a lease is refused.

use tollgate::store::Error;
use tollgate_core::model::{At, FlowName};
use tollgate_tests::database::{Kind, batch, begin, lease, record, run_row, tenant};
use tollgate_tests::on_both_databases;

on_both_databases! {
    /// A lease has one holder; each claim, its own holder's too, gets a greater fence; a released one goes to anybody,
    /// and its fence is never given out again.
    async fn a_lease_has_one_holder_and_a_growing_fence(db: Database) {
        let claim = async |holder: &str| db.store.claim(&tenant(), "l", holder, At(0), 60_000).await.unwrap().map(|fence| fence.0);
        assert_eq!(claim("a").await, Some(1));
        assert_eq!(claim("b").await, None);
        assert_eq!(claim("a").await, Some(2));
        let fence = tollgate_core::model::Fence;
        assert!(!db.store.renew(&tenant(), "l", fence(1), At(0), 60_000).await.unwrap(), "an old fence");
        assert!(db.store.renew(&tenant(), "l", fence(2), At(0), 60_000).await.unwrap());
        db.store.release(&tenant(), "l", fence(1)).await.unwrap();
        assert_eq!(claim("b").await, None, "an old fence gives nothing back");
        db.store.release(&tenant(), "l", fence(2)).await.unwrap();
        assert!(!db.store.renew(&tenant(), "l", fence(2), At(0), 60_000).await.unwrap(), "a released lease");
        assert_eq!(claim("b").await, Some(3));
    }

    /// An expired lease goes to the next who asks, and not before. On PostgreSQL only the database's time counts: a
    /// caller whose clock is years ahead gets nothing.
    async fn an_expired_lease_is_free(db: Database) {
        let claim = async |holder: &str, now, life_ms| db.store.claim(&tenant(), "l", holder, At(now), life_ms).await.unwrap();
        assert!(claim("a", 1_000, 500).await.is_some());
        match db.kind {
            Kind::Sqlite => {
                assert!(claim("b", 1_499, 500).await.is_none());
                assert!(claim("b", 1_500, 500).await.is_some());
                assert!(!db.store.renew(&tenant(), "l", tollgate_core::model::Fence(1), At(1_500), 500).await.unwrap());
            }
            Kind::Postgres => {
                assert!(claim("a", 0, 60_000).await.is_some());
                assert!(claim("b", i64::MAX / 2, 500).await.is_none());
                assert!(claim("a", i64::MAX / 2, 0).await.is_some());
                assert!(claim("b", 0, 500).await.is_some());
            }
        }
    }

    /// Of many who claim a free lease at once exactly one gets it. Provoked by 16 holders over two stores.
    async fn one_of_many_claims_wins(db: Database) {
        let other = db.another_store().await.unwrap();
        let claims = (0..16).map(|number| {
            let store = if number % 2 == 0 { db.store.clone() } else { other.clone() };
            async move { store.claim(&tenant(), "l", &format!("holder-{number}"), At(0), 60_000).await.unwrap() }
        });
        let won = futures_util::future::join_all(claims).await.into_iter().flatten().count();
        assert_eq!(won, 1);
    }

    /// A commit under an old fence is refused before it changes anything, and so is a mark, whichever node asks.
    /// Provoked by a second node that takes the lease over while the first one goes on.
    async fn an_old_fence_is_refused(db: Database) {
        let flow = FlowName::from("orders");
        let second = db.another_store().await.unwrap();
        let (id, old) = tollgate_tests::database::open_batch(&db.store, &flow, "b").await;
        db.store.mark_sending(&tenant(), &id, "first", At(0)).await.unwrap();
        let early = second.mark_sending(&tenant(), &id, "x", At(0)).await.unwrap_err();
        assert!(matches!(early, Error::Fenced { .. }), "not the holder yet: {early}");
        // As when the first node's lease expires without its notice.
        let raw = db.another_store().await.unwrap();
        raw.release(&tenant(), &lease(&flow), old).await.unwrap();
        let gone = db.store.mark_sending(&tenant(), &id, "second", At(0)).await.unwrap_err();
        assert!(matches!(gone, Error::Fenced { .. }), "nobody holds it: {gone}");
        let new = second.claim(&tenant(), &lease(&flow), "node-2", At(0), 60_000).await.unwrap().unwrap();
        assert!(new > old);

        let error = db.store.mark_sending(&tenant(), &id, "second", At(0)).await.unwrap_err();
        assert!(matches!(&error, Error::Fenced { what } if what == "lease `flow:orders`"), "{error}");
        let mut commit = db.store.begin(&tenant(), record(), At(0)).await.unwrap();
        assert!(matches!(commit.guard(&lease(&flow), old).await, Err(Error::Fenced { .. })));
        drop(commit);
        second.mark_sending(&tenant(), &id, "second", At(0)).await.unwrap();
        let mut requests: Vec<_> = second.answers(&tenant(), &id).await.unwrap().into_keys().collect();
        requests.sort();
        assert_eq!(requests, ["first", "second"]);
        let mut commit = begin(&second, &flow, new).await;
        commit.put_batches(&[batch(&flow, "b")], new).await.unwrap();
        commit.finish().await.unwrap();
    }

    /// A fenced write without its guard is a mistake in the program and stops it, also when another fence was guarded.
    async fn a_fenced_write_insists_on_its_guard(db: Database) {
        let flow = FlowName::from("orders");
        let fence = tollgate_tests::database::claim(&db.store, &flow).await;
        let wrong = tollgate_core::model::Fence(fence.0 + 1);
        let store = db.store.clone();
        let task = tokio::spawn(async move {
            let mut commit = begin(&store, &"orders".into(), fence).await;
            let run = run_row("r", &"orders".into(), 0);
            commit.put_run(&run, wrong).await
        });
        assert!(task.await.unwrap_err().is_panic());
    }

    /// While a guarded commit is open nobody takes the lease over, so what it writes is written by the holder. Provoked
    /// by a claim that arrives in the middle; it waits and then gets the next fence.
    async fn a_guard_holds_until_the_commit_ends(db: Database) {
        let flow = FlowName::from("orders");
        let fence = tollgate_tests::database::claim(&db.store, &flow).await;
        let mut commit = begin(&db.store, &flow, fence).await;
        let second = db.another_store().await.unwrap();
        let claiming = tokio::spawn(async move { second.claim(&tenant(), &lease(&"orders".into()), "node-1", At(0), 60_000).await });
        commit.put_batches(&[batch(&flow, "b")], fence).await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(claiming.await.unwrap().unwrap().map(|new| new.0), Some(fence.0 + 1));
        assert_eq!(db.store.batches(&tenant(), &flow).await.unwrap().len(), 1);
    }
}
