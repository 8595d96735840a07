//! Commits: all or nothing, never without an audit record, never across tenants.

use tollgate::store::Checkpoint;
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{At, FlowName, audit};
use tollgate_tests::database::{batch, begin, claim, lease, record, tenant};
use tollgate_tests::on_both_databases;

fn cursor(text: &str) -> Checkpoint {
    Checkpoint { source: "s".into(), cursor_format: 3, cursor: text.into(), is_caught_up: false }
}

on_both_databases! {
    /// What a commit wrote is there after it, with its audit record; what was dropped never was, and uses up no number.
    /// Provoked by dropping a commit between two that finish.
    async fn a_commit_is_all_or_nothing(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        for (text, is_finished) in [("a", true), ("b", false), ("c", true)] {
            let mut commit = begin(store, &flow, fence).await;
            commit.put_checkpoint(&flow, &cursor(text), fence).await.unwrap();
            commit.add_tally(&flow, &Tally { read: 1, written: 1, ..Tally::default() }, fence).await.unwrap();
            if is_finished {
                commit.finish().await.unwrap();
            } else {
                drop(commit);
            }
        }
        assert_eq!(store.checkpoints(&tenant(), &flow).await.unwrap(), [cursor("c")]);
        assert_eq!(store.tally(&tenant(), &flow).await.unwrap().written, 2);
        let numbers: Vec<i64> = store.audit(&tenant(), 0, 10).await.unwrap().iter().map(|(seq, ..)| *seq).collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(store.commits(), 2);
    }

    /// Committed work survives without `close`; an unfinished commit leaves nothing. Provoked by dropping the only
    /// store with a commit open and opening the database again.
    async fn reopening_keeps_what_was_committed(db: Database) {
        // The harness's own store must not be what keeps the database in order.
        db.store.close().await;
        let store = db.another_store().await.unwrap();
        let flow = FlowName::from("orders");
        let fence = claim(&store, &flow).await;
        let mut commit = begin(&store, &flow, fence).await;
        commit.put_checkpoint(&flow, &cursor("kept"), fence).await.unwrap();
        commit.finish().await.unwrap();
        let mut commit = begin(&store, &flow, fence).await;
        commit.put_checkpoint(&flow, &cursor("lost"), fence).await.unwrap();
        drop((commit, store));
        let again = db.another_store().await.unwrap();
        assert_eq!(again.checkpoints(&tenant(), &flow).await.unwrap(), [cursor("kept")]);
        let mut commit = begin(&again, &flow, fence).await;
        commit.clear_checkpoint(&flow).await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(again.checkpoints(&tenant(), &flow).await.unwrap(), []);
    }

    /// Audit numbers have no gaps and no doubles, and a record says what its commit did. Provoked by 32 writers at
    /// once, each with two commits and one that is dropped.
    async fn audit_numbers_have_no_gaps(db: Database) {
        let writers = (0..32).map(|writer| {
            let store = db.store.clone();
            async move {
                for (turn, is_finished) in [(0, true), (1, false), (2, true)] {
                    let audit = audit::Record::new("admin:x", "table.row.set", format!("table:{writer}"), format!("{turn}"));
                    let mut commit = store.begin(&tenant(), audit, At(turn)).await.unwrap();
                    commit.set_translation(&"t".into(), &writer.to_string(), &turn.to_string()).await.unwrap();
                    if is_finished {
                        commit.finish().await.unwrap();
                    }
                }
            }
        });
        futures_util::future::join_all(writers).await;
        let records = db.store.audit(&tenant(), 0, 1_000).await.unwrap();
        let numbers: Vec<i64> = records.iter().map(|(seq, ..)| *seq).collect();
        assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
        assert!(records.iter().all(|(_, at, record)| record.detail == at.0.to_string() && at.0 != 1));
        assert_eq!(db.store.audit(&tenant(), 60, 2).await.unwrap().first().map(|(seq, ..)| *seq), Some(61));
    }

    /// The same names under two tenants never meet. Provoked by writing one of everything for both and changing one
    /// side.
    async fn tenants_do_not_meet(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let tenants = [tenant(), "other".into()];
        for (index, tenant) in tenants.iter().enumerate() {
            let fence = store.claim(tenant, &lease(&flow), "node-1", At(0), 60_000).await.unwrap().unwrap();
            let mut commit = store.begin(tenant, record(), At(0)).await.unwrap();
            assert_eq!(commit.tenant(), tenant);
            commit.guard(&lease(&flow), fence).await.unwrap();
            assert!(commit.add_revision(1, "").await.unwrap());
            commit.put_document("flow", "orders", &format!("body {index}")).await.unwrap();
            commit.put_checkpoint(&flow, &cursor(&index.to_string()), fence).await.unwrap();
            commit.set_translation(&"t".into(), "from", &index.to_string()).await.unwrap();
            commit.put_batches(&[batch(&flow, "b")], fence).await.unwrap();
            commit.put_secret(&"crm".into(), "token", "kek", &[index as u8]).await.unwrap();
            commit.finish().await.unwrap();
            store.add_usage(tenant, &"org".into(), 1, 10 + index as u64).await.unwrap();
            store.mark_sending(tenant, &"b".into(), "r", At(0)).await.unwrap();
        }
        let mut commit = store.begin(&tenants[1], record(), At(0)).await.unwrap();
        commit.remove_batch(&"b".into()).await.unwrap();
        assert!(commit.add_revision(2, "").await.unwrap());
        commit.remove_document("flow", "orders").await.unwrap();
        commit.clear_checkpoint(&flow).await.unwrap();
        commit.remove_translation(&"t".into(), "from").await.unwrap();
        commit.finish().await.unwrap();
        for (tenant, left) in tenants.iter().zip([1, 0]) {
            assert_eq!(store.batches(tenant, &flow).await.unwrap().len(), left);
            assert_eq!(store.answers(tenant, &"b".into()).await.unwrap().len(), left);
            assert_eq!(store.documents(tenant, "flow").await.unwrap().len(), left);
            assert_eq!(store.newest_revision(tenant).await.unwrap(), 2 - left as i64);
            assert_eq!(store.translations(tenant).await.unwrap().len(), left);
            assert_eq!(store.checkpoints(tenant, &flow).await.unwrap().len(), left);
        }
        assert_eq!(store.checkpoints(&tenants[0], &flow).await.unwrap(), [cursor("0")]);
        assert_eq!(store.usage(&tenants[0], &"org".into(), 0).await.unwrap(), 10);
        assert_eq!(store.secret(&tenants[0], &"crm".into(), "token").await.unwrap().unwrap().sealed, [0]);
        assert_eq!(store.audit(&tenants[0], 0, 10).await.unwrap().len(), 1);
        assert_eq!(store.audit(&tenants[1], 0, 10).await.unwrap().len(), 2);
    }
}
