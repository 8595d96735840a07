//! What was set aside: it waits for its needs, of whatever flow, and comes back when one is there.

use tollgate::store::{Kind, SetAsideFilter, SetAsideRow, Store, Tries};
use tollgate_core::model::{At, FlowName};
use tollgate_tests::database::{basis, begin, claim, tenant};
use tollgate_tests::on_both_databases;

fn tries() -> Tries {
    let mut tries = Tries::default();
    tries.add(At(1), "503");
    tries
}

fn row(key: &str, kind: Kind, needs: &[&str], since: i64) -> SetAsideRow {
    SetAsideRow {
        key: key.into(),
        kind,
        rule: format!("rule-{}", kind.as_str()),
        reason: "waits for its customer".into(),
        detail: r#"{"a":1}"#.into(),
        change: r#"{"b":"ü"}"#.into(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        tries: tries(),
        basis: basis(),
        since: At(since),
    }
}

async fn ready(store: &Store, flow: &FlowName) -> Vec<String> {
    store.ready(&tenant(), flow, 10).await.unwrap().into_iter().map(|row| row.key).collect()
}

on_both_databases! {
    /// Releasing a need makes ready every change of any flow that waits for it, once, oldest first; others go on
    /// waiting.
    async fn needs_release_across_flows(db: Database) {
        let (store, orders, invoices) = (&db.store, FlowName::from("orders"), FlowName::from("invoices"));
        let fence = claim(store, &orders).await;
        let mut commit = begin(store, &orders, fence).await;
        let rows = [row("late", Kind::Hold, &["c1", "c2"], 20), row("early", Kind::Hold, &["c1"], 10), row("other", Kind::Exception, &["c3"], 5)];
        commit.put_set_aside(&orders, &rows, fence, i64::MAX).await.unwrap();
        commit.put_set_aside(&invoices, &[row("early", Kind::Hold, &["c1"], 1)], fence, i64::MAX).await.unwrap();
        commit.finish().await.unwrap();
        assert!(ready(store, &orders).await.is_empty());

        let mut commit = store.begin(&tenant(), tollgate_tests::database::record(), At(0)).await.unwrap();
        assert_eq!(commit.release(&["c1", "c2", "unknown"]).await.unwrap(), 3);
        assert_eq!(commit.release(&["c1"]).await.unwrap(), 0, "they are ready already");
        assert_eq!(commit.release(&[]).await.unwrap(), 0);
        commit.finish().await.unwrap();
        assert_eq!(ready(store, &orders).await, ["early", "late"]);
        assert_eq!(ready(store, &invoices).await, ["early"]);
        assert_eq!(store.ready(&tenant(), &orders, 1).await.unwrap(), [rows[1].clone()]);
    }

    /// A need that another flow satisfies while a change is being decided makes it ready at once; who looked afterwards
    /// waits for the next time.
    async fn a_need_satisfied_meanwhile_is_seen(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        let seen = store.need_seq(&tenant()).await.unwrap();
        let mut commit = store.begin(&tenant(), tollgate_tests::database::record(), At(0)).await.unwrap();
        assert_eq!(commit.release(&["c1"]).await.unwrap(), 0, "nobody waits yet");
        commit.finish().await.unwrap();

        let rows = [row("a", Kind::Hold, &["c1"], 1), row("b", Kind::Hold, &["c2"], 1)];
        let mut commit = begin(store, &flow, fence).await;
        assert_eq!(commit.put_set_aside(&flow, &rows, fence, seen).await.unwrap(), 1);
        commit.finish().await.unwrap();
        assert_eq!(ready(store, &flow).await, ["a"]);

        let seen = store.need_seq(&tenant()).await.unwrap();
        let mut commit = begin(store, &flow, fence).await;
        commit.put_set_aside(&flow, &rows, fence, seen).await.unwrap();
        commit.finish().await.unwrap();
        assert!(ready(store, &flow).await.is_empty());
    }

    /// Setting a change aside again replaces everything of it, its needs too, and it waits again.
    async fn a_change_set_aside_again_waits_again(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        let again = SetAsideRow { tries: Tries { count: 40, ..tries() }, ..row("a", Kind::DeadLetter, &["new", "new"], 7) };
        let mut commit = begin(store, &flow, fence).await;
        commit.put_set_aside(&flow, &[row("a", Kind::Hold, &["old"], 1), row("b", Kind::Hold, &["old"], 1)], fence, i64::MAX).await.unwrap();
        assert_eq!(commit.release(&["old"]).await.unwrap(), 2);
        commit.put_set_aside(&flow, &[row("a", Kind::Hold, &["x"], 1), again.clone()], fence, i64::MAX).await.unwrap();
        assert_eq!(commit.release(&["old", "x"]).await.unwrap(), 0);
        commit.finish().await.unwrap();
        assert_eq!(ready(store, &flow).await, ["b"]);
        assert_eq!(store.set_aside(&tenant(), &flow, &["a", "a", "unknown"]).await.unwrap(), [again]);
        let mut commit = begin(store, &flow, fence).await;
        assert_eq!(commit.release(&["new"]).await.unwrap(), 1);
        commit.finish().await.unwrap();
        assert_eq!(ready(store, &flow).await, ["b", "a"]);
    }

    /// Removing says what there was and leaves no need behind; unknown keys are not mentioned.
    async fn removing_says_what_there_was(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        let keys: Vec<String> = (0..600).map(|number| format!("k{number}")).collect();
        let rows: Vec<_> = keys.iter().map(|key| row(key, Kind::Exception, &["n"], 0)).collect();
        let mut commit = begin(store, &flow, fence).await;
        commit.put_set_aside(&flow, &rows, fence, i64::MAX).await.unwrap();
        commit.put_set_aside(&flow, &[row("k7", Kind::Hold, &["n"], 0), row("stays", Kind::Hold, &["n"], 0)], fence, i64::MAX).await.unwrap();
        let mut asked: Vec<&str> = keys.iter().map(String::as_str).collect();
        asked.push("unknown");
        let mut removed = commit.remove_set_aside(&flow, &asked).await.unwrap();
        commit.finish().await.unwrap();
        removed.sort();
        assert_eq!(removed.len(), 600);
        assert_eq!(removed.iter().find(|(key, _)| key == "k7").map(|(_, kind)| *kind), Some(Kind::Hold));
        assert_eq!(db.count("set_aside_need").await.unwrap(), 1);
        assert_eq!(store.set_aside(&tenant(), &flow, &asked).await.unwrap(), []);
    }

    /// A flow's holds and exceptions can be released together; its dead letters stay, and so do other flows. Lists and
    /// counts show each kind by itself.
    async fn a_flow_is_released_without_its_dead_letters(db: Database) {
        let (store, flow, other) = (&db.store, FlowName::from("orders"), FlowName::from("invoices"));
        let fence = claim(store, &flow).await;
        let rows = [row("h", Kind::Hold, &[], 3), row("e2", Kind::Exception, &[], 2), row("e1", Kind::Exception, &[], 1), row("d", Kind::DeadLetter, &[], 0)];
        let mut commit = begin(store, &flow, fence).await;
        commit.put_set_aside(&flow, &rows, fence, i64::MAX).await.unwrap();
        commit.put_set_aside(&other, &rows, fence, i64::MAX).await.unwrap();
        assert_eq!(commit.release_flow(&flow).await.unwrap(), 3);
        commit.finish().await.unwrap();
        assert_eq!(ready(store, &flow).await, ["e1", "e2", "h"]);
        assert!(ready(store, &other).await.is_empty());
        let exceptions = store.list_set_aside(&tenant(), &flow, Kind::Exception, 10).await.unwrap();
        assert_eq!(exceptions, [rows[2].clone(), rows[1].clone()]);
        assert_eq!(store.list_set_aside(&tenant(), &flow, Kind::Exception, 1).await.unwrap(), [rows[2].clone()]);
        let counts = store.count_set_aside_by_rule(&tenant(), &flow).await.unwrap();
        let expected = [(Kind::Hold, 1), (Kind::Exception, 2), (Kind::DeadLetter, 1)];
        assert_eq!(counts, expected.map(|(kind, count)| (kind, format!("rule-{}", kind.as_str()), count)));
    }

    /// A list is filtered by kind, rule and time, each alone and together, and comes in pages by key; the tries of a write
    /// are all counted, and the last ones kept.
    async fn a_list_is_filtered(db: Database) {
        let (store, flow) = (&db.store, FlowName::from("orders"));
        let fence = claim(store, &flow).await;
        let rows = [row("a", Kind::Hold, &[], 3), row("b", Kind::Exception, &[], 2), row("c", Kind::Exception, &[], 9), row("d", Kind::DeadLetter, &[], 5)];
        let mut commit = begin(store, &flow, fence).await;
        commit.put_set_aside(&flow, &rows, fence, i64::MAX).await.unwrap();
        commit.finish().await.unwrap();
        let keys = async |kind: Option<Kind>, rule: Option<&str>, since: Option<i64>, after: &str, most: u32| {
            let filter = SetAsideFilter { kind, rule: rule.map(str::to_owned), since: since.map(At) };
            let lines = store.set_aside_after(&tenant(), (&flow, &filter), after, most).await.unwrap();
            lines.into_iter().map(|line| line.key).collect::<String>()
        };
        assert_eq!(keys(None, None, None, "", 9).await, "abcd");
        assert_eq!(keys(None, None, None, "b", 1).await, "c");
        assert_eq!(keys(Some(Kind::Exception), None, None, "", 9).await, "bc");
        assert_eq!(keys(None, Some("rule-hold"), None, "", 9).await, "a");
        assert_eq!(keys(None, None, Some(5), "", 9).await, "cd");
        assert_eq!(keys(Some(Kind::Exception), Some("rule-exception"), Some(3), "", 9).await, "c");
        assert_eq!(keys(Some(Kind::Hold), Some("rule-exception"), None, "", 9).await, "");
        let mut many = Tries::default();
        (0..40).for_each(|at| many.add(At(at), "503"));
        assert_eq!((many.count, many.last.len(), many.last[0].at), (40, 16, At(24)));
    }
}
