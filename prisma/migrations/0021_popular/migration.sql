-- Products that most visitors chose (ADR 23, src/db/fallback.ts): counted anew from the events of the last rolled-up days.
CREATE TABLE simili.popular_product (
    catalog_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    visitors   INTEGER NOT NULL,
    PRIMARY KEY (catalog_id, product_id),
    FOREIGN KEY (catalog_id, product_id) REFERENCES simili.product (catalog_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
-- Whether they were counted since the day was rolled up.
ALTER TABLE simili.feedback_day ADD COLUMN counted BOOLEAN NOT NULL DEFAULT false;
