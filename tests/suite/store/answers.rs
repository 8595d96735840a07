//! Marks, answers, journal and usage: durable when they say so, and written in few transactions.

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use tollgate::store::{Error, JournalEntry, Sending};
use tollgate_core::model::{At, BatchId, FlowName, RunId, http};
use tollgate_tests::database::{Database, begin, open_batch, tenant};
use tollgate_tests::on_both_databases;

fn entry(run: &str, account: &str, at: i64) -> JournalEntry {
    JournalEntry {
        at: At(at),
        run: run.into(),
        connection: "erp".into(),
        account: account.into(),
        route: "create-order".into(),
        method: "POST".into(),
        origin: "https://erp.example".into(),
        path: "/orders/{id}".into(),
        decision: "sent".into(),
        status: 201,
        request_bytes: 10,
        response_bytes: u64::from(u32::MAX) + 1,
        took_ms: 3,
        error: String::new(),
    }
}

fn response(body: &[u8]) -> http::Response {
    http::Response { status: 201, headers: vec![("location".into(), "/1\u{1f600}\"".into())], body: body.into() }
}

async fn rename(db: &Database, from: &str, to: &str) {
    let mut connection = AnyConnection::connect(&db.url).await.unwrap();
    connection.execute(AssertSqlSafe(format!("ALTER TABLE {from} RENAME TO {to}"))).await.unwrap();
    connection.close().await.unwrap();
}

on_both_databases! {
    /// A request is marked, then answered, and a later answer takes the earlier one's place; a mark never hides an
    /// answer. Bytes and headers come back exactly, whoever opens the database next.
    async fn an_answer_comes_back_exactly(db: Database) {
        let flow = FlowName::from("orders");
        let (id, _) = open_batch(&db.store, &flow, "b").await;
        let store = &db.store;
        let put = async |request: &str, body: &[u8]| store.put_answer(&tenant(), &id, request, &response(body), entry("r", "a", 1)).await.unwrap();
        for request in ["marked", "answered", "twice", "empty"] {
            store.mark_sending(&tenant(), &id, request, At(0)).await.unwrap();
        }
        put("answered", &[0, 159, 255]).await;
        put("twice", b"first").await;
        put("twice", b"second").await;
        put("empty", b"").await;
        store.mark_sending(&tenant(), &id, "answered", At(0)).await.unwrap();
        let answers = db.another_store().await.unwrap().answers(&tenant(), &id).await.unwrap();
        assert_eq!(answers.len(), 4);
        assert_eq!(answers["marked"], Sending::Marked);
        assert_eq!(answers["answered"], Sending::Answered(response(&[0, 159, 255])));
        assert_eq!(answers["twice"], Sending::Answered(response(b"second")));
        assert_eq!(answers["empty"], Sending::Answered(response(b"")));
        assert_eq!(store.journal_count(&tenant(), &"a".into()).await.unwrap(), 4);
    }

    /// 500 answers at once are all durable when they return, each with its journal entry, in far fewer than 500
    /// transactions.
    async fn many_answers_share_few_transactions(db: Database) {
        let flow = FlowName::from("orders");
        let (id, _) = open_batch(&db.store, &flow, "b").await;
        let before = db.store.commits();
        let answers = (0..500).map(|number| {
            let (store, id) = (db.store.clone(), id.clone());
            tokio::spawn(async move {
                let request = number.to_string();
                store.mark_sending(&tenant(), &id, &request, At(0)).await?;
                store.put_answer(&tenant(), &id, &request, &response(request.as_bytes()), entry("r", "a", number)).await
            })
        });
        for answer in futures_util::future::join_all(answers).await {
            answer.unwrap().unwrap();
        }
        let transactions = db.store.commits() - before;
        assert!(transactions <= 100, "{transactions} transactions for 1,000 writes");
        let stored = db.store.answers(&tenant(), &id).await.unwrap();
        assert_eq!(stored.len(), 500);
        assert!(stored.iter().all(|(request, sending)| *sending == Sending::Answered(response(request.as_bytes()))));
        assert_eq!(db.store.journal_count(&tenant(), &"a".into()).await.unwrap(), 500);
    }

    /// In a group of marks only the ones of the lost batch are refused; their neighbours are written. Provoked by
    /// marking an open and a removed batch at the same time.
    async fn one_refused_mark_harms_no_other(db: Database) {
        let flow = FlowName::from("orders");
        let (id, fence) = open_batch(&db.store, &flow, "b").await;
        let mut commit = begin(&db.store, &flow, fence).await;
        commit.put_batches(&[tollgate_tests::database::batch(&flow, "gone")], fence).await.unwrap();
        commit.finish().await.unwrap();
        let mut commit = begin(&db.store, &flow, fence).await;
        commit.remove_batch(&"gone".into()).await.unwrap();
        commit.finish().await.unwrap();
        let marks = (0..50).map(|number| {
            let (store, id) = (db.store.clone(), if number % 2 == 0 { id.clone() } else { BatchId::from("gone") });
            async move { (number, store.mark_sending(&tenant(), &id, &number.to_string(), At(0)).await) }
        });
        for (number, result) in futures_util::future::join_all(marks).await {
            match result {
                Ok(()) => assert_eq!(number % 2, 0),
                Err(Error::Fenced { what }) => assert_eq!((number % 2, what.as_str()), (1, "batch `gone`")),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(db.count("answer").await.unwrap(), 25);
    }

    /// An answer for a batch that is gone leaves its journal entry and no row that nobody would ever delete.
    async fn a_late_answer_is_only_journalled(db: Database) {
        db.store.put_answer(&tenant(), &"gone".into(), "r", &response(b""), entry("r", "a", 1)).await.unwrap();
        assert_eq!(db.count("answer").await.unwrap(), 0);
        assert_eq!(db.store.journal_count(&tenant(), &"a".into()).await.unwrap(), 1);
    }

    /// A name that no database can hold is refused to its caller alone, and hostile text in an entry is cleaned instead
    /// of keeping the whole group from being written.
    async fn hostile_text_harms_no_neighbour(db: Database) {
        let (id, _) = open_batch(&db.store, &FlowName::from("orders"), "b").await;
        let tenant = tenant();
        let marks = ["fine", "ba\0d", "good"].map(|request| db.store.mark_sending(&tenant, &id, request, At(0)));
        let results = futures_util::future::join_all(marks).await;
        assert!(results[0].is_ok() && results[2].is_ok());
        assert!(matches!(results[1], Err(Error::Unstorable { .. })));
        let hostile = JournalEntry { error: "a\0b".into(), ..entry("r", "a", 1) };
        db.store.put_journal(&tenant, hostile).await.unwrap();
        db.store.mark_sending(&tenant, &id, "after", At(0)).await.unwrap();
        assert_eq!(db.store.journal(&tenant, None, 9).await.unwrap()[0].error, "a\u{fffd}b");
    }

    /// Entries come newest first, of one run or of all, and come back whole; usage adds up from an hour on.
    async fn journal_and_usage_are_written_with_the_next_group(db: Database) {
        let store = &db.store;
        for (run, at) in [("1", 10), ("2", 20), ("1", 20)] {
            store.put_journal(&tenant(), entry(run, "a", at)).await.unwrap();
        }
        for (hour, calls) in [(1, 5), (2, 7), (2, 3), (3, 1)] {
            store.add_usage(&tenant(), &"a".into(), hour, calls).await.unwrap();
        }
        store.add_usage(&tenant(), &"b".into(), 3, 100).await.unwrap();
        // Durable when it returns, and written after everything that was queued before it.
        store.put_answer(&tenant(), &"none".into(), "r", &response(b""), entry("3", "c", 5)).await.unwrap();
        let all = store.journal(&tenant(), None, 10).await.unwrap();
        assert!(all.iter().any(|one| *one == entry("3", "c", 5)));
        assert_eq!(store.journal(&tenant(), Some(&RunId::from("1")), 10).await.unwrap(), [entry("1", "a", 20), entry("1", "a", 10)]);
        assert_eq!(store.journal(&tenant(), Some(&RunId::from("1")), 1).await.unwrap(), [entry("1", "a", 20)]);
        assert_eq!(store.journal_count(&tenant(), &"a".into()).await.unwrap(), 3);
        for (since, calls) in [(0, 16), (2, 11), (3, 1), (4, 0)] {
            assert_eq!(store.usage(&tenant(), &"a".into(), since).await.unwrap(), calls, "since {since}");
        }
    }

    /// Closing writes all that is queued and refuses what comes after; a second close is fine.
    async fn closing_drains_the_queue(db: Database) {
        for number in 0..300 {
            db.store.put_journal(&tenant(), entry("r", "a", number)).await.unwrap();
        }
        db.store.close().await;
        db.store.clone().close().await;
        assert!(matches!(db.store.put_journal(&tenant(), entry("r", "a", 0)).await, Err(Error::Closed)));
        assert!(matches!(db.store.mark_sending(&tenant(), &"b".into(), "r", At(0)).await, Err(Error::Closed)));
        let again = db.another_store().await.unwrap();
        assert_eq!(again.journal_count(&tenant(), &"a".into()).await.unwrap(), 300);
    }

    /// When a group commit fails, whoever waits is told, and what nobody waits for is kept and written with the next
    /// one, once. Provoked by taking a table away for a while.
    async fn a_failed_group_loses_nothing(db: Database) {
        let store = &db.store;
        let put = async || store.put_answer(&tenant(), &"none".into(), "r", &response(b""), entry("r", "c", 5)).await;
        rename(&db, "usage", "usage_away").await;
        store.add_usage(&tenant(), &"a".into(), 1, 7).await.unwrap();
        store.put_journal(&tenant(), entry("r", "a", 1)).await.unwrap();
        for _ in 0..2 {
            let error = put().await.unwrap_err();
            assert!(matches!(&error, Error::Database { statement, .. } if statement.starts_with("INSERT INTO usage")), "{error}");
        }
        assert_eq!(store.journal(&tenant(), None, 9).await.unwrap(), []);
        rename(&db, "usage_away", "usage").await;
        put().await.unwrap();
        assert_eq!(store.usage(&tenant(), &"a".into(), 0).await.unwrap(), 7);
        assert_eq!(store.journal_count(&tenant(), &"a".into()).await.unwrap(), 1);
        assert_eq!(store.journal_count(&tenant(), &"c".into()).await.unwrap(), 1, "failed answers are not journalled");
    }

    /// Usage that two nodes add at once is all counted.
    async fn usage_of_two_nodes_adds_up(db: Database) {
        let second = db.another_store().await.unwrap();
        for _ in 0..100 {
            for store in [&db.store, &second] {
                store.add_usage(&tenant(), &"a".into(), 1, 1).await.unwrap();
            }
        }
        db.store.close().await;
        second.close().await;
        let third = db.another_store().await.unwrap();
        assert_eq!(third.usage(&tenant(), &"a".into(), 0).await.unwrap(), 200);
    }
}
