//! The file drop: CSV files become customers of the ERP, and each file is put away once its rows are safe (CNX-04).

use crate::node::{Node, write_host};
use std::path::Path;
use std::time::Duration;
use tollgate::app::App;
use tollgate::store::Kind;
use tollgate_core::model::FlowName;
use tollgate_core::model::tally::Tally;
use tollgate_tests::on_both_databases;
use tollgate_tests::process;
use tollgate_tests::sims::netsuite::schema::RecordType;
use tollgate_tests::world::World;

const DEADLINE: Duration = Duration::from_secs(300);

fn drops() -> FlowName {
    "drops".into()
}

/// A world in which CSV files of accounts below `folder` become customers.
async fn world(folder: &Path) -> World {
    std::fs::create_dir_all(folder.join("in")).expect("the folder can be made");
    std::fs::write(folder.join(".tollgate"), "").expect("the folder is marked");
    let mut world = World::start().await.expect("both vendors start");
    world.install("csv-files");
    let connection = format!(
        "connection: drop\nplugin: tollgate/csv-files\naccount: warehouse\nendpoints: {{}}\nfiles: {{ folder: {} }}\n\
         settings:\n  settle_s: 0\n  streams:\n    accounts:\n      folder: in\n      key: [Id]\n      \
         columns: {{ Revenue: decimal, Staff: integer }}\n",
        folder.display()
    );
    world.put("12-drop.yaml", &connection);
    world.put(
        "23-account.yaml",
        "entity: account\nsystems:\n  files: { connection: drop, stream: accounts }\n  \
         erp: { connection: netsuite, stream: customer }\nidentity:\n  link: { erp: externalId }\nlife:\n  \
         create: { from: files, in: [erp] }\nfields:\n  name: { owner: files, files: Name, erp: companyName, required: true }\n  \
         revenue: { owner: files, files: Revenue, erp: custentity_annual_revenue }\n  \
         employees: { owner: files, files: Staff, erp: custentity_employees }\n",
    );
    world.put("33-drops.yaml", "flow: drops\nentity: account\nfrom: files\nto: erp\nevery_ms: 1000\n");
    world
}

fn put(folder: &Path, name: &str, content: &str) {
    let part = folder.join("in").join(format!("{name}.part"));
    std::fs::write(&part, content).expect("a file is written");
    std::fs::rename(part, folder.join("in").join(name)).expect("and renamed into place");
}

/// The names of the files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = entries.map(|entry| entry.expect("an entry")).filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

async fn rest(app: &App) -> Tally {
    app.rest().await.expect("the host comes to rest");
    let tally = app.tally(&drops()).await.expect("a tally");
    assert!(tally.is_conserved() && tally.in_flight == 0, "{tally}");
    tally
}

/// Reads again until the folder of dropped files is empty: a file is put away by the first read that starts from the
/// checkpoint which covers it.
async fn until_put_away(app: &App, folder: &Path) {
    let started = process::now();
    while !names(&folder.join("in")).is_empty() {
        assert!(started.elapsed() < DEADLINE, "left: {:?}", names(&folder.join("in")));
        rest(app).await;
    }
}

fn writes(world: &World) -> u64 {
    world.erp.ledger()["objects"]["customer"]["writes"]["received"].as_u64().expect("a count")
}

on_both_databases! {
    /// A drop of accounts flows into the ERP with its digits; a row that cannot be read is an exception with its place and the
    /// others go on; the file is in the archive. A second look and the same file once more write nothing; a mended row takes
    /// its exception's place. Every ask of the folder is in the journal.
    async fn a_drop_flows_into_the_erp(database: Database) {
        let folder = tempfile::tempdir().expect("a folder");
        let drop = folder.path().join("drop");
        let world = world(&drop).await;
        let csv = "Id,Name,Revenue,Staff\nA1,Acme,1234567890123456.78,7\nA2,\"Müller, Söhne\",,\nA3,Broken,abc,1\n";
        put(&drop, "accounts-1.csv", csv);
        let app = world.open(&folder.path().join("host"), Some(database.url.clone())).await.expect("the host opens");
        app.start().await.expect("the flows start");
        let tally = rest(&app).await;
        assert_eq!((tally.read, tally.written, tally.exceptions), (3, 2, 1), "{tally}");
        let erp = world.erp.vendor();
        let acme = erp.read(RecordType::Customer, "eid:A1").expect("a customer");
        assert_eq!(acme["custentity_annual_revenue"], "1234567890123456.78");
        let muller = erp.read(RecordType::Customer, "eid:A2").expect("a customer");
        assert_eq!(muller["companyName"], "Müller, Söhne");
        let exceptions = app.set_aside(&drops(), Kind::Exception, 10).await.expect("exceptions");
        assert_eq!((exceptions[0].key.as_str(), exceptions[0].rule.as_str()), ("A3", "unreadable"));
        let why = "accounts-1.csv, row 4: column `Revenue`: `abc` is no decimal";
        assert!(exceptions[0].reason.contains(why), "{exceptions:?}");
        until_put_away(&app, &drop).await;
        assert_eq!(names(&drop.join("in/archive")), ["accounts-1.csv"]);
        assert_eq!(std::fs::read_to_string(drop.join("in/archive/accounts-1.csv")).expect("it is kept"), csv);

        let before = writes(&world);
        assert_eq!(rest(&app).await.read, 3, "nothing is left to read");
        put(&drop, "accounts-1.csv", csv);
        until_put_away(&app, &drop).await;
        assert_eq!(writes(&world), before, "nothing changed, so nothing is written");
        assert_eq!(names(&drop.join("in/archive")).len(), 2);
        put(&drop, "accounts-2.csv", "Id,Name,Revenue\nA3,Mended,1\n");
        let tally = rest(&app).await;
        assert_eq!((tally.exceptions, writes(&world)), (0, before + 1), "{tally}");

        let journal = app.store().journal(&"default".into(), None, 1_000).await.expect("the journal");
        for (route, path) in [("files:list", "in"), ("files:read", "in/accounts-1.csv")] {
            let is_there = journal.iter().any(|entry| entry.route == route && entry.path == path && entry.decision == "done");
            assert!(is_there, "{route} {path}");
        }
        let renamed = "in/accounts-1.csv -> in/archive/accounts-1.csv";
        assert!(journal.iter().any(|entry| entry.route == "files:rename" && entry.path == renamed));
        app.stop().await;
    }

    /// The host is killed again and again while it reads, writes and puts away; after each kill a file lies in one place
    /// or the other, and at the end each row is one customer and each file is in the archive (IDE-01, IDE-07).
    async fn files_survive_kills(database: Database) {
        const FILES: usize = 12;
        const ROWS: usize = 60;
        let folder = tempfile::tempdir().expect("a folder");
        let drop = folder.path().join("drop");
        let world = world(&drop).await;
        for file in 0..FILES {
            let rows: String = (0..ROWS).map(|row| format!("F{file}R{row},Name {file} {row},1,1\n")).collect();
            put(&drop, &format!("{file:02}.csv"), &format!("Id,Name,Revenue,Staff\n{rows}"));
        }
        let host = write_host(&world, &database, folder.path());
        let (count, all) = (|| world.erp_count(RecordType::Customer), FILES * ROWS);
        let started = process::now();
        let finished = || names(&drop.join("in/archive")).len();
        tokio::task::block_in_place(|| {
            for kill in 1..=8 {
                let node = Node::start(&host);
                while count() < all * kill / 9 {
                    assert!(started.elapsed() < DEADLINE, "no progress: {} customers", count());
                    std::thread::yield_now();
                }
                node.kill();
                assert_eq!(names(&drop.join("in")).len() + finished(), FILES, "a file is gone");
            }
            Node::start(&host).wait_for_rest();
            let _node = Node::start(&host);
            while finished() < FILES {
                assert!(started.elapsed() < DEADLINE, "{} files are put away", finished());
                std::thread::yield_now();
            }
        });
        assert_eq!(count(), all);
        assert_eq!(world.erp.ledger()["objects"]["customer"]["duplicates"], 0);
        let app = world.open(&folder.path().join("host"), Some(database.url.clone())).await.expect("the host opens");
        let tally = app.tally(&drops()).await.expect("a tally");
        app.stop().await;
        assert!(tally.is_conserved() && tally.exceptions == 0, "{tally}");
    }
}
