-- Several catalogs in one database (docs/adr/0014-catalogs.md): what was there so far becomes the catalog `default`. Processes of
-- before this migration cannot go on after it. The longest part is a new primary key of the largest table.
CREATE TABLE simili.catalog (
    id         TEXT PRIMARY KEY,
    created_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO simili.catalog (id) VALUES ('default');

-- Keys that point to what gets another one, those of the tables of vectors among them.
DO $$
DECLARE
    foreign_key RECORD;
BEGIN
    FOR foreign_key IN
        SELECT conrelid::regclass AS relation, conname AS name FROM pg_constraint
        WHERE contype = 'f' AND confrelid IN ('simili.product'::regclass, 'simili.job'::regclass, 'simili.training_round'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', foreign_key.relation, foreign_key.name);
    END LOOP;
END $$;

-- The default is for the rows that are there. It goes at once: a statement that forgets its catalog fails.
DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['product', 'product_image', 'feedback_event', 'shown_list', 'rating', 'model_version', 'job',
                                'checkpoint', 'training_round', 'training_shard', 'setting']
    LOOP
        EXECUTE format('ALTER TABLE simili.%I ADD COLUMN catalog_id TEXT NOT NULL DEFAULT ''default''', name);
        EXECUTE format('ALTER TABLE simili.%I ALTER COLUMN catalog_id DROP DEFAULT, DROP CONSTRAINT %I', name, name || '_pkey');
    END LOOP;
END $$;

ALTER TABLE simili.product ADD PRIMARY KEY (catalog_id, id);
ALTER TABLE simili.product_image ADD PRIMARY KEY (catalog_id, id);
ALTER TABLE simili.feedback_event ADD PRIMARY KEY (catalog_id, event_id);
ALTER TABLE simili.shown_list ADD PRIMARY KEY (catalog_id, list_id);
ALTER TABLE simili.rating ADD PRIMARY KEY (catalog_id, anchor_id, positive_id, negative_id);
ALTER TABLE simili.model_version ADD PRIMARY KEY (catalog_id, id);
ALTER TABLE simili.job ADD PRIMARY KEY (catalog_id, id);
ALTER TABLE simili.checkpoint ADD PRIMARY KEY (catalog_id, job_id);
ALTER TABLE simili.training_round ADD PRIMARY KEY (catalog_id, job_id);
ALTER TABLE simili.training_shard ADD PRIMARY KEY (catalog_id, job_id, round, member);
ALTER TABLE simili.setting ADD PRIMARY KEY (catalog_id, key);

DROP INDEX simili.product_url_idx, simili.product_price_idx, simili.product_image_product_id_position_key,
    simili.product_image_state_updated_at_idx, simili.product_image_retry_at_idx, simili.product_image_state_checked_at_idx,
    simili.feedback_event_received_at_idx, simili.shown_list_expires_at_idx, simili.rating_received_at_idx,
    simili.model_version_number_key, simili.model_version_job_id_key, simili.job_state_created_at_idx, simili.job_one_running;
CREATE INDEX product_catalog_id_url_idx ON simili.product (catalog_id, url);
CREATE INDEX product_catalog_id_price_idx ON simili.product (catalog_id, price);
CREATE UNIQUE INDEX product_image_catalog_id_product_id_position_key ON simili.product_image (catalog_id, product_id, position);
CREATE INDEX product_image_catalog_id_state_updated_at_idx ON simili.product_image (catalog_id, state, updated_at);
CREATE INDEX product_image_catalog_id_retry_at_idx ON simili.product_image (catalog_id, retry_at);
CREATE INDEX product_image_catalog_id_state_checked_at_idx ON simili.product_image (catalog_id, state, checked_at);
CREATE INDEX feedback_event_catalog_id_received_at_idx ON simili.feedback_event (catalog_id, received_at);
CREATE INDEX shown_list_catalog_id_expires_at_idx ON simili.shown_list (catalog_id, expires_at);
CREATE INDEX rating_catalog_id_received_at_idx ON simili.rating (catalog_id, received_at);
CREATE UNIQUE INDEX model_version_catalog_id_number_key ON simili.model_version (catalog_id, number);
CREATE UNIQUE INDEX model_version_catalog_id_job_id_key ON simili.model_version (catalog_id, job_id);
CREATE INDEX job_catalog_id_state_created_at_idx ON simili.job (catalog_id, state, created_at);
-- At most one job of a catalog on its way: two processes asking for a retrain at once cannot both win.
CREATE UNIQUE INDEX job_one_running ON simili.job (catalog_id) WHERE state IN ('QUEUED', 'RUNNING');

ALTER TABLE simili.product_image ADD CONSTRAINT product_image_catalog_id_product_id_fkey
    FOREIGN KEY (catalog_id, product_id) REFERENCES simili.product (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE simili.checkpoint ADD CONSTRAINT checkpoint_catalog_id_job_id_fkey
    FOREIGN KEY (catalog_id, job_id) REFERENCES simili.job (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE simili.training_round ADD CONSTRAINT training_round_catalog_id_job_id_fkey
    FOREIGN KEY (catalog_id, job_id) REFERENCES simili.job (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE simili.training_shard ADD CONSTRAINT training_shard_catalog_id_job_id_fkey
    FOREIGN KEY (catalog_id, job_id) REFERENCES simili.training_round (catalog_id, job_id) ON DELETE CASCADE ON UPDATE CASCADE;

-- Which version answers: rows in place of one row of columns.
ALTER TABLE simili.serving RENAME TO serving_before;
ALTER TABLE simili.serving_before RENAME CONSTRAINT serving_pkey TO serving_before_pkey;
CREATE TABLE simili.serving (
    catalog_id TEXT NOT NULL,
    slot       TEXT NOT NULL,
    version_id TEXT NOT NULL,
    weight     DOUBLE PRECISION NOT NULL CHECK (weight BETWEEN 0 AND 1),
    epoch      INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (catalog_id, slot),
    CONSTRAINT serving_catalog_id_version_id_fkey FOREIGN KEY (catalog_id, version_id)
        REFERENCES simili.model_version (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
INSERT INTO simili.serving (catalog_id, slot, version_id, weight, epoch)
SELECT 'default', slot.name, slot.version_id, slot.weight, before.epoch
FROM simili.serving_before before,
    LATERAL (VALUES ('active', before.active_id, 1), ('previous', before.previous_id, 0)) AS slot (name, version_id, weight)
WHERE slot.version_id IN (SELECT id FROM simili.model_version);
DROP TABLE simili.serving_before;

-- What belongs to no catalog.
CREATE TABLE simili.installation_setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO simili.installation_setting (key, value) SELECT key, value FROM simili.setting WHERE key <> 'encoder';
DELETE FROM simili.setting WHERE key <> 'encoder';

-- Not of feedback_event and shown_list: each event of every shopper would lock the one row of its catalog.
DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['product', 'rating', 'model_version', 'serving', 'job', 'setting']
    LOOP
        EXECUTE format('ALTER TABLE simili.%I ADD CONSTRAINT %I FOREIGN KEY (catalog_id) REFERENCES simili.catalog (id)
            ON DELETE CASCADE ON UPDATE CASCADE', name, name || '_catalog_id_fkey');
    END LOOP;
END $$;

-- Tables of vectors: one for each space of a version. Other catalogs have theirs in schemas of their own; all rows of a table are of
-- one catalog, so here it has a default.
DO $$
DECLARE
    name TEXT;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'simili' AND c.relkind = 'r' AND c.relname ~ '^embedding_[0-9]+(_|$)'
    LOOP
        EXECUTE format('ALTER TABLE simili.%I ADD COLUMN catalog_id TEXT NOT NULL DEFAULT ''default'' CHECK (catalog_id = ''default'')', name);
        EXECUTE format('ALTER TABLE simili.%I ADD FOREIGN KEY (catalog_id, product_id) REFERENCES simili.product (catalog_id, id)
            ON DELETE CASCADE ON UPDATE CASCADE', name);
    END LOOP;
END $$;
