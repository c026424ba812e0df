-- What a frozen encoder sees in a picture, kept once: every model version is a projection of it. pgvector may lie in a schema
-- that is not on the search_path of whoever migrates.
DO $$
DECLARE
    vectors TEXT := (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                     WHERE e.extname = 'vector');
BEGIN
    EXECUTE 'CREATE TABLE simili.picture_feature (
        encoder      TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        vec          ' || vectors || '.halfvec NOT NULL,
        CONSTRAINT picture_feature_pkey PRIMARY KEY (encoder, content_hash)
    )';
END $$;
-- 2.5 KB of noise: compressing it gains nothing, and a row of its own beside the table would cost a second read.
ALTER TABLE simili.picture_feature ALTER COLUMN vec SET STORAGE MAIN;
CREATE INDEX picture_feature_content_hash_idx ON simili.picture_feature (content_hash);
