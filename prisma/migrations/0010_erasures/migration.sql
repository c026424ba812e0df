-- What visitors had deleted: a receipt each, without their ids. `visitors` has their hashes until the lists they
-- reported about have forgotten them too (src/db/erasures.ts), and is empty then.
CREATE TABLE simili.erasure (
    catalog_id TEXT NOT NULL,
    id         UUID NOT NULL,
    erased_at  TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    events     INTEGER NOT NULL,
    visitors   BIGINT[] NOT NULL,
    PRIMARY KEY (catalog_id, id)
);
CREATE INDEX erasure_catalog_id_erased_at_idx ON simili.erasure (catalog_id, erased_at);
-- All that is known of one visitor.
CREATE INDEX feedback_event_catalog_id_visitor_id_received_at_idx ON simili.feedback_event (catalog_id, visitor_id, received_at);
