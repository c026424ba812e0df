-- A training over several machines: the round that is open, and what its members make of it.
CREATE TABLE simili.training_round (
    job_id      TEXT PRIMARY KEY REFERENCES simili.job (id) ON DELETE CASCADE ON UPDATE CASCADE,
    round       INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    members     INTEGER NOT NULL,
    first_step  INTEGER NOT NULL,
    steps       INTEGER NOT NULL,
    total_steps INTEGER NOT NULL,
    pictures    BIGINT NOT NULL,
    expected_ms INTEGER NOT NULL,
    settled     BOOLEAN NOT NULL DEFAULT false,
    settings    JSONB NOT NULL,
    checksum    TEXT NOT NULL,
    state       BYTEA NOT NULL,
    opened_at   TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE simili.training_shard (
    job_id       TEXT NOT NULL REFERENCES simili.training_round (job_id) ON DELETE CASCADE ON UPDATE CASCADE,
    round        INTEGER NOT NULL,
    member       INTEGER NOT NULL,
    taken_at     TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    reported_at  TIMESTAMPTZ(3),
    pictures     INTEGER,
    loss         DOUBLE PRECISION,
    active_share DOUBLE PRECISION,
    checksum     TEXT,
    state        BYTEA,
    PRIMARY KEY (job_id, round, member)
);
