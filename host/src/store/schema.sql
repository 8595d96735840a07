-- The schema, one text for SQLite and PostgreSQL. Ids and JSON are TEXT, instants are BIGINT milliseconds since 1970,
-- yes and no are 1 and 0. Every key begins with the tenant. `fence` says under which claim of a lease a row was written.

-- The last number given out of each series of a tenant (audit, journal, need). Never deleted: numbers have no gaps.
CREATE TABLE head (
    tenant TEXT NOT NULL,
    series TEXT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (tenant, series)
);

-- One act of the host or of a person, written with the commit that it describes. Never deleted.
CREATE TABLE audit (
    tenant TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (tenant, seq)
);

-- One file of configuration as it is now: a connection, an entity map or a flow. A removed one stays, marked, so that its
-- versions go on counting.
CREATE TABLE document (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    is_removed BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, name)
);

-- One applied change of configuration, numbered from 1. Never deleted: its number is what the next change builds on.
CREATE TABLE revision (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
);

-- One version that a document ever had; `body` is NULL where it was removed. Never deleted.
CREATE TABLE document_history (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, name, version)
);
-- For the documents of one revision.
CREATE INDEX document_history_revision ON document_history (tenant, revision);

-- One plugin that is installed, with its bytes. Deleted by an admin, and never while a connection uses it.
CREATE TABLE plugin (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    manifest TEXT NOT NULL,
    component blob NOT NULL,
    is_active BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);
-- For the list of active plugins; unique, so that no name ever has two of them.
CREATE UNIQUE INDEX plugin_active ON plugin (tenant, name) WHERE is_active = 1;

-- One time that a plugin became the active one of its name, numbered per name from 1. Never deleted: going back looks here.
CREATE TABLE activation (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    digest TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name, number)
);

-- One sealed credential of a connection. Replaced and deleted by the admin.
CREATE TABLE secret (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    name TEXT NOT NULL,
    kek_id TEXT NOT NULL,
    sealed blob NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, connection, name)
);

-- The remote account that a connection leads to: the confirmed one, and the one seen last. Kept when the connection goes.
CREATE TABLE connection_account (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    account_id TEXT NOT NULL,
    account_name TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    seen_id TEXT NOT NULL,
    seen_name TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, connection)
);

-- The last consent that was asked for of a connection. `state_hash` is the SHA-256 of what the callback must bring,
-- `sealed` what the code is exchanged with, emptied at the first answer. Replaced by the next one.
CREATE TABLE consent (
    tenant TEXT NOT NULL,
    connection TEXT NOT NULL,
    state TEXT NOT NULL,
    state_hash blob NOT NULL,
    kek_id TEXT NOT NULL,
    sealed blob NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    began BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    ended BIGINT,
    PRIMARY KEY (tenant, connection)
);
-- For the consent that a callback answers.
CREATE INDEX consent_state_hash ON consent (tenant, state_hash);

-- One token of the API. The secret itself is nowhere: `hash` is the SHA-256 of the token's text. Never deleted: the audit
-- log names tokens by id.
CREATE TABLE token (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash blob NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    revoked BIGINT,
    PRIMARY KEY (tenant, id)
);

-- One row of a translation table as it is now. A removed one stays, marked, so that its versions go on counting.
CREATE TABLE translation (
    tenant TEXT NOT NULL,
    table_name TEXT NOT NULL,
    from_value TEXT NOT NULL,
    to_value TEXT NOT NULL,
    version BIGINT NOT NULL,
    is_removed BIGINT NOT NULL,
    PRIMARY KEY (tenant, table_name, from_value)
);

-- One value that a translation ever had; `to_value` is NULL where it was removed. Never deleted.
CREATE TABLE translation_history (
    tenant TEXT NOT NULL,
    table_name TEXT NOT NULL,
    from_value TEXT NOT NULL,
    version BIGINT NOT NULL,
    to_value TEXT,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, table_name, from_value, version)
);

-- Who may work on something now. A free one has no holder and stays: its fence must never be given out twice.
CREATE TABLE lease (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- How far a flow has come in one source, in one format of cursors: a flow that goes back to an earlier plugin or source
-- goes on where it was there. Deleted when the flow starts over.
CREATE TABLE checkpoint (
    tenant TEXT NOT NULL,
    flow TEXT NOT NULL,
    source TEXT NOT NULL,
    cursor_format BIGINT NOT NULL,
    cursor_text TEXT NOT NULL,
    is_caught_up BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, flow, source, cursor_format)
);

-- What people want of a flow beside its configuration: whether it runs, and their other wishes, counted. Never deleted.
CREATE TABLE flow_state (
    tenant TEXT NOT NULL,
    flow TEXT NOT NULL,
    is_paused BIGINT NOT NULL,
    since BIGINT,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    starts BIGINT NOT NULL,
    cancels BIGINT NOT NULL,
    anews BIGINT NOT NULL,
    anews_done BIGINT NOT NULL,
    PRIMARY KEY (tenant, flow)
);

-- The last known state of one record in one system, and which business thing it is. Replaced by each new state.
CREATE TABLE record (
    tenant TEXT NOT NULL,
    entity TEXT NOT NULL,
    system TEXT NOT NULL,
    key TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    natural_key TEXT,
    version TEXT,
    hash TEXT NOT NULL,
    state TEXT NOT NULL,
    is_matched BIGINT NOT NULL,
    flags TEXT NOT NULL,
    outcome TEXT NOT NULL,
    fence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, entity, system, key)
);
-- For the same thing's record in another system.
CREATE INDEX record_entity_id ON record (tenant, entity, system, entity_id);
-- For recognising a record that is not linked yet.
CREATE INDEX record_natural_key ON record (tenant, entity, system, natural_key) WHERE natural_key IS NOT NULL;

-- For what people should look at, by key.
CREATE INDEX record_flags ON record (tenant, entity, system, key) WHERE flags <> '';

-- The intents of one write call. Deleted in the commit that takes over their outcomes.
CREATE TABLE batch (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    flow TEXT NOT NULL,
    run TEXT NOT NULL,
    connection TEXT NOT NULL,
    stream TEXT NOT NULL,
    intents TEXT NOT NULL,
    sources TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    decided BIGINT NOT NULL,
    due BIGINT NOT NULL,
    intent_count BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    lease TEXT NOT NULL,
    fence BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
-- For a flow's open batches, oldest first, and for counting what is in flight.
CREATE INDEX batch_flow ON batch (tenant, flow, seq);

-- One effectful request of an open batch: about to leave (`response` is NULL) or answered. Deleted with its batch.
CREATE TABLE answer (
    tenant TEXT NOT NULL,
    batch TEXT NOT NULL,
    request TEXT NOT NULL,
    at BIGINT NOT NULL,
    response TEXT,
    body blob,
    PRIMARY KEY (tenant, batch, request)
);

-- One call that a plugin made, allowed or not. Never deleted.
CREATE TABLE journal (
    tenant TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    run TEXT NOT NULL,
    connection TEXT NOT NULL,
    account TEXT NOT NULL,
    route TEXT NOT NULL,
    method TEXT NOT NULL,
    origin TEXT NOT NULL,
    path TEXT NOT NULL,
    decision TEXT NOT NULL,
    status BIGINT NOT NULL,
    request_bytes BIGINT NOT NULL,
    response_bytes BIGINT NOT NULL,
    took_ms BIGINT NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (tenant, seq)
);
-- For the calls of one run, newest first.
CREATE INDEX journal_run ON journal (tenant, run, seq);
-- For counting an account's calls.
CREATE INDEX journal_account ON journal (tenant, account);

-- One change that needs something before it can go on: a hold, an exception or a dead letter. Deleted when it is settled.
CREATE TABLE set_aside (
    tenant TEXT NOT NULL,
    flow TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    change TEXT NOT NULL,
    needs TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    tries TEXT NOT NULL,
    run TEXT NOT NULL,
    map_version BIGINT NOT NULL,
    reader TEXT NOT NULL,
    writer TEXT NOT NULL,
    since BIGINT NOT NULL,
    ready BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    PRIMARY KEY (tenant, flow, key)
);
-- For a flow's list of one kind, oldest first, for its counts by rule and for the tally.
CREATE INDEX set_aside_kind ON set_aside (tenant, flow, kind, since, key);
-- For what a flow takes up again, oldest first.
CREATE INDEX set_aside_ready ON set_aside (tenant, flow, since, key) WHERE ready = 1;

-- One need of one set-aside change, the way from the need to the change. Deleted with the change or with its needs.
CREATE TABLE set_aside_need (
    tenant TEXT NOT NULL,
    need TEXT NOT NULL,
    flow TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (tenant, need, flow, key)
);
-- For replacing the needs of a change.
CREATE INDEX set_aside_need_key ON set_aside_need (tenant, flow, key);

-- One need that was satisfied lately, with the number of the release. Deleted by later releases.
CREATE TABLE satisfied (
    tenant TEXT NOT NULL,
    need TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (tenant, need)
);
-- For what was satisfied since somebody looked, and for forgetting.
CREATE INDEX satisfied_seq ON satisfied (tenant, seq);

-- What became of all changes of a flow, where it leaves no row. Only added to.
CREATE TABLE tally (
    tenant TEXT NOT NULL,
    flow TEXT NOT NULL,
    changes BIGINT NOT NULL,
    written BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    skipped_predicate BIGINT NOT NULL,
    skipped_transform BIGINT NOT NULL,
    skipped_echo BIGINT NOT NULL,
    skipped_superseded BIGINT NOT NULL,
    skipped_discarded BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    PRIMARY KEY (tenant, flow)
);

-- One execution of a flow, from a trigger until nothing is left to do; one that found nothing has no row. Never deleted.
CREATE TABLE run (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    flow TEXT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    trouble TEXT NOT NULL,
    changes BIGINT NOT NULL,
    taken_up BIGINT NOT NULL,
    written BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    set_aside BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
-- For a flow's runs, newest first.
CREATE INDEX run_flow ON run (tenant, flow, started);
-- For the runs whose process ended without a word.
CREATE INDEX run_open ON run (tenant, flow) WHERE ended IS NULL;

-- Calls to an account in one hour, counted from 1970. Only added to.
CREATE TABLE usage (
    tenant TEXT NOT NULL,
    account TEXT NOT NULL,
    hour BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (tenant, account, hour)
);
