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
/// Nesting of a record's JSON; serde_json's own bound is 128.
pub const JSON_DEPTH_MAX: usize = 64;
/// Intents of one write, whatever the stream allows.
pub const WRITE_INTENTS_MAX: u32 = 200;
/// Reasons kept of one refused record.
pub const VIOLATIONS_MAX: usize = 32;

/// A request's body.
pub const REQUEST_BODY_BYTES_MAX: usize = 8 << 20;
/// A request's path and query.
pub const REQUEST_TARGET_BYTES_MAX: usize = 110 << 10;
/// An answer's body, decoded.
pub const RESPONSE_BODY_BYTES_MAX: usize = 16 << 20;
/// Decoded bytes per encoded byte after the first MiB: a gzip bomb reaches 1,029.
pub const RESPONSE_RATIO_MAX: usize = 100;
/// An answer's headers, count and bytes.
pub const RESPONSE_HEADERS_MAX: usize = 100;
/// Bytes of an answer's header block.
pub const RESPONSE_HEADER_BYTES_MAX: usize = 32 << 10;
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
/// Addresses of one name.
pub const ADDRESSES_MAX: usize = 16;
/// How long a request waits for budget before the plugin is told to come back.
pub const BUDGET_WAIT_MS_MAX: u64 = 2_000;
/// Requests at the same time to an account whose vendor states no bound.
pub const CONCURRENCY_DEFAULT: u32 = 8;

/// Delays between attempts (RET-01).
pub const RETRY_DELAYS_MS: &[u64] = &[1_000, 2_000, 4_000, 8_000];
/// A vendor's wish to wait is clamped to this range.
pub const RETRY_AFTER_MS_MIN: u64 = 1_000;
/// See [`RETRY_AFTER_MS_MIN`].
pub const RETRY_AFTER_MS_MAX: u64 = 60 * 60_000;

/// Life of a lease.
pub const LEASE_MS: u64 = 15_000;
/// Time between two renewals of a lease.
pub const LEASE_RENEW_MS: u64 = 4_000;
/// Set-aside records that one step of a flow takes up again.
pub const RELEASE_MAX: u32 = 1_000;
/// Answers or marks that one group commit holds.
pub const GROUP_COMMIT_MAX: usize = 256;
/// A configuration file.
pub const CONFIG_BYTES_MAX: usize = 1 << 20;

/// Rows of one multi-row statement, a power of two: with more, SQLite's look-up of parameters by name costs more than a
/// statement does (measured).
pub const STATEMENT_ROWS_MAX: usize = 32;
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
