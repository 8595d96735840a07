//! Batches, runs and the tally: what is open, what went on, and that every change is accounted for.

use tollgate::store::{BatchRow, Checkpoint, FlowState, Kind, RunCounts, RunRow, SetAsideRow, Tries, Wish};
use tollgate_core::model::tally::Tally;
use tollgate_core::model::{At, FlowName};
use tollgate_tests::database::{basis, batch, begin, claim, run_row, tenant};
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
        tries: Tries::default(),
        basis: basis(),
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

    /// Runs come newest first, page by page and by state; one that goes on keeps its flow, its beginning and what it moved,
    /// and what it moved adds up.
    async fn runs_come_newest_first(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        let run = |id: &str, started, ended: Option<i64>| RunRow {
            ended: ended.map(At),
            state: if ended.is_some() { "done" } else { "running" }.into(),
            ..run_row(id, &flow, started)
        };
        let mut commit = begin(store, &flow, fence).await;
        for row in [run("1", 10, None), run("2", 20, None), run("3", 30, None), run("4", 30, None), run("2", 99, Some(25))] {
            commit.put_run(&row, fence).await.unwrap();
        }
        let moved = RunCounts { read: 2, taken_up: 1, written: 3, unchanged: 4, skipped: 5, set_aside: 6 };
        for _ in 0..2 {
            commit.add_run(&run("1", 10, None), &moved, fence).await.unwrap();
        }
        commit.finish().await.unwrap();
        let ids = async |state: Option<&str>, after: &str, most: u32| {
            let rows = store.runs(&tenant(), (&flow, state), after, most).await.unwrap();
            rows.into_iter().map(|row| row.id.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ids(None, "", 3).await, "4 3 2");
        assert_eq!(ids(None, "4", 2).await, "3 2", "of two that began at once, the second");
        assert_eq!(ids(None, "2", 9).await, "1");
        assert_eq!(ids(Some("running"), "3", 9).await, "1");
        assert_eq!(ids(Some("done"), "", 9).await, "2");
        assert_eq!(ids(None, "never there", 9).await, "");
        assert_eq!(store.run(&tenant(), &"2".into()).await.unwrap(), Some(run("2", 20, Some(25))));
        let twice = RunCounts { read: 4, taken_up: 2, written: 6, unchanged: 8, skipped: 10, set_aside: 12 };
        assert_eq!(store.run(&tenant(), &"1".into()).await.unwrap().map(|row| row.counts), Some(twice));
        assert!(store.runs(&tenant(), (&"customers".into(), None), "", 2).await.unwrap().is_empty());
    }

    /// Runs whose process ended without a word are ended by the next one; those that had ended stay as they are, and so do
    /// those of other flows.
    async fn open_runs_are_ended(db: Database) {
        let (store, flow, other) = (&db.store, FlowName::from("orders"), FlowName::from("customers"));
        let fence = claim(store, &flow).await;
        let done = RunRow { ended: Some(At(5)), state: "done".into(), ..run_row("1", &flow, 1) };
        let mut commit = begin(store, &flow, fence).await;
        for row in [&done, &run_row("2", &flow, 2), &run_row("3", &other, 3)] {
            commit.put_run(row, fence).await.unwrap();
        }
        commit.finish().await.unwrap();
        assert!(store.has_open_runs(&tenant(), &flow).await.unwrap());
        let mut commit = begin(store, &flow, fence).await;
        assert_eq!(commit.end_open_runs(&flow, "interrupted", fence).await.unwrap(), 1);
        commit.finish().await.unwrap();
        assert!(!store.has_open_runs(&tenant(), &flow).await.unwrap());
        assert!(store.has_open_runs(&tenant(), &other).await.unwrap());
        let rows = store.runs(&tenant(), (&flow, None), "", 9).await.unwrap();
        assert_eq!((rows[0].state.as_str(), rows[0].ended.is_some(), &rows[1]), ("interrupted", true, &done));
    }

    /// A pause keeps its first reason until somebody resumes; wishes are counted, one by one; what was read anew up to one
    /// wish is not read anew for it again.
    async fn what_is_wanted_of_a_flow(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        assert_eq!(store.flow_state(&tenant(), &flow).await.unwrap(), FlowState::default());
        let mut commit = begin(store, &flow, fence).await;
        assert!(!commit.resume_flow(&flow, "ann").await.unwrap(), "it was never paused");
        assert!(commit.pause_flow(&flow, "ann", "audit").await.unwrap());
        assert!(!commit.pause_flow(&flow, "bob", "other").await.unwrap());
        for wish in [Wish::Start, Wish::Cancel, Wish::Cancel, Wish::Anew, Wish::Anew, Wish::Anew] {
            commit.wish(&flow, wish).await.unwrap();
        }
        commit.wish(&"customers".into(), Wish::Start).await.unwrap();
        let checkpoint = Checkpoint { source: "s".into(), cursor_format: 1, cursor: "c".into(), is_caught_up: true };
        commit.put_checkpoint(&flow, &checkpoint, fence).await.unwrap();
        commit.start_over(&flow, 2, fence).await.unwrap();
        commit.finish().await.unwrap();
        let state = store.flow_state(&tenant(), &flow).await.unwrap();
        assert_eq!((state.is_paused, state.actor.as_str(), state.reason.as_str()), (true, "ann", "audit"));
        assert!(state.since.is_some());
        assert_eq!((state.starts, state.cancels, state.anews, state.anews_done), (1, 2, 3, 2));
        assert_eq!(store.checkpoints(&tenant(), &flow).await.unwrap(), []);
        let mut commit = begin(store, &flow, fence).await;
        commit.start_over(&flow, 1, fence).await.unwrap();
        assert!(commit.resume_flow(&flow, "eve").await.unwrap());
        assert!(!commit.resume_flow(&flow, "bob").await.unwrap());
        commit.finish().await.unwrap();
        let resumed = store.flow_state(&tenant(), &flow).await.unwrap();
        assert_eq!((resumed.is_paused, resumed.actor.as_str(), resumed.reason.as_str()), (false, "eve", ""));
        assert_eq!(resumed.anews_done, 2, "an older wish undoes nothing");
        assert_eq!(store.flow_state(&tenant(), &"customers".into()).await.unwrap().starts, 1);
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
