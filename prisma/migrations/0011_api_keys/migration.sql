-- Keys with scopes, each for one catalog or for all. Of a key itself only its hash is kept.
CREATE TABLE simili.api_key (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    scopes     TEXT[] NOT NULL,
    catalog_id TEXT REFERENCES simili.catalog (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
