-- How categories are spelled, so that a filter finds them whatever their case (src/db/category-names.ts). One that no product has any more may stay.
CREATE TABLE simili.category_name (
    catalog_id TEXT NOT NULL,
    name       TEXT NOT NULL,
    PRIMARY KEY (catalog_id, name),
    FOREIGN KEY (catalog_id) REFERENCES simili.catalog (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX category_name_catalog_id_lower_idx ON simili.category_name (catalog_id, lower(name));

-- In order, so that two who write the same names do not wait for each other.
CREATE FUNCTION simili.keep_category_names_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO simili.category_name (catalog_id, name)
    SELECT DISTINCT added.catalog_id, c.name FROM added, unnest(added.categories) AS c (name)
    WHERE c.name IS NOT NULL
        AND NOT EXISTS (SELECT FROM simili.category_name k WHERE k.catalog_id = added.catalog_id AND k.name = c.name)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE FUNCTION simili.keep_category_names_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO simili.category_name (catalog_id, name)
    SELECT DISTINCT NEW.catalog_id, c.name FROM unnest(NEW.categories) AS c (name)
    WHERE c.name IS NOT NULL
        AND NOT EXISTS (SELECT FROM simili.category_name k WHERE k.catalog_id = NEW.catalog_id AND k.name = c.name)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_category_names_added AFTER INSERT ON simili.product
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION simili.keep_category_names_added();
CREATE TRIGGER keep_category_names_changed AFTER UPDATE OF categories ON simili.product
    FOR EACH ROW WHEN (OLD.categories IS DISTINCT FROM NEW.categories) EXECUTE FUNCTION simili.keep_category_names_changed();

INSERT INTO simili.category_name (catalog_id, name)
SELECT DISTINCT product.catalog_id, c.name FROM simili.product, unnest(product.categories) AS c (name) WHERE c.name IS NOT NULL;
