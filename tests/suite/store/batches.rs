//! Batches, runs and the tally: what is open, what went on, and that every change is accounted for.

use tollgate::store::{BatchRow, Kind, RunRow, SetAsideRow};
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{At, FlowName};
use tollgate_tests::database::{batch, begin, claim, tenant};
use tollgate_tests::on_both_databases;

fn waiting(key: &str, kind: Kind) -> SetAsideRow {
    SetAsideRow {
        key: key.into(),
        kind,
        rule: "required".into(),
        reason: "has no name".into(),
        detail: "{}".into(),
        change: "{}".into(),
        needs: vec![],
        attempts: 0,
        since: At(0),
    }
}

on_both_databases! {
    /// Open batches come oldest first, an upsert changes a batch in its place, and a removed one takes its answers
    /// along.
    async fn batches_keep_their_order(db: Database) {
        let (store, flow, other) = (&db.store, FlowName::from("orders"), FlowName::from("customers"));
        let fence = claim(store, &flow).await;
        let mut commit = begin(store, &flow, fence).await;
        commit.put_batches(&[batch(&flow, "z"), batch(&flow, "m"), batch(&flow, "a")], fence).await.unwrap();
        commit.put_batches(&[batch(&other, "of another flow"), batch(&flow, "b")], fence).await.unwrap();
        commit.finish().await.unwrap();
        store.mark_sending(&tenant(), &"m".into(), "r", At(0)).await.unwrap();

        let again = BatchRow { attempt: 2, due: At(9), intents: "[1]".into(), sources: "[2]".into(), count: 7, ..batch(&flow, "z") };
        let mut commit = begin(store, &flow, fence).await;
        commit.put_batches(std::slice::from_ref(&again), fence).await.unwrap();
        commit.remove_batch(&"m".into()).await.unwrap();
        commit.remove_batch(&"never there".into()).await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(store.batches(&tenant(), &flow).await.unwrap(), [again, batch(&flow, "a"), batch(&flow, "b")]);
        assert_eq!(db.count("answer").await.unwrap(), 0);
    }

    /// Runs come newest first and keep flow and beginning when they go on.
    async fn runs_come_newest_first(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        let run = |id: &str, started, ended: Option<i64>| RunRow {
            id: id.into(),
            flow: "orders".into(),
            started: At(started),
            ended: ended.map(At),
            state: if ended.is_some() { "done".into() } else { "going".into() },
            detail: String::new(),
        };
        let mut commit = begin(store, &flow, fence).await;
        for row in [run("1", 10, None), run("2", 20, None), run("3", 30, None), run("2", 99, Some(25))] {
            commit.put_run(&row, fence).await.unwrap();
        }
        commit.finish().await.unwrap();
        assert_eq!(store.runs(&tenant(), &flow, 2).await.unwrap(), [run("3", 30, None), run("2", 20, Some(25))]);
        assert!(store.runs(&tenant(), &"customers".into(), 2).await.unwrap().is_empty());
    }

    /// Every change that came in is accounted for at each commit: counters add up, the rest is counted from the rows
    /// that there are, and only this flow's. A change that vanished shows.
    async fn the_tally_is_counted_from_rows(db: Database) {
        let (store, flow, other) = (&db.store, FlowName::from("orders"), FlowName::from("customers"));
        assert_eq!(store.tally(&tenant(), &flow).await.unwrap(), Tally::default());
        let fence = claim(store, &flow).await;
        let mut commit = begin(store, &flow, fence).await;
        let add = Tally { read: 13, written: 1, unchanged: 1, skipped_predicate: 1, skipped_echo: 2, skipped_superseded: 1, held: 50, in_flight: 50, ..Tally::default() };
        commit.add_tally(&flow, &add, fence).await.unwrap();
        let rows = [waiting("a", Kind::Hold), waiting("b", Kind::Exception), waiting("c", Kind::DeadLetter), waiting("d", Kind::DeadLetter)];
        commit.put_set_aside(&flow, &rows, fence, i64::MAX).await.unwrap();
        commit.put_batches(&[BatchRow { count: 2, ..batch(&flow, "x") }, batch(&flow, "y")], fence).await.unwrap();
        commit.put_set_aside(&other, &rows, fence, i64::MAX).await.unwrap();
        commit.put_batches(&[batch(&other, "of another flow")], fence).await.unwrap();
        commit.finish().await.unwrap();
        let tally = store.tally(&tenant(), &flow).await.unwrap();
        assert_eq!((tally.held, tally.exceptions, tally.dead_letters, tally.in_flight), (1, 1, 2, 3));
        assert!(tally.is_conserved(), "{tally}");

        let mut commit = begin(store, &flow, fence).await;
        commit.remove_batch(&"x".into()).await.unwrap();
        commit.add_tally(&flow, &Tally { written: 2, ..Tally::default() }, fence).await.unwrap();
        commit.finish().await.unwrap();
        let tally = store.tally(&tenant(), &flow).await.unwrap();
        assert_eq!((tally.read, tally.written, tally.skipped(), tally.in_flight), (13, 3, 4, 1));
        assert!(tally.is_conserved(), "{tally}");

        let mut commit = begin(store, &flow, fence).await;
        commit.remove_set_aside(&flow, &["a"]).await.unwrap();
        commit.finish().await.unwrap();
        assert!(!store.tally(&tenant(), &flow).await.unwrap().is_conserved());
    }

    /// A tally is of one moment. Provoked by moving changes from in flight to written, again and again, while others
    /// look: nobody ever sees one in both places or in none.
    async fn a_tally_is_of_one_moment(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        let looking = async {
            let mut moments = 0;
            loop {
                let tally = store.tally(&tenant(), &flow).await.unwrap();
                assert!(tally.is_conserved(), "{tally}");
                moments += 1;
                if tally.written == 30 {
                    return moments;
                }
            }
        };
        let moving = async {
            for round in 0..30 {
                let id = format!("b{round}");
                let mut commit = begin(store, &flow, fence).await;
                commit.add_tally(&flow, &Tally { read: 1, ..Tally::default() }, fence).await.unwrap();
                commit.put_batches(&[batch(&flow, &id)], fence).await.unwrap();
                commit.finish().await.unwrap();
                let mut commit = begin(store, &flow, fence).await;
                commit.add_tally(&flow, &Tally { written: 1, ..Tally::default() }, fence).await.unwrap();
                commit.remove_batch(&id.as_str().into()).await.unwrap();
                commit.finish().await.unwrap();
            }
        };
        let (moments, ()) = tokio::join!(looking, moving);
        assert!(moments > 1, "the looker saw more than the end");
    }
}
