//! From the model to a guest.

use crate::bindings::{source, target, types};
use tollgate_core::model::{Action, Change, Comparison, Condition, Intent, Operation, ReadRequest};

pub(crate) fn read_request(request: &ReadRequest) -> source::ReadRequest {
    source::ReadRequest {
        stream: request.stream.as_str().to_owned(),
        cursor: request.cursor.clone(),
        fields: request.fields.clone(),
        only: conditions(&request.only),
        overlap_ms: request.overlap_ms,
    }
}

pub(crate) fn conditions(conditions: &[Condition]) -> Vec<types::Condition> {
    conditions
        .iter()
        .map(|condition| types::Condition {
            field: condition.field.clone(),
            is: match condition.is.clone() {
                Comparison::Equal(value) => types::Comparison::Equal(value),
                Comparison::OneOf(values) => types::Comparison::OneOf(values),
                Comparison::AtLeast(value) => types::Comparison::AtLeast(value),
                Comparison::Less(value) => types::Comparison::Less(value),
            },
        })
        .collect()
}

pub(crate) fn intents(intents: &[Intent]) -> Vec<target::Intent> {
    intents
        .iter()
        .cloned()
        .map(|intent| target::Intent {
            id: intent.id,
            action: match intent.action {
                Action::Create => target::Action::Create,
                Action::Update => target::Action::Update,
                Action::Upsert => target::Action::Upsert,
                Action::Delete => target::Action::Delete,
            },
            key: intent.key,
            external_id: intent.external_id.map(|id| target::ExternalId { field: id.field, value: id.value }),
            expected_version: intent.expected_version,
            data: intent.data,
        })
        .collect()
}

pub(crate) fn tickets(tickets: &[(u32, String)]) -> Vec<target::Ticket> {
    tickets.iter().map(|(intent, ticket)| target::Ticket { intent: *intent, ticket: ticket.clone() }).collect()
}

pub(crate) fn changes(changes: Vec<Change>) -> Vec<types::Change> {
    changes
        .into_iter()
        .map(|change| types::Change {
            stream: change.stream.as_str().to_owned(),
            key: change.key,
            operation: match change.operation {
                Operation::Whole => types::Operation::Whole,
                Operation::Partial => types::Operation::Partial,
                Operation::Deleted => types::Operation::Deleted,
                Operation::MergedInto(key) => types::Operation::MergedInto(key),
            },
            version: change.version,
            modified_at: change.modified_at,
            data: change.data,
        })
        .collect()
}
