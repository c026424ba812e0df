-- Variants of one product: of a group a list shows one, and an anchor's own group not at all.
ALTER TABLE simili.product ADD COLUMN group_id TEXT;
CREATE INDEX product_catalog_id_group_id_idx ON simili.product (catalog_id, group_id);
