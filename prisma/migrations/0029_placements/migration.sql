-- Where in the storefront a list stood (ADR 27). All that was stored before stood in `default`, and sums of days are right as they are: no day is
-- rolled up again.
ALTER TABLE simili.feedback_event ADD COLUMN placement TEXT NOT NULL DEFAULT 'default';
ALTER TABLE simili.feedback_rollup
    ADD COLUMN placement TEXT NOT NULL DEFAULT 'default',
    DROP CONSTRAINT feedback_rollup_pkey,
    ADD PRIMARY KEY (catalog_id, day, anchor_id, item_id, position, model_id, placement);
ALTER TABLE simili.feedback_click_through
    ADD COLUMN placement TEXT NOT NULL DEFAULT 'default',
    DROP CONSTRAINT feedback_click_through_pkey,
    ADD PRIMARY KEY (catalog_id, day, model_id, placement, position);
