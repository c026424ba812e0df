-- What passes a filter by tags or attributes is found without reading the catalog.
CREATE INDEX product_tags_idx ON simili.product USING gin (tags);
