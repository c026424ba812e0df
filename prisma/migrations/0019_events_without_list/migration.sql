-- Events without a list (ADR 22): a view of a product's page, and a product of an order. Where a list had shown the product to the visitor they stand
-- under it as what came of it; else they have no anchor, version or place.
ALTER TYPE simili.feedback_kind ADD VALUE 'VIEW';
ALTER TABLE simili.feedback_event
    ALTER COLUMN anchor_id DROP NOT NULL,
    ALTER COLUMN model_id DROP NOT NULL,
    ADD COLUMN without_list BOOLEAN NOT NULL DEFAULT false;
-- How many came on a day, and how many of them a list had led to. Null: the day was rolled up before this was kept.
ALTER TABLE simili.feedback_day ADD COLUMN without_list INTEGER, ADD COLUMN outcomes INTEGER;
