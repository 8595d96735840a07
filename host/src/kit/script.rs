//! `kit.toml`, beside `plugin.toml`: what the kit reads and writes at this system. Data is JSON text, so that numbers keep
//! their digits; `{n}` in it is a number that tells records apart, `{run}` a word that tells runs apart.

use crate::kit::Error;
use serde::Deserialize;
use std::path::Path;
use tollgate_core::model::{Json, StreamName};

/// What the kit does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The streams; without any, all that `discover` names are read.
    #[serde(default, rename = "stream")]
    pub streams: Vec<StreamScript>,
    /// For a transform: the changes that it is given.
    #[serde(default)]
    pub transform: Option<TransformScript>,
    /// Requests that one call may make.
    #[serde(default = "requests_max")]
    pub requests_max: u32,
}

/// Far more than a page needs, and few enough to notice a loop.
fn requests_max() -> u32 {
    60
}

/// One stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamScript {
    /// Its name.
    pub name: StreamName,
    /// How many records it holds before the kit writes, where that is known: finds records lost at a page's edge.
    #[serde(default)]
    pub records: Option<usize>,
    /// What is written to it; nothing without this.
    #[serde(default)]
    pub write: Option<WriteScript>,
}

/// Samples for writing, each one JSON object as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteScript {
    /// A record that the system takes.
    pub create: String,
    /// Fields of it with other values; at least one field of `create` is absent.
    #[serde(default)]
    pub update: Option<String>,
    /// A record that the system refuses.
    #[serde(default)]
    pub bad: Option<String>,
    /// The field that holds our link, where the stream is upserted by it.
    #[serde(default)]
    pub link: Option<String>,
    /// A field by which a record of `create` is found.
    #[serde(default)]
    pub find: Option<String>,
}

/// What a transform is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformScript {
    /// The stream that the changes belong to.
    pub stream: StreamName,
    /// The transform's settings, one JSON object as text; none if absent.
    #[serde(default)]
    pub settings: Option<String>,
    /// The data of each change, JSON text.
    pub data: Vec<String>,
}

impl Script {
    /// Reads `kit.toml` in the crate's folder; the empty script where there is none.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML of this form, or holds data that is no JSON object.
    pub fn of_crate(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("kit.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|reason| Error::Script { path, reason }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Self::parse("").map_err(|reason| Error::Script { path, reason })
            }
            Err(source) => Err(Error::File { path, source }),
        }
    }

    /// Reads the text of a script.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let script: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for stream in &script.streams {
            let samples = stream.write.iter().flat_map(|write| {
                [("create", Some(&write.create)), ("update", write.update.as_ref()), ("bad", write.bad.as_ref())]
            });
            for (name, text) in samples.filter_map(|(name, text)| Some((name, text?))) {
                object(text).map_err(|reason| format!("stream `{}`: `{name}` {reason}", stream.name))?;
            }
        }
        for text in script.transform.iter().filter_map(|transform| transform.settings.as_ref()) {
            object(text).map_err(|reason| format!("transform: `settings` {reason}"))?;
        }
        for (index, text) in script.transform.iter().flat_map(|transform| transform.data.iter().enumerate()) {
            object(text).map_err(|reason| format!("transform: data[{index}] {reason}"))?;
        }
        Ok(script)
    }
}

/// The members of a sample.
pub(crate) fn object(text: &str) -> Result<serde_json::Map<String, Json>, String> {
    match serde_json::from_str(text) {
        Ok(Json::Object(members)) => Ok(members),
        Ok(_) => Err("is no JSON object".into()),
        Err(error) => Err(format!("is no JSON: {error}")),
    }
}

/// A sample for the record of this number in this run.
pub(crate) fn fill(text: &str, n: usize, run: &str) -> String {
    text.replace("{n}", &n.to_string()).replace("{run}", run)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Money in a sample keeps its digits; what is no object, or no field of the script, is named.
    #[test]
    fn scripts() {
        let good = "[[stream]]\nname = 'order'\nrecords = 3\n[stream.write]\ncreate = '{\"rate\": 1.50, \"no\": \"{run}-{n}\"}'";
        let script = Script::parse(good).unwrap();
        let create = &script.streams[0].write.as_ref().unwrap().create;
        assert_eq!(fill(create, 7, "x"), "{\"rate\": 1.50, \"no\": \"x-7\"}");
        for (bad, part) in [
            ("[[stream]]\nname = 'order'\n[stream.write]\ncreate = '[]'", "`order`: `create` is no JSON object"),
            ("[[stream]]\nname = 'order'\n[stream.write]\ncreate = '{}'\nbad = '{'", "`bad` is no JSON"),
            ("[transform]\nstream = 's'\ndata = ['{}', '7']", "data[1]"),
            ("[transform]\nstream = 's'\nsettings = '7'\ndata = []", "`settings` is no JSON object"),
            ("streams = 1", "unknown field"),
        ] {
            let error = Script::parse(bad).unwrap_err();
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}
