-- Large categories that have an index of their own (ADR 36, src/db/category-indexes.ts), of each table of vectors.
CREATE TABLE simili.category_index (
    catalog_id TEXT NOT NULL,
    -- Name of the table, without its schema.
    vectors    TEXT NOT NULL,
    -- What stands for the category beside copies of the vectors: from 1.
    number     INTEGER NOT NULL,
    category   TEXT NOT NULL,
    PRIMARY KEY (catalog_id, vectors, number),
    FOREIGN KEY (catalog_id) REFERENCES simili.catalog (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX category_index_catalog_id_vectors_category_key ON simili.category_index (catalog_id, vectors, category);

-- Copies of vectors of `embedding_…` are in `category_…`, in the same schema.
CREATE FUNCTION simili.category_vectors(vectors TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
    SELECT 'category' || substr(vectors, length('embedding') + 1)
$$;

-- After vectors were written; on tables that have such indexes. Who gives a product another category holds its row, and looks for its vector
-- afterwards: so this one, which holds it too, sees that category, or is seen.
CREATE FUNCTION simili.keep_vectors_by_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO %I.%I (product_id, category, vec)
         SELECT w.product_id, c.number, w.vec
         FROM written w
             JOIN (SELECT id, categories FROM simili.product
                 WHERE catalog_id = $1 AND id = ANY(ARRAY(SELECT product_id FROM written)) ORDER BY id FOR SHARE) p ON p.id = w.product_id
             JOIN simili.category_index c ON c.catalog_id = $1 AND c.vectors = $2 AND c.category = ANY(p.categories)
         ON CONFLICT (product_id, category) DO UPDATE SET vec = excluded.vec',
        TG_TABLE_SCHEMA, simili.category_vectors(TG_TABLE_NAME)) USING TG_ARGV[0], TG_TABLE_NAME::text;
    RETURN NULL;
END $$;

-- After a product changed its categories: of each table that has an index of one of these.
CREATE FUNCTION simili.keep_categories_of_vectors() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    schema CONSTANT TEXT := CASE NEW.catalog_id WHEN 'default' THEN 'simili' ELSE 'simili_' || NEW.catalog_id END;
    changed RECORD;
BEGIN
    FOR changed IN
        SELECT c.vectors, simili.category_vectors(c.vectors) AS copies, c.number, c.category = ANY(NEW.categories) AS entered
        FROM simili.category_index c
        WHERE c.catalog_id = NEW.catalog_id AND (c.category = ANY(NEW.categories)) IS DISTINCT FROM (c.category = ANY(OLD.categories))
    LOOP
        IF changed.entered THEN
            EXECUTE format(
                'INSERT INTO %1$I.%2$I (product_id, category, vec) SELECT product_id, $2, vec FROM %1$I.%3$I WHERE product_id = $1
                 ON CONFLICT (product_id, category) DO UPDATE SET vec = excluded.vec',
                schema, changed.copies, changed.vectors) USING NEW.id, changed.number;
        ELSE
            EXECUTE format('DELETE FROM %I.%I WHERE product_id = $1 AND category = $2', schema, changed.copies)
                USING NEW.id, changed.number;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_categories_of_vectors AFTER UPDATE OF categories ON simili.product
    FOR EACH ROW WHEN (OLD.categories IS DISTINCT FROM NEW.categories) EXECUTE FUNCTION simili.keep_categories_of_vectors();
