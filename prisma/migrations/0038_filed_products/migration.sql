-- The transaction that last changed what a product is filed under: a kept list of neighbours that pass a filter is ranked beside what came to pass it since (ADR 43).
-- '0': none has. New products need no stamp, their vectors have one.
ALTER TABLE simili.product ADD COLUMN filed XID8 NOT NULL DEFAULT '0';
CREATE INDEX product_filed_idx ON simili.product (catalog_id, filed) WHERE filed > '0'::xid8;

CREATE FUNCTION simili.product_filed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.filed := pg_current_xact_id();
  RETURN NEW;
END $$;
CREATE TRIGGER filed BEFORE UPDATE OF categories, tags ON simili.product
    FOR EACH ROW WHEN (OLD.categories IS DISTINCT FROM NEW.categories OR OLD.tags IS DISTINCT FROM NEW.tags)
    EXECUTE FUNCTION simili.product_filed();
