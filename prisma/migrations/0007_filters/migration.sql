-- What passes a filter is found without reading the catalog.
CREATE INDEX product_categories_idx ON simili.product USING gin (categories);
CREATE INDEX product_price_idx ON simili.product (price);
