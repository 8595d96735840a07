//! What `setup` says of a system, inward.

use super::inward::{Breach, bounded, counted, sentence};
use crate::bindings::{setup, types};
use tollgate_core::model::limits;
use tollgate_core::model::schema::{Account, Field, FieldType, Reading, SafeRepeat, Stream, Writing};

/// The remote account.
pub(crate) fn account(account: setup::Account) -> Result<Account, Breach> {
    if account.id.is_empty() {
        return Err("account.id is empty".into());
    }
    Ok(Account {
        id: bounded(account.id, "account.id", limits::KEY_BYTES_MAX)?,
        name: sentence(account.name),
        edition: account.edition.map(sentence),
        facts: bounded(account.facts, "account.facts", limits::RECORD_BYTES_MAX)?,
    })
}

/// The streams, each named once.
pub(crate) fn streams(streams: Vec<types::Stream>) -> Result<Vec<Stream>, Breach> {
    counted(&streams, "the answer", limits::STREAMS_MAX)?;
    let mut names = std::collections::BTreeSet::new();
    let mut known = Vec::with_capacity(streams.len());
    for (index, one) in streams.into_iter().enumerate() {
        let one = stream(one, &format!("streams[{index}]"))?;
        if !names.insert(one.name.clone()) {
            return Err(format!("stream `{}` stands twice", one.name));
        }
        known.push(one);
    }
    Ok(known)
}

fn name(text: String, at: String) -> Result<String, Breach> {
    match text.is_empty() {
        true => Err(format!("{at} is empty")),
        false => bounded(text, at, limits::KEY_BYTES_MAX),
    }
}

fn names(texts: Vec<String>, at: &str) -> Result<Vec<String>, Breach> {
    counted(&texts, at, limits::CHOICES_MAX)?;
    texts.into_iter().map(|text| bounded(text, at, limits::KEY_BYTES_MAX)).collect()
}

fn stream(stream: types::Stream, at: &str) -> Result<Stream, Breach> {
    counted(&stream.fields, format_args!("{at}.fields"), limits::FIELDS_MAX)?;
    let fields = stream.fields.into_iter().enumerate();
    Ok(Stream {
        name: name(stream.name, format!("{at}.name"))?,
        label: sentence(stream.label),
        fields: fields.map(|(index, one)| field(one, &format!("{at}.fields[{index}]"))).collect::<Result<_, _>>()?,
        reading: reading(stream.reading),
        writing: writing(stream.writing),
        filterable: names(stream.filterable, &format!("{at}.filterable"))?,
        matchable: names(stream.matchable, &format!("{at}.matchable"))?,
        repeat: match stream.repeat {
            types::SafeRepeat::None => SafeRepeat::None,
            types::SafeRepeat::Key(seconds) => SafeRepeat::Key(seconds),
            types::SafeRepeat::ExternalId => SafeRepeat::ExternalId,
            types::SafeRepeat::ReadBack => SafeRepeat::ReadBack,
        },
        write_max: stream.write_max,
    })
}

fn field(field: types::Field, at: &str) -> Result<Field, Breach> {
    Ok(Field {
        path: name(field.path, format!("{at}.path"))?,
        label: sentence(field.label),
        of: field_type(field.of),
        required: field.required,
        creatable: field.creatable,
        updatable: field.updatable,
        custom: field.custom,
        length_max: field.length_max,
        scale: field.scale,
        choices: names(field.choices, &format!("{at}.choices"))?,
        refers_to: names(field.refers_to, &format!("{at}.refers-to"))?,
    })
}

fn field_type(of: types::FieldType) -> FieldType {
    match of {
        types::FieldType::Text => FieldType::Text,
        types::FieldType::Decimal => FieldType::Decimal,
        types::FieldType::Integer => FieldType::Integer,
        types::FieldType::Boolean => FieldType::Boolean,
        types::FieldType::Date => FieldType::Date,
        types::FieldType::DateTime => FieldType::DateTime,
        types::FieldType::Choice => FieldType::Choice,
        types::FieldType::Reference => FieldType::Reference,
        types::FieldType::List => FieldType::List,
        types::FieldType::Object => FieldType::Object,
    }
}

fn reading(flags: types::Reading) -> Reading {
    Reading {
        incremental: flags.contains(types::Reading::INCREMENTAL),
        deletes: flags.contains(types::Reading::DELETES),
        merges: flags.contains(types::Reading::MERGES),
        filters: flags.contains(types::Reading::FILTERS),
        backfill: flags.contains(types::Reading::BACKFILL),
    }
}

fn writing(flags: types::Writing) -> Writing {
    Writing {
        create: flags.contains(types::Writing::CREATE),
        update: flags.contains(types::Writing::UPDATE),
        upsert: flags.contains(types::Writing::UPSERT),
        delete: flags.contains(types::Writing::DELETE),
        partial: flags.contains(types::Writing::PARTIAL),
        expected_version: flags.contains(types::Writing::EXPECTED_VERSION),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(path: &str) -> types::Field {
        types::Field {
            path: path.into(),
            label: "l".repeat(10_000),
            of: types::FieldType::Text,
            required: false,
            creatable: true,
            updatable: true,
            custom: false,
            length_max: None,
            scale: None,
            choices: vec![],
            refers_to: vec![],
        }
    }

    fn stream(name: &str, fields: Vec<types::Field>) -> types::Stream {
        types::Stream {
            name: name.into(),
            label: name.into(),
            fields,
            reading: types::Reading::empty(),
            writing: types::Writing::empty(),
            filterable: vec![],
            matchable: vec![],
            repeat: types::SafeRepeat::None,
            write_max: 1,
        }
    }

    /// A description that breaks a bound is refused with its place; each case breaks one, the last none.
    #[test]
    fn descriptions_are_bounded() {
        let many_choices = types::Field { choices: vec![String::new(); limits::CHOICES_MAX + 1], ..field("a") };
        let cases = [
            (vec![stream("", vec![])], "streams[0].name is empty"),
            (vec![stream(&"s".repeat(256), vec![])], "streams[0].name has 256 bytes; at most 255"),
            (vec![stream("a", vec![]), stream("a", vec![])], "stream `a` stands twice"),
            (vec![stream("a", vec![field("x"), field("")])], "streams[0].fields[1].path is empty"),
            (
                vec![stream("a", vec![field("x"); limits::FIELDS_MAX + 1])],
                "streams[0].fields has 5001 items; at most 5000",
            ),
            (vec![stream("a", vec![]); limits::STREAMS_MAX + 1], "the answer has 2001 items; at most 2000"),
            (vec![stream("a", vec![many_choices])], "streams[0].fields[0].choices has 5001 items; at most 5000"),
        ];
        for (described, breach) in cases {
            assert_eq!(streams(described), Err(breach.to_owned()));
        }
        let known = streams(vec![stream("a", vec![field("x")])]).unwrap();
        assert!(known[0].fields[0].label.len() <= limits::SENTENCE_BYTES_MAX, "a label is cut");
    }
}
