-- Pictures that somebody searches by, on their way to a worker and back (ADR 29, src/db/picture-queries.ts). Unlogged: they are in no log,
-- replica or backup, and a crash of the database forgets them. The picture itself is gone from the row when a worker takes it.
CREATE UNLOGGED TABLE simili.picture_query (
    catalog_id TEXT NOT NULL REFERENCES simili.catalog (id) ON DELETE CASCADE ON UPDATE CASCADE,
    id         UUID NOT NULL,
    -- The version whose vector is wanted.
    model_id   TEXT NOT NULL,
    -- One of the two, until it is taken.
    url        TEXT,
    bytes      BYTEA,
    asked_at   TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    taken_at   TIMESTAMPTZ(6),
    -- The answer: float32 in base64, or { code, facts } of an error.
    vector     TEXT,
    failure    JSONB,
    PRIMARY KEY (catalog_id, id)
);
-- Pictures are compressed already.
ALTER TABLE simili.picture_query ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE simili.picture_query SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1, toast.autovacuum_vacuum_scale_factor = 0);
