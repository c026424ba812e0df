-- The transaction that wrote a vector: what came since a list of neighbours was made is ranked beside it (ADR 43). Those that are there count as written before all others.
CREATE FUNCTION simili.vector_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.written := pg_current_xact_id();
  RETURN NEW;
END $$;

DO $$
DECLARE vectors record;
BEGIN
  FOR vectors IN
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND (n.nspname = 'simili' OR n.nspname LIKE 'simili\_%') AND c.relname ~ '^embedding_[0-9]+(_[a-z0-9_]+)?$'
  LOOP
    EXECUTE format('ALTER TABLE %I.%I ADD COLUMN written xid8 NOT NULL DEFAULT ''0''', vectors.schema, vectors.name);
    EXECUTE format('ALTER TABLE %I.%I ALTER COLUMN written SET DEFAULT pg_current_xact_id()', vectors.schema, vectors.name);
    EXECUTE format('CREATE INDEX %I ON %I.%I (written)', vectors.name || '_written_idx', vectors.schema, vectors.name);
    EXECUTE format('CREATE TRIGGER written BEFORE UPDATE ON %I.%I FOR EACH ROW EXECUTE FUNCTION simili.vector_written()', vectors.schema, vectors.name);
  END LOOP;
END $$;
