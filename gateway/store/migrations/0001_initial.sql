-- Times are microseconds since 1970 (UTC). The BLOBs may hold patient text, and are sealed
-- where there is a key.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    clinic_id TEXT NOT NULL,
    app TEXT NOT NULL,
    connection TEXT NOT NULL,
    account TEXT NOT NULL,
    adapter TEXT NOT NULL,
    emr TEXT,
    rule TEXT NOT NULL,
    config_version TEXT NOT NULL,
    state TEXT NOT NULL,
    awaits_parent INTEGER NOT NULL,
    awaits_connection INTEGER NOT NULL,
    overdue INTEGER NOT NULL,
    conflict INTEGER NOT NULL,
    reference TEXT,
    vendor_id TEXT,
    emr_id TEXT,
    job_id TEXT,
    work TEXT,
    parent_id TEXT,
    emr_task_id TEXT,
    lane TEXT,
    one_per TEXT,
    attempts INTEGER NOT NULL,
    open_attempt INTEGER NOT NULL,
    marked INTEGER NOT NULL,
    sent_by BIGINT,
    doubt INTEGER NOT NULL,
    absent_at BIGINT,
    resent INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    lease_until BIGINT,
    due_at BIGINT,
    looks INTEGER NOT NULL,
    work_until BIGINT,
    give_up_after REAL NOT NULL,
    hold_for REAL NOT NULL,
    give_up_at BIGINT,
    settles_within INTEGER NOT NULL,
    settle_by BIGINT,
    retry_of TEXT,
    retried_as TEXT,
    trace TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version INTEGER NOT NULL,
    purged INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX deliveries_to_purge ON deliveries (updated_at)
    WHERE purged = 0 AND state IN ('delivered', 'rejected', 'failed', 'cancelled') AND conflict = 0;
CREATE INDEX deliveries_newest ON deliveries (kind, created_at, id);
CREATE INDEX deliveries_newest_of_clinic ON deliveries (clinic_id, kind, created_at, id);
CREATE INDEX deliveries_undelivered ON deliveries (state, created_at, id) WHERE state <> 'delivered';
CREATE INDEX deliveries_undelivered_of_clinic ON deliveries (clinic_id, state, created_at, id)
    WHERE state <> 'delivered';
CREATE INDEX deliveries_due ON deliveries (account, due_at) WHERE state = 'queued';
CREATE INDEX deliveries_first_sends ON deliveries (account, clinic_id, due_at, id)
    WHERE state = 'queued' AND lease_until IS NULL AND attempts = 0;
CREATE INDEX deliveries_retries ON deliveries (account, clinic_id, due_at, id)
    WHERE state = 'queued' AND lease_until IS NULL AND attempts > 0;
CREATE INDEX deliveries_looks ON deliveries (due_at)
    WHERE state IN ('submitted', 'unknown', 'delivered') AND due_at IS NOT NULL;
CREATE INDEX deliveries_open ON deliveries (state, account, created_at, clinic_id, connection)
    WHERE state IN ('queued', 'held', 'sending', 'submitted', 'unknown');
CREATE INDEX deliveries_needing ON deliveries (created_at, id)
    WHERE (state = 'unknown' OR overdue = 1 OR conflict = 1 OR (state = 'held' AND awaits_connection = 1));
CREATE INDEX deliveries_needing_of_clinic ON deliveries (clinic_id, created_at, id)
    WHERE (state = 'unknown' OR overdue = 1 OR conflict = 1 OR (state = 'held' AND awaits_connection = 1));
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX deliveries_in_flight ON deliveries (account, state) WHERE lease_until IS NOT NULL;
CREATE INDEX deliveries_giving_up ON deliveries (give_up_at) WHERE state IN ('queued', 'held');
CREATE INDEX deliveries_settling ON deliveries (settle_by) WHERE state = 'submitted' AND overdue = 0;
CREATE INDEX deliveries_nameless ON deliveries (clinic_id, connection) WHERE vendor_id IS NULL AND marked > 0;
CREATE INDEX deliveries_vendor_id ON deliveries (vendor_id) WHERE vendor_id IS NOT NULL;
CREATE INDEX deliveries_emr_id ON deliveries (emr_id) WHERE emr_id IS NOT NULL;
CREATE INDEX deliveries_job_id ON deliveries (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX deliveries_parent ON deliveries (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX deliveries_emr_task_id ON deliveries (emr_task_id) WHERE emr_task_id IS NOT NULL;
CREATE INDEX deliveries_lane ON deliveries (lane, created_at) WHERE lane IS NOT NULL;
CREATE INDEX deliveries_one_per ON deliveries (one_per) WHERE one_per IS NOT NULL;
CREATE INDEX deliveries_reference ON deliveries (reference) WHERE reference IS NOT NULL;

CREATE TABLE patients (
    hash TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    PRIMARY KEY (hash, delivery_id)
);
CREATE INDEX patients_delivery ON patients (delivery_id);

CREATE TABLE idempotency_keys (
    app TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    PRIMARY KEY (app, key)
);
CREATE INDEX idempotency_keys_delivery ON idempotency_keys (delivery_id);

CREATE TABLE attempts (
    delivery_id TEXT NOT NULL,
    fence INTEGER NOT NULL,
    account TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    config_version TEXT,
    is_retry INTEGER NOT NULL,
    marked_at BIGINT,
    ended_at BIGINT,
    verdict TEXT,
    code TEXT,
    status INTEGER,
    PRIMARY KEY (delivery_id, fence)
);
CREATE INDEX attempts_marked ON attempts (account, marked_at, is_retry) WHERE marked_at IS NOT NULL;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    at BIGINT NOT NULL,
    clinic_id TEXT NOT NULL,
    app TEXT NOT NULL,
    delivery_id TEXT,
    data TEXT NOT NULL
);
CREATE INDEX events_delivery ON events (delivery_id, seq);
CREATE INDEX events_clinic ON events (clinic_id, seq);

CREATE TABLE endpoints (
    app TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    gone TEXT,
    gone_at BIGINT
);

CREATE TABLE callbacks (
    app TEXT NOT NULL,
    seq BIGINT NOT NULL,
    lane TEXT NOT NULL,
    tries INTEGER NOT NULL,
    due_at BIGINT,
    lease_until BIGINT,
    PRIMARY KEY (app, seq)
);
CREATE INDEX callbacks_due ON callbacks (app, due_at, seq);
CREATE INDEX callbacks_lane ON callbacks (app, lane, seq);

CREATE TABLE callback_attempts (
    app TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    status INTEGER,
    error TEXT
);
CREATE INDEX callback_attempts_event ON callback_attempts (seq);
CREATE INDEX callback_attempts_app ON callback_attempts (app, at);
CREATE INDEX callback_attempts_at ON callback_attempts (at);

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    digest TEXT NOT NULL,
    verified INTEGER NOT NULL,
    state TEXT NOT NULL,
    why TEXT,
    event_id TEXT,
    clinic_id TEXT,
    received BLOB NOT NULL,
    UNIQUE (account, digest, verified)
);
CREATE INDEX webhooks_state ON webhooks (state, id);
CREATE INDEX webhooks_received ON webhooks (received_at);

CREATE TABLE sightings (
    id TEXT PRIMARY KEY,
    webhook_id TEXT,
    source TEXT NOT NULL,
    account TEXT NOT NULL,
    clinic_id TEXT,
    connection TEXT,
    delivery_id TEXT,
    state TEXT NOT NULL,
    why TEXT,
    at BIGINT NOT NULL,
    sighting BLOB NOT NULL
);
CREATE INDEX sightings_parked ON sightings (clinic_id, connection) WHERE state = 'parked';
CREATE INDEX sightings_parked_anywhere ON sightings (account) WHERE state = 'parked' AND connection IS NULL;
CREATE INDEX sightings_at ON sightings (at, id);
CREATE INDEX sightings_delivery ON sightings (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX sightings_webhook ON sightings (webhook_id) WHERE webhook_id IS NOT NULL;

CREATE TABLE turns (
    account TEXT NOT NULL,
    clinic_id TEXT NOT NULL,
    served_at BIGINT NOT NULL,
    PRIMARY KEY (account, clinic_id)
);

CREATE TABLE looks (
    clinic_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    owner TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (clinic_id, connection)
);

CREATE TABLE paces (
    account TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    open_until BIGINT,
    span REAL NOT NULL,
    pace INTEGER,
    not_before BIGINT
);

CREATE TABLE paused_connections (
    clinic_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    since BIGINT NOT NULL,
    code TEXT NOT NULL,
    detail BLOB NOT NULL,
    probe_at BIGINT,
    PRIMARY KEY (clinic_id, connection)
);

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    app TEXT NOT NULL,
    key_id TEXT NOT NULL,
    action TEXT NOT NULL,
    about TEXT NOT NULL,
    clinic_id TEXT,
    reason BLOB,
    reason_digest TEXT,
    hash TEXT NOT NULL
);
CREATE INDEX audit_about ON audit (about);

CREATE TABLE sessions (
    digest TEXT PRIMARY KEY,
    app TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key_sha256 TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);

CREATE TABLE observations (
    vendor TEXT NOT NULL,
    emr TEXT NOT NULL,
    clinic_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    operation TEXT NOT NULL,
    vendor_name TEXT NOT NULL,
    field TEXT,
    code TEXT NOT NULL,
    status INTEGER,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    count INTEGER NOT NULL,
    delivery_id TEXT NOT NULL,
    PRIMARY KEY (vendor, emr, clinic_id, connection, operation, vendor_name)
);

CREATE TABLE trials (
    vendor TEXT NOT NULL,
    emr TEXT NOT NULL,
    clinic_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    operation TEXT NOT NULL,
    field TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (vendor, emr, clinic_id, connection, operation, field)
);
