-- The transaction that added a product, or took its vectors away while it stays: kept lists of neighbours have the distances of then, and know nothing of what was renewed since (ADR 43).
-- Those that are there count as of before. Two steps: no row is written for it.
ALTER TABLE simili.product ADD COLUMN renewed XID8 NOT NULL DEFAULT '0';
ALTER TABLE simili.product ALTER COLUMN renewed SET DEFAULT pg_current_xact_id();
