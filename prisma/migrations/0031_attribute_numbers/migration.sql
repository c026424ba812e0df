-- Tags like `weight:12.5` as numbers, so that products in a range of an attribute are found by an index.
CREATE TABLE simili.product_number (
    catalog_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    name       TEXT NOT NULL,
    value      DECIMAL(40, 20) NOT NULL,
    PRIMARY KEY (catalog_id, product_id, name, value),
    FOREIGN KEY (catalog_id, product_id) REFERENCES simili.product (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX product_number_catalog_id_name_value_idx ON simili.product_number (catalog_id, name, value);

-- The name is what comes before the first colon; the number has at most 20 digits before and after its point (src/decimal.ts).
CREATE FUNCTION simili.numbers_of_tags(tags TEXT[]) RETURNS TABLE (name TEXT, value NUMERIC) LANGUAGE sql IMMUTABLE AS $$
    SELECT DISTINCT part[1], part[2]::numeric
    FROM unnest(tags) AS tag, regexp_match(tag, '^([^:]+):(-?[0-9]{1,20}(?:\.[0-9]{1,20})?)$') AS part
    WHERE part IS NOT NULL
$$;

CREATE FUNCTION simili.keep_numbers_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO simili.product_number (catalog_id, product_id, name, value)
    SELECT added.catalog_id, added.id, number.name, number.value
    FROM added, simili.numbers_of_tags(added.tags) AS number;
    RETURN NULL;
END $$;
CREATE FUNCTION simili.keep_numbers_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM simili.product_number WHERE catalog_id = NEW.catalog_id AND product_id = NEW.id;
    INSERT INTO simili.product_number (catalog_id, product_id, name, value)
    SELECT NEW.catalog_id, NEW.id, number.name, number.value FROM simili.numbers_of_tags(NEW.tags) AS number;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_numbers_added AFTER INSERT ON simili.product
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION simili.keep_numbers_added();
CREATE TRIGGER keep_numbers_changed AFTER UPDATE OF tags ON simili.product
    FOR EACH ROW WHEN (OLD.tags IS DISTINCT FROM NEW.tags) EXECUTE FUNCTION simili.keep_numbers_changed();

INSERT INTO simili.product_number (catalog_id, product_id, name, value)
SELECT product.catalog_id, product.id, number.name, number.value
FROM simili.product, simili.numbers_of_tags(product.tags) AS number;
