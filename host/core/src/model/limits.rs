//! Every limit, with its unit and its reason. Nothing in the host is without one.

/// A component's bytes: the largest plugin measured (JSON, Arrow) is 2.2 MB.
pub const COMPONENT_BYTES_MAX: usize = 16 << 20;
/// The manifest's text inside a component.
pub const MANIFEST_BYTES_MAX: usize = 256 << 10;
/// Linear memory of one call: a page of 2,000 records needs about 4 MiB (measured, twice the page's bytes).
pub const GUEST_MEMORY_BYTES_MAX: usize = 64 << 20;
/// Table elements of one call.
pub const GUEST_TABLE_ELEMENTS_MAX: usize = 20_000;
/// Instances running at once in this process: each reserves 4 GiB of address space.
pub const GUEST_INSTANCES_MAX: u32 = 64;
/// Core instances of one component: an encoded plugin has three (itself, and two that carry the calls).
pub const GUEST_CORE_INSTANCES_MAX: u32 = 8;
/// Tables of one component: an encoded plugin has two.
pub const GUEST_TABLES_MAX: u32 = 4;
/// Core modules and nested components in one binary: an encoded connector has about ten.
pub const COMPONENT_PARTS_MAX: usize = 64;
/// Slots that stay warm after a call: with [`GUEST_KEEP_RESIDENT_BYTES`] at most 32 MiB of idle memory.
pub const GUEST_WARM_SLOTS_MAX: u32 = 4;
/// The grain in which CPU time is counted in-process, and the longest that a guest computes before others get a turn.
pub const GUEST_TICK_MS: u64 = 10;
/// Bytes that stay resident in a warm slot: with 8 MiB a fresh instance costs 9 % at 100 records a call (measured).
pub const GUEST_KEEP_RESIDENT_BYTES: usize = 8 << 20;
/// Bytes that one host call may copy out of a guest (hostcall fuel).
pub const GUEST_COPY_BYTES_MAX: usize = 32 << 20;
/// CPU time of one call.
pub const GUEST_CPU_MS_MAX: u64 = 5_000;
/// Wall time of one call, waiting for the system included.
pub const GUEST_WALL_MS_MAX: u64 = 15 * 60_000;
/// Requests of one call.
pub const GUEST_REQUESTS_MAX: u32 = 1_000;
/// Random bytes of one host call.
pub const RANDOM_BYTES_MAX: u32 = 4_096;
/// One log line; longer ones are cut.
pub const LOG_LINE_BYTES_MAX: usize = 4 << 10;
/// Log lines of one call; further ones are dropped and counted.
pub const LOG_LINES_MAX: u32 = 1_000;

/// Changes of one page.
pub const PAGE_CHANGES_MAX: usize = 2_000;
/// Bytes of one page.
pub const PAGE_BYTES_MAX: usize = 8 << 20;
/// Bytes of one record.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Bytes of a cursor or ticket.
pub const CURSOR_BYTES_MAX: usize = 64 << 10;
/// Bytes of a record's key.
pub const KEY_BYTES_MAX: usize = 255;
/// Bytes of a natural key: it stands in an index, whose entries PostgreSQL bounds, and whole in the need that waits for it.
pub const NATURAL_BYTES_MAX: usize = 200;
/// Bytes of a record's version: the longest entity tags measured are below 200.
pub const VERSION_BYTES_MAX: usize = 1 << 10;
/// Bytes of an instant in RFC 3339, fractions and offset included.
pub const INSTANT_BYTES_MAX: usize = 64;
/// Bytes of one sentence from a guest (failure, violation, label); longer ones are cut.
pub const SENTENCE_BYTES_MAX: usize = 4 << 10;
/// Streams of one connection: a large CRM org has about 1,500 objects.
pub const STREAMS_MAX: usize = 2_000;
/// Fields of one stream: vendors allow up to 800 of the customer's own.
pub const FIELDS_MAX: usize = 5_000;
/// Choices, references and filterable names of one field or stream.
pub const CHOICES_MAX: usize = 5_000;
/// Nesting of a record's JSON; serde_json's own bound is 128.
pub const JSON_DEPTH_MAX: usize = 64;
/// Digits of a number that is read exactly: what a 96-bit decimal always holds.
pub const NUMBER_DIGITS_MAX: u64 = 28;
/// Digits of money after the point: the most that ISO 4217 (CLF, UYW) and unit prices use.
pub const MONEY_SCALE_MAX: u64 = 4;
/// Intents of one write, whatever the stream allows.
pub const WRITE_INTENTS_MAX: u32 = 200;
/// Keys of one `lookup.fetch`, as the contract says.
pub const FETCH_KEYS_MAX: usize = 200;
/// Compiled components kept on disk; the ones unused for longest go first.
pub const COMPILED_ENTRIES_MAX: usize = 256;
/// Lines of one list of a record: an order of 10,000 lines is far beyond what an ERP's own screens take.
pub const LINES_MAX: usize = 10_000;
/// Characters kept of a connector's word for why it could not read a record.
pub const UNREADABLE_CHARS_MAX: usize = 500;
/// Reasons kept of one refused record.
pub const VIOLATIONS_MAX: usize = 32;

/// A request's body.
pub const REQUEST_BODY_BYTES_MAX: usize = 8 << 20;
/// A request's path and query: `http::Uri` holds less than 64 KiB, origin included.
pub const REQUEST_TARGET_BYTES_MAX: usize = 60 << 10;
/// Headers that a plugin may add to a request.
pub const REQUEST_HEADERS_MAX: usize = 32;
/// Bytes of a header's name: the longest registered one has 46.
pub const REQUEST_HEADER_NAME_BYTES_MAX: usize = 256;
/// Bytes of a header's value: servers refuse header blocks between 8 and 16 KiB.
pub const REQUEST_HEADER_VALUE_BYTES_MAX: usize = 8 << 10;
/// An answer's body, decoded.
pub const RESPONSE_BODY_BYTES_MAX: usize = 16 << 20;
/// Bytes of all answers to one call: a guest has no memory for more.
pub const CALL_RESPONSE_BYTES_MAX: u64 = 64 << 20;
/// Bytes of an answer to a request with an effect that are taken even if the call has had its share: 200 outcomes of a
/// batch request have 24 KiB.
pub const EFFECT_RESPONSE_BYTES_MIN: u64 = 64 << 10;
/// Decoded bytes per encoded byte after the first MiB: a gzip bomb reaches 1,029.
pub const RESPONSE_RATIO_MAX: usize = 100;
/// An answer's headers.
pub const RESPONSE_HEADERS_MAX: usize = 100;
/// Bytes of an answer's header block.
pub const RESPONSE_HEADER_BYTES_MAX: usize = 32 << 10;
/// Informational (1xx) answers before the real one; more is a flood.
pub const RESPONSE_INFORMATIONAL_MAX: u32 = 8;
/// Bytes of an answer in which a throttle sign is looked for.
pub const THROTTLE_SIGN_BYTES_MAX: usize = 64 << 10;
/// Bytes of a token endpoint's answer: a JWT with many groups stays below 16 KiB.
pub const TOKEN_RESPONSE_BYTES_MAX: usize = 64 << 10;
/// A token is renewed this long before it ends, so that it does not end on the way.
pub const TOKEN_EARLY_S: u64 = 60;
/// A token that is refused sooner after it was got is not renewed: an age of five seconds is not why.
pub const TOKEN_AGE_MS_MIN: u64 = 5_000;
/// Life of a token that says it lives longer.
pub const TOKEN_LIFE_S_MAX: u64 = 24 * 60 * 60;
/// Life of a signed assertion; NetSuite takes at most an hour.
pub const ASSERTION_LIFE_S: u64 = 300;
/// Life of a consent that was asked for and not yet answered: time to sign in and to read a page.
pub const CONSENT_MS: u64 = 10 * 60_000;
/// Bytes of an authorization code: the longest measured are signed tokens of about 2 KiB.
pub const CONSENT_CODE_BYTES_MAX: usize = 8 << 10;
/// Characters of the reason why a consent failed.
pub const CONSENT_REASON_CHARS_MAX: usize = 500;
/// How long a node may be busy with a refresh token that is good for one use: a token request, and storing what comes
/// of it.
pub const REFRESH_LEASE_MS: u64 = REQUEST_MS_MAX + DATABASE_WAIT_MS_MAX;
/// How long a request waits while another node is busy with the refresh token; afterwards it is tried again as a whole.
pub const REFRESH_WAIT_MS_MAX: u64 = 10_000;
/// Between two looks whether the refresh token is free.
pub const REFRESH_LOOK_MS: u64 = 250;
/// How often a refresh token that was just given out is offered to a store that is busy: the one before it is spent.
pub const REFRESH_STORE_TRIES_MAX: u32 = 3;
/// Bytes of one secret: an RSA key of 16,384 bits is 13 KiB of PEM.
pub const SECRET_BYTES_MAX: usize = 64 << 10;
/// Shorter secrets are not looked for in answers: they would be found by chance.
pub const SCRUB_BYTES_MIN: usize = 8;
/// Time for name resolution.
pub const RESOLVE_MS_MAX: u64 = 5_000;
/// Time to connect, TLS included.
pub const CONNECT_MS_MAX: u64 = 10_000;
/// Time until the first byte of an answer.
pub const FIRST_BYTE_MS_MAX: u64 = 30_000;
/// Time between two pieces of an answer.
pub const BODY_IDLE_MS_MAX: u64 = 15_000;
/// Time of one request, all in all.
pub const REQUEST_MS_MAX: u64 = 120_000;
/// Life of a pooled connection: bounds how long a checked address is trusted.
pub const CONNECTION_LIFE_MS_MAX: u64 = 5 * 60_000;
/// Life of an idle pooled connection: below the 60 s after which servers usually close theirs, so that a request rarely
/// meets a connection on its way out.
pub const CONNECTION_IDLE_MS_MAX: u64 = 30_000;
/// Idle connections kept to one origin.
pub const CONNECTIONS_IDLE_MAX: usize = 16;
/// Addresses of one name.
pub const ADDRESSES_MAX: usize = 16;
/// How long a request waits for budget before the plugin is told to come back.
pub const BUDGET_WAIT_MS_MAX: u64 = 2_000;
/// Windows of one account: vendors publish two or three.
pub const WINDOWS_MAX: usize = 8;
/// Seconds of a window; longer spans are days (`calls_per_day`).
pub const WINDOW_SECONDS_MAX: u32 = 3_600;
/// Calls of a window: each is remembered until it has left the span.
pub const WINDOW_CALLS_MAX: u32 = 100_000;
/// A call counts in its windows this long beyond their span: for vendors who count in steps, and clocks that are set.
pub const WINDOW_MARGIN_MS: u64 = 200;
/// How long the vendor's own count of used calls is believed without a newer one; afterwards one call asks again.
pub const USAGE_SIGN_MS_MAX: u64 = 15 * 60_000;
/// Requests at the same time to an account whose vendor states no bound.
pub const CONCURRENCY_DEFAULT: u32 = 8;

/// Delays between attempts (RET-01).
pub const RETRY_DELAYS_MS: &[u64] = &[1_000, 2_000, 4_000, 8_000];
/// A vendor's wish to wait is clamped to this range.
pub const RETRY_AFTER_MS_MIN: u64 = 1_000;
/// See [`RETRY_AFTER_MS_MIN`].
pub const RETRY_AFTER_MS_MAX: u64 = 60 * 60_000;

/// Pause of a flow that cannot go on (credential refused, source down) once the delays above are used up.
pub const FLOW_PAUSE_MS: u64 = 60_000;
/// Write calls of one flow at the same time: enough to keep a remote account's concurrency busy with whole batches.
pub const WRITE_CALLS_MAX: usize = 4;
/// Changes decided and committed together: two whole write calls, so that delivery begins while a page is decided.
pub const DECIDE_SLICE_MAX: usize = 400;
/// A decision that waited longer for its commit is made anew: what it looked up may have changed.
pub const DECISION_AGE_MS_MAX: u64 = 5_000;
/// Batches of one flow that wait for delivery; above it no further page is decided.
pub const WRITE_QUEUE_MAX: usize = 16;

/// Life of a lease.
pub const LEASE_MS: u64 = 15_000;
/// Transforms of one flow: each costs every page one call.
pub const TRANSFORMS_MAX: usize = 8;
/// Time between two renewals of a lease.
pub const LEASE_RENEW_MS: u64 = 4_000;
/// Values in one search: keeps the text of a query far from the smallest vendor limit (SuiteQL, 1,000 list items).
pub const SEARCH_VALUES_MAX: usize = 100;
/// Set-aside records that one step of a flow takes up again.
pub const RELEASE_MAX: u32 = 1_000;
/// Releases that are remembered for commits that were looking at the time; one that looked longer ago takes everything
/// for satisfied that it waits for.
pub const RELEASES_KEPT: i64 = 100_000;
/// Answers or marks that one group commit holds.
pub const GROUP_COMMIT_MAX: usize = 256;
/// Bytes of a file's name, folders included.
pub const FILE_NAME_BYTES_MAX: usize = 1 << 10;
/// Bytes of one part of a file's name: what file systems take.
pub const FILE_PART_BYTES_MAX: usize = 255;
/// Parts of a file's name: each is one step from handle to handle.
pub const FILE_PARTS_MAX: usize = 8;
/// Bytes that one ask reads of a file.
pub const FILE_READ_BYTES_MAX: usize = 1 << 20;
/// Bytes of a file that one ask makes.
pub const FILE_WRITE_BYTES_MAX: usize = 8 << 20;
/// Files of one page of a listing.
pub const FILES_PAGE_MAX: usize = 1_000;
/// Entries of a folder that is listed: each listing goes through all of them.
pub const FILES_LISTED_MAX: usize = 100_000;
/// A configuration file.
pub const CONFIG_BYTES_MAX: usize = 1 << 20;
/// Nesting of a configuration file: an entity map needs 6.
pub const CONFIG_DEPTH_MAX: usize = 16;
/// Values of a configuration file; a translation table of 20,000 rows has 40,000.
pub const CONFIG_NODES_MAX: usize = 100_000;
/// Repetitions by alias (`*name`) in a configuration file.
pub const CONFIG_ALIASES_MAX: usize = 100;
/// Values that all aliases of a configuration file may stand for.
pub const CONFIG_ALIAS_EVENTS_MAX: usize = 10_000;
/// Faults reported of one configuration file; more help nobody.
pub const CONFIG_FAULTS_MAX: usize = 100;
/// Bytes of a predicate.
pub const PREDICATE_BYTES_MAX: usize = 4 << 10;
/// Nesting of a predicate.
pub const PREDICATE_DEPTH_MAX: usize = 32;
/// Characters of a value that a message quotes.
pub const QUOTE_CHARS_MAX: usize = 60;

/// Rows of one multi-row statement, a power of two: with more, a row costs no less (measured).
pub const STATEMENT_ROWS_MAX: usize = 128;
/// Keys of one look-up, a power of four; the same reason.
pub const STATEMENT_KEYS_MAX: usize = 256;
/// Answers, marks, journal entries and counts that wait for the group committer; further callers wait.
pub const COMMIT_QUEUE_MAX: usize = 4_096;
/// Journal entries kept for the next try when a group commit fails; the oldest are dropped and counted.
pub const JOURNAL_KEPT_MAX: usize = 16_384;
/// Rows put before PostgreSQL is first asked to count its tables, then at each doubling; smaller ones are read quickly
/// whatever it believes.
pub const ANALYZE_ROWS_MIN: u64 = 1_000;
/// Connections that read a SQLite file while its one writer works.
pub const DATABASE_READERS_MAX: u32 = 4;
/// Connections of this node to PostgreSQL, whose default bound is 100 for all nodes.
pub const DATABASE_CONNECTIONS_MAX: u32 = 16;
/// How long a caller waits for a connection, or for the one writer.
pub const DATABASE_WAIT_MS_MAX: u64 = 30_000;
/// How long the first connection may take at start.
pub const DATABASE_CONNECT_MS_MAX: u64 = 10_000;

/// Body of a request to the API: as long as a configuration file.
pub const API_BODY_BYTES_MAX: usize = CONFIG_BYTES_MAX;
/// Body of a request that applies configuration: a folder of some hundred files.
pub const API_APPLY_BYTES_MAX: usize = 16 << 20;
/// Time of one request to the API; checking a connection may wait for a slow vendor.
pub const API_REQUEST_MS_MAX: u64 = 60_000;
/// Requests to the API at the same time; further ones are told to come back.
pub const API_REQUESTS_MAX: usize = 64;
/// How long a stopping service waits for requests under way: a little more than one may take.
pub const API_STOP_MS_MAX: u64 = API_REQUEST_MS_MAX + 5_000;
/// Rows of one answer of the API when the caller does not say.
pub const API_ROWS_DEFAULT: u32 = 100;
/// Rows of one answer of the API: some 1 MB of set-aside records.
pub const API_ROWS_MAX: u32 = 1_000;
/// Life of an API token when nothing else is asked for.
pub const API_TOKEN_DAYS_DEFAULT: u32 = 90;
/// Life of an API token.
pub const API_TOKEN_DAYS_MAX: u32 = 365;
/// Bytes of an API token's name.
pub const API_TOKEN_NAME_BYTES_MAX: usize = 100;
/// A token's last use is written down again after this long: not at each request.
pub const API_TOKEN_USED_MS: u64 = 60_000;
/// Records that one look-up of a person or a program gets: more is a flow's work.
pub const FIND_RECORDS_MAX: u32 = 100;
/// Records of a look-up that does not say how many.
pub const FIND_RECORDS_DEFAULT: u32 = 10;
/// Conditions of one look-up: the systems' own query languages take at least so many.
pub const FIND_CONDITIONS_MAX: usize = 10;
/// Bytes of one answer that the command line takes: a page of the largest records.
pub const CLI_ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of one value of a translation table that is set alone: it stands in an index, whose entries PostgreSQL bounds.
pub const TABLE_VALUE_BYTES_MAX: usize = 1_000;
/// Characters of a request's path that the audit log keeps: a path may have 64 KiB.
pub const AUDIT_SUBJECT_CHARS_MAX: usize = 500;
/// Bytes of a reason that a person gives: a paragraph.
pub const REASON_BYTES_MAX: usize = 2_000;
/// How long somebody who told a flow something waits until it has heard: it may be in the middle of a commit.
pub const POKE_MS_MAX: u64 = 5_000;
/// Tries of a write whose instant and end are kept; earlier ones are only counted. A person reads them.
pub const TRIES_KEPT: usize = 16;
/// Audit records that one request looks through: what a database reads in less than a second.
pub const AUDIT_SCAN_MAX: i64 = 100_000;
/// Fields, choices and references that one answer about streams holds: some 5 MB.
pub const API_FIELDS_MAX: usize = 20_000;
/// Bytes of a vendor's OpenAPI document: the largest that was measured (an accounting API) has 0.9 MB, payment APIs 6 MB.
pub const OPENAPI_BYTES_MAX: u64 = 8 << 20;
/// Bytes of the note that goes with a revision: a sentence or two.
pub const REVISION_NOTE_BYTES_MAX: usize = 1_000;
/// Characters of an audit record's detail that lists what was changed; the revision itself holds all of it.
pub const REVISION_DETAIL_CHARS_MAX: usize = 1_000;
/// Lines around a changed one that a difference shows.
pub const DIFFERENCE_CONTEXT_LINES: usize = 3;
/// Pause between two looks at whether another node changed configuration or plugins.
pub const CONFIGURATION_LOOK_MS: u64 = 5_000;
/// Lines of a record that `entity try` shows field by field: enough to see why, in an answer that stays readable.
pub const TRY_LINES_MAX: usize = 50;
/// Lines of a host's status, and reasons counted of one flow: more are not read.
pub const STATUS_LINES_MAX: u32 = 50;
/// How long a record may wait for one that it names before somebody should look: a first load takes minutes.
pub const STATUS_HOLD_MS: u64 = 60 * 60_000;
/// How long before and after its end a token is told of: two weeks to replace it.
pub const STATUS_TOKEN_MS: u64 = 14 * 24 * 60 * 60_000;
