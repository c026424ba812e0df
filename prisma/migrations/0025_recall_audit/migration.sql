-- Lists that were ranked a second time, exactly (ADR 28, src/db/recall-audits.ts), by hour and version: whole counts and their squares, for
-- intervals. `wanted`: neighbours that the lists should have begun with; `found`: those of them that they had.
CREATE TABLE simili.recall_audit (
    catalog_id TEXT NOT NULL REFERENCES simili.catalog (id) ON DELETE CASCADE ON UPDATE CASCADE,
    version    INTEGER NOT NULL,
    hour       TIMESTAMPTZ(3) NOT NULL,
    lists      INTEGER NOT NULL,
    wanted     INTEGER NOT NULL,
    found      INTEGER NOT NULL,
    wanted_sq  INTEGER NOT NULL,
    products   INTEGER NOT NULL,
    found_sq   INTEGER NOT NULL,
    PRIMARY KEY (catalog_id, version, hour)
);
