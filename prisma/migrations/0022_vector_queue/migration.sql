-- Products whose vectors may be out of date (ADR 24, src/db/vector-queue.ts): in one commit with what changed, whoever changed it.
CREATE TABLE simili.vector_queue (
    catalog_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    -- Another one with every change: who worked on an earlier one does not take the product out.
    place      BIGSERIAL NOT NULL,
    -- To the microsecond, as now() is: one that is rounded up lies in the future of who looks at once.
    due_at     TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    tries      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (catalog_id, product_id),
    FOREIGN KEY (catalog_id, product_id) REFERENCES simili.product (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX vector_queue_catalog_id_due_at_idx ON simili.vector_queue (catalog_id, due_at);

-- Not of a product that is being deleted, whose pictures go with it.
CREATE FUNCTION simili.queue_vectors(catalog TEXT, product TEXT) RETURNS void LANGUAGE sql AS $$
    INSERT INTO simili.vector_queue (catalog_id, product_id)
    SELECT p.catalog_id, p.id FROM simili.product p WHERE p.catalog_id = catalog AND p.id = product
    ON CONFLICT (catalog_id, product_id) DO UPDATE SET place = excluded.place, due_at = excluded.due_at, tries = 0
$$;
CREATE FUNCTION simili.queue_vectors_of_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM simili.queue_vectors(NEW.catalog_id, NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION simili.queue_vectors_of_picture() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM simili.queue_vectors(OLD.catalog_id, OLD.product_id);
    ELSE
        PERFORM simili.queue_vectors(NEW.catalog_id, NEW.product_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_vectors AFTER INSERT OR UPDATE OF fingerprint ON simili.product
    FOR EACH ROW EXECUTE FUNCTION simili.queue_vectors_of_product();
CREATE TRIGGER queue_vectors_added AFTER INSERT ON simili.product_image
    FOR EACH ROW WHEN (NEW.state = 'READY') EXECUTE FUNCTION simili.queue_vectors_of_picture();
CREATE TRIGGER queue_vectors_changed AFTER UPDATE OF state, content_hash, position ON simili.product_image
    FOR EACH ROW WHEN ((OLD.state = 'READY' OR NEW.state = 'READY')
        AND (OLD.state, OLD.content_hash, OLD.position) IS DISTINCT FROM (NEW.state, NEW.content_hash, NEW.position))
    EXECUTE FUNCTION simili.queue_vectors_of_picture();
CREATE TRIGGER queue_vectors_removed AFTER DELETE ON simili.product_image
    FOR EACH ROW WHEN (OLD.state = 'READY') EXECUTE FUNCTION simili.queue_vectors_of_picture();

-- What the version before had not got to.
INSERT INTO simili.vector_queue (catalog_id, product_id) SELECT catalog_id, id FROM simili.product;
