-- How the database stores the vectors of a version's pictures: chosen when it is embedded (ADR 11). Those that are there have four bytes a number.
CREATE TYPE simili.vector_storage AS ENUM ('VECTOR', 'HALFVEC');
ALTER TABLE simili.model_version ADD COLUMN storage simili.vector_storage NOT NULL DEFAULT 'VECTOR';
