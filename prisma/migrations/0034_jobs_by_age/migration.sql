-- The list of jobs of whatever state, newest first, behind the last one that was read.
CREATE INDEX job_catalog_id_created_at_id_idx ON simili.job (catalog_id, created_at, id);
