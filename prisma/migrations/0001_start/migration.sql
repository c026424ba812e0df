-- The schema of prisma/schema.prisma. Tables of vectors are not here: each model version brings its own.
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS simili;

CREATE TYPE simili.image_state AS ENUM ('PENDING', 'READY', 'FAILED');
CREATE TYPE simili.feedback_kind AS ENUM ('IMPRESSION', 'CLICK', 'ADD_TO_CART', 'PURCHASE', 'DISMISS');
CREATE TYPE simili.model_kind AS ENUM ('GOLDEN', 'NETWORK');
CREATE TYPE simili.model_state AS ENUM ('EMBEDDING', 'CANDIDATE', 'ACTIVE', 'STANDBY', 'REJECTED', 'RETIRED');
CREATE TYPE simili.job_kind AS ENUM ('BOOTSTRAP', 'RETRAIN');
CREATE TYPE simili.job_state AS ENUM ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED');
CREATE TYPE simili.job_phase AS ENUM ('TRAIN', 'EMBED', 'EVALUATE', 'DONE');

CREATE TABLE simili.product (
    id          TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    url         TEXT,
    categories  TEXT[],
    tags        TEXT[],
    price       DECIMAL(14, 4),
    currency    TEXT,
    available   BOOLEAN NOT NULL DEFAULT true,
    version     BIGINT NOT NULL DEFAULT 0,
    fingerprint TEXT NOT NULL,
    created_at  TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at  TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX product_url_idx ON simili.product (url);

CREATE TABLE simili.product_image (
    id            TEXT PRIMARY KEY,
    product_id    TEXT NOT NULL REFERENCES simili.product (id) ON DELETE CASCADE ON UPDATE CASCADE,
    position      INTEGER NOT NULL,
    source        TEXT NOT NULL,
    state         simili.image_state NOT NULL DEFAULT 'PENDING',
    content_hash  TEXT,
    mime          TEXT,
    width         INTEGER,
    height        INTEGER,
    failure_code  TEXT,
    failure       TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    claimed_until TIMESTAMPTZ(3),
    updated_at    TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX product_image_product_id_position_key ON simili.product_image (product_id, position);
CREATE INDEX product_image_state_updated_at_idx ON simili.product_image (state, updated_at);

CREATE TABLE simili.feedback_event (
    event_id    UUID PRIMARY KEY,
    kind        simili.feedback_kind NOT NULL,
    visitor_id  TEXT NOT NULL,
    anchor_id   TEXT NOT NULL,
    item_ids    TEXT[],
    positions   INTEGER[],
    model_id    TEXT NOT NULL,
    occurred_at TIMESTAMPTZ(3) NOT NULL,
    received_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX feedback_event_received_at_idx ON simili.feedback_event (received_at);

CREATE TABLE simili.model_version (
    id          TEXT PRIMARY KEY,
    number      SERIAL NOT NULL,
    kind        simili.model_kind NOT NULL,
    state       simili.model_state NOT NULL DEFAULT 'EMBEDDING',
    parent_id   TEXT,
    job_id      TEXT,
    dimensions  INTEGER NOT NULL,
    checksum    TEXT NOT NULL,
    artefact    BYTEA NOT NULL,
    metrics     JSONB NOT NULL DEFAULT '{}',
    gates       JSONB NOT NULL DEFAULT '[]',
    created_at  TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    promoted_at TIMESTAMPTZ(3)
);
CREATE UNIQUE INDEX model_version_number_key ON simili.model_version (number);
CREATE UNIQUE INDEX model_version_job_id_key ON simili.model_version (job_id);

CREATE TABLE simili.serving (
    id          INTEGER PRIMARY KEY DEFAULT 1,
    active_id   TEXT,
    previous_id TEXT,
    epoch       INTEGER NOT NULL DEFAULT 0
);
INSERT INTO simili.serving (id) VALUES (1);

CREATE TABLE simili.job (
    id           TEXT PRIMARY KEY,
    kind         simili.job_kind NOT NULL,
    state        simili.job_state NOT NULL DEFAULT 'QUEUED',
    phase        simili.job_phase NOT NULL DEFAULT 'TRAIN',
    request      JSONB NOT NULL DEFAULT '{}',
    requested_by TEXT NOT NULL,
    fence        INTEGER NOT NULL DEFAULT 0,
    heartbeat_at TIMESTAMPTZ(3),
    cancel_asked BOOLEAN NOT NULL DEFAULT false,
    attempts     INTEGER NOT NULL DEFAULT 0,
    progress     DOUBLE PRECISION NOT NULL DEFAULT 0,
    eta_seconds  INTEGER,
    message      TEXT,
    engine       TEXT,
    curve        JSONB NOT NULL DEFAULT '[]',
    model_id     TEXT,
    error        JSONB,
    created_at   TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    started_at   TIMESTAMPTZ(3),
    finished_at  TIMESTAMPTZ(3),
    updated_at   TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX job_state_created_at_idx ON simili.job (state, created_at);
-- At most one job on its way: two processes asking for a retrain at once cannot both win.
CREATE UNIQUE INDEX job_one_running ON simili.job ((true)) WHERE state IN ('QUEUED', 'RUNNING');

CREATE TABLE simili.checkpoint (
    job_id     TEXT PRIMARY KEY REFERENCES simili.job (id) ON DELETE CASCADE ON UPDATE CASCADE,
    step       INTEGER NOT NULL,
    checksum   TEXT NOT NULL,
    state      BYTEA NOT NULL,
    created_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE simili.setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
