//! Transforms: a result for each change, in order, whatever stands beside it.

use crate::kit::Error;
use crate::kit::bench::{Bench, Done, How};
use crate::kit::checks::same;
use crate::kit::report::{Check, Verdict};
use crate::kit::script::{TransformScript, fill};
use crate::kit::stage::Purpose;
use tollgate_core::model::{Change, Operation, Violation};

type Results = Vec<Result<Vec<Change>, Violation>>;

/// Applies the changes of the script together, again, and one by one.
pub(super) async fn check(bench: &mut Bench<'_>) -> Result<(), Error> {
    let Some(script) = bench.script.transform.clone().filter(|script| !script.data.is_empty()) else {
        let why = "kit.toml has no `[transform]` with changes to apply";
        bench.find(Check::Transform, "", Verdict::failed(why, "add some, one that is refused among them"));
        return Ok(());
    };
    let changes = changes(bench, &script);
    let together = apply(bench, "apply all", changes.clone(), How::default()).await?;
    let results = match together.value("applying the changes") {
        Ok(results) => results,
        Err(verdict) => {
            bench.find(Check::Transform, "", verdict);
            return Ok(());
        }
    };
    let again = apply(bench, "apply all again", changes.clone(), How::echo(Vec::new())).await?;
    bench.find(Check::Determinism, "", same((results, &together.exchanges), &again));
    let mut verdict = Verdict::Passed;
    for (index, change) in changes.into_iter().enumerate() {
        let alone = apply(bench, &format!("apply change {index} alone"), vec![change], How::default()).await?;
        match alone.value("applying one change") {
            Ok(alone) if alone[0] == results[index] => {}
            Ok(_) => {
                let why = format!("change {index} alone becomes something else than between the others");
                verdict =
                    Verdict::failed(why, "let each result follow from its own change, in the order of the changes");
                break;
            }
            Err(other) => {
                verdict = other;
                break;
            }
        }
    }
    bench.find(Check::Transform, "", verdict);
    Ok(())
}

fn changes(bench: &Bench<'_>, script: &TransformScript) -> Vec<Change> {
    let change = |(index, data): (usize, &String)| Change {
        stream: script.stream.clone(),
        key: format!("kit-{index}"),
        operation: Operation::Whole,
        version: Some("1".into()),
        modified_at: Some("2026-01-02T03:04:05Z".into()),
        data: fill(data, index, &bench.run),
    };
    script.data.iter().enumerate().map(change).collect()
}

async fn apply(bench: &mut Bench<'_>, name: &str, changes: Vec<Change>, how: How) -> Result<Done<Results>, Error> {
    bench
        .call((Purpose::Transform, name.to_owned()), how, |plugin, broker, limits| async move {
            plugin.apply(changes, broker, limits).await
        })
        .await
}
