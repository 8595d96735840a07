//! Records: what is known of each, found by key, by entity id and by what recognises it.

use std::collections::HashSet;
use tollgate::store::{Error, RecordRow};
use tollgate_core::model::{At, EntityId, EntityName, Flag, FlowName, SystemName};
use tollgate_tests::database::{begin, claim, tenant};
use tollgate_tests::on_both_databases;

fn row(system: &str, number: usize) -> RecordRow {
    RecordRow {
        system: system.into(),
        key: format!("{system}-{number}"),
        entity_id: EntityId::from(format!("id-{number}")),
        natural: number.is_multiple_of(2).then(|| format!("tax-{number}")),
        version: Some(format!("v{number}")),
        hash: "00".repeat(32),
        state: format!(r#"{{"number":{number}}}"#),
        is_matched: number.is_multiple_of(3),
        flags: if number.is_multiple_of(1_000) { flags() } else { Vec::new() },
        outcome: "written".into(),
    }
}

fn flags() -> Vec<Flag> {
    vec![Flag { flag: "defaulted:terms".into(), whom: Some("finance".into()) }]
}

fn keys(rows: &[RecordRow]) -> HashSet<&str> {
    rows.iter().map(|row| row.key.as_str()).collect()
}

on_both_databases! {
    /// Every record of a large look-up comes back once, whole, by each of the three ways; unknown and repeated keys
    /// change nothing. Provoked with 5,000 records in each of two systems, which takes many statements.
    async fn five_thousand_records_are_found_three_ways(db: Database) {
        const COUNT: usize = 5_000;
        let (store, flow, entity) = (&db.store, FlowName::from("orders"), EntityName::from("order"));
        let (crm, erp) = (SystemName::from("crm"), SystemName::from("erp"));
        let rows: Vec<_> = (0..COUNT).flat_map(|number| [row("crm", number), row("erp", number)]).collect();
        let fence = claim(store, &flow).await;
        let mut commit = begin(store, &flow, fence).await;
        commit.put_records(&entity, &rows, fence, At(5)).await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(store.record_count(&tenant(), &entity, &crm).await.unwrap(), COUNT as u64);
        assert_eq!(store.record_count(&tenant(), &"customer".into(), &crm).await.unwrap(), 0);

        let names: Vec<String> = (0..COUNT).map(|number| format!("crm-{number}")).collect();
        let mut asked: Vec<&str> = names.iter().map(String::as_str).collect();
        asked.extend(["unknown", "crm-0", "crm-4999", "erp-1"]);
        let mut found = store.records(&tenant(), &entity, &crm, &asked).await.unwrap();
        found.sort_by_key(|row| row.key.trim_start_matches("crm-").parse::<usize>().unwrap());
        assert_eq!(found, (0..COUNT).map(|number| row("crm", number)).collect::<Vec<_>>());

        let ids: Vec<EntityId> = (0..COUNT).map(|number| EntityId::from(format!("id-{number}"))).collect();
        let found = store.counterparts(&tenant(), &entity, &erp, &ids.iter().collect::<Vec<_>>()).await.unwrap();
        assert_eq!((found.len(), keys(&found).len()), (COUNT, COUNT));
        assert!(found.iter().all(|row| row.system == erp));

        let naturals: Vec<String> = (0..COUNT).map(|number| format!("tax-{number}")).collect();
        let naturals: Vec<&str> = naturals.iter().map(String::as_str).collect();
        let found = store.records_by_natural(&tenant(), &entity, &crm, &naturals).await.unwrap();
        assert_eq!((found.len(), keys(&found).len()), (COUNT / 2, COUNT / 2));
        assert!(store.records(&tenant(), &entity, &crm, &[]).await.unwrap().is_empty());

        let flagged = store.flagged_records(&tenant(), (&entity, &crm), "", 3).await.unwrap();
        assert_eq!(flagged, [0, 1_000, 2_000].map(|number| row("crm", number)), "every thousandth, the first three");
        let behind = store.flagged_records(&tenant(), (&entity, &crm), &flagged[1].key, 1).await.unwrap();
        assert_eq!(behind, [row("crm", 2_000)]);
    }

    /// Reading and writing a record each keep what only the other knows, and of two rows with one key in one call the
    /// last counts.
    async fn a_record_keeps_what_a_row_leaves_empty(db: Database) {
        let (store, flow, entity) = (&db.store, FlowName::from("orders"), EntityName::from("order"));
        let fence = claim(store, &flow).await;
        let read = RecordRow {
            hash: String::new(),
            state: "{\"read\":1}".into(),
            is_matched: true,
            flags: Vec::new(),
            ..row("crm", 0)
        };
        let written = RecordRow {
            natural: None,
            version: None,
            hash: "ff".into(),
            state: String::new(),
            is_matched: false,
            flags: flags(),
            outcome: "written".into(),
            ..row("crm", 0)
        };
        let both = RecordRow { hash: "ff".into(), outcome: "written".into(), flags: flags(), ..read.clone() };
        for rows in [vec![row("crm", 1), row("crm", 0), read], vec![written]] {
            let mut commit = begin(store, &flow, fence).await;
            commit.put_records(&entity, &rows, fence, At(5)).await.unwrap();
            commit.finish().await.unwrap();
        }
        let crm = SystemName::from("crm");
        assert_eq!(store.records(&tenant(), &entity, &crm, &["crm-0"]).await.unwrap(), [both]);
        assert_eq!(store.record_count(&tenant(), &entity, &crm).await.unwrap(), 2);
    }

    /// Any number of rows is written, however it divides into statements: none, and every 13th number up to 130.
    async fn any_number_of_records_is_written(db: Database) {
        let (store, flow, crm) = (&db.store, FlowName::from("orders"), SystemName::from("crm"));
        let fence = claim(store, &flow).await;
        let mut commit = begin(store, &flow, fence).await;
        for count in (0..=130).step_by(13) {
            let rows: Vec<_> = (0..count).map(|number| row("crm", number)).collect();
            commit.put_records(&format!("entity-{count}").as_str().into(), &rows, fence, At(5)).await.unwrap();
        }
        commit.finish().await.unwrap();
        for count in (0..=130).step_by(13) {
            let entity = EntityName::from(format!("entity-{count}"));
            assert_eq!(store.record_count(&tenant(), &entity, &crm).await.unwrap(), count as u64);
        }
    }

    /// Text with a NUL, which one of the databases cannot hold, is refused on both with the beginning of the text; the
    /// commit goes on without it.
    async fn text_with_nul_is_refused(db: Database) {
        let (store, flow, entity) = (&db.store, FlowName::from("orders"), EntityName::from("order"));
        let fence = claim(store, &flow).await;
        let mut commit = begin(store, &flow, fence).await;
        let bad = RecordRow { key: "bad\0key".into(), ..row("crm", 0) };
        let error = commit.put_records(&entity, &[bad], fence, At(5)).await.unwrap_err();
        assert!(matches!(&error, Error::Unstorable { beginning } if beginning == "bad"), "{error}");
        commit.put_records(&entity, &[row("crm", 1)], fence, At(5)).await.unwrap();
        commit.finish().await.unwrap();
        assert_eq!(store.record_count(&tenant(), &entity, &"crm".into()).await.unwrap(), 1);
    }

    /// Two flows that write the same records in opposite orders both finish. Provoked by 20 rounds of both at once.
    async fn writers_of_the_same_records_do_not_block_each_other_for_good(db: Database) {
        let entity = EntityName::from("order");
        let rows: Vec<_> = (0..50).map(|number| row("crm", number)).collect();
        let turned: Vec<_> = rows.iter().rev().cloned().collect();
        let write = async |flow: &str, rows: &[RecordRow]| {
            let flow = FlowName::from(flow);
            let fence = claim(&db.store, &flow).await;
            for _ in 0..20 {
                let mut commit = begin(&db.store, &flow, fence).await;
                commit.put_records(&entity, rows, fence, At(5)).await.unwrap();
                commit.finish().await.unwrap();
            }
        };
        tokio::join!(write("one", &rows), write("two", &turned));
        assert_eq!(db.store.record_count(&tenant(), &entity, &"crm".into()).await.unwrap(), 50);
    }
}
