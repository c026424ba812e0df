-- Click-through by day, version and place (src/db/click-through.ts): counts of what visitors saw and chose, and their squares for intervals.
CREATE TABLE simili.feedback_click_through (
    catalog_id     TEXT NOT NULL,
    day            DATE NOT NULL,
    model_id       TEXT NOT NULL,
    -- 0: all places together that enough visitors saw.
    position       INTEGER NOT NULL,
    visitors       INTEGER NOT NULL,
    impressions    BIGINT NOT NULL,
    choices        BIGINT NOT NULL,
    impressions_sq BIGINT NOT NULL,
    products       BIGINT NOT NULL,
    choices_sq     BIGINT NOT NULL,
    PRIMARY KEY (catalog_id, day, model_id, position)
);
-- It is made with the other sums of a day, so days whose events are still there are built once more.
UPDATE simili.feedback_day SET stale = true WHERE NOT forgotten;
