//! The file-drop connector: CSV files of a folder. README.md says what an admin writes and what becomes of a file;
//! `plugin.toml` is what it asks the host for.
//!
//! [`config`] reads the settings; [`place`] is the cursor; [`drop`] finds files and puts them away; [`rows`] cuts a file into
//! rows; [`record`] makes a change of a row; [`page`] puts all of it together.
//!
//! Decision: a row that cannot be read is a change whose data is a text. The host makes an exception of it, beside those of
//! the entity map, where people look. (Rejected: a report beside the file, which nobody reads; stopping at the row, which
//! lets one cell hold up a whole feed.)

mod config;
mod drop;
mod page;
mod place;
mod record;
mod rows;

use tollgate_sdk::{Account, Connector, Field, Page, ReadRequest, Reading, Result, Source, Stream, files};

/// The plugin.
#[derive(Debug)]
pub struct CsvFiles;

impl Connector for CsvFiles {
    /// Looks into the folder of every stream. There is no remote account: the folder is one.
    fn check() -> Result<Account> {
        for (_, stream) in config::streams()? {
            files::list(&stream.folder, None, 1)?;
        }
        Ok(Account::new("folder", "A folder of this machine"))
    }

    fn discover() -> Result<Vec<Stream>> {
        let describe = |(name, config): (String, config::Stream)| {
            let mut stream = Stream::new(&name, &name);
            let listed = config.columns.iter().map(|(column, kind)| Field::new(column, kind.field_type()));
            let further = config.key.iter().chain(config.header.iter().flatten());
            let further = further.filter(|column| !config.columns.contains_key(*column));
            let further = further.map(|column| Field::new(column, config::Kind::Text.field_type()));
            stream.fields = listed.chain(further).collect();
            stream.fields.sort_by(|a, b| a.path.cmp(&b.path));
            stream.fields.dedup_by(|a, b| a.path == b.path);
            stream.reading = Reading::INCREMENTAL;
            stream
        };
        Ok(config::streams()?.into_iter().map(describe).collect())
    }
}

impl Source for CsvFiles {
    fn read(request: ReadRequest) -> Result<Page> {
        let config = config::stream(&request.stream)?;
        page::read(&config, &request)
    }
}

tollgate_sdk::export!(CsvFiles: source);

#[cfg(test)]
mod tests;
