-- How submitFeedback answered, by day (src/db/feedback-health.ts): accepted, duplicates, withoutConsent, and codes of rejections.
CREATE TABLE simili.feedback_count (
    catalog_id TEXT NOT NULL,
    day        DATE NOT NULL,
    name       TEXT NOT NULL,
    count      BIGINT NOT NULL,
    PRIMARY KEY (catalog_id, day, name)
);
-- Lists that were reported about on a day, and those of them with an impression. Null: the day was rolled up before this was kept.
ALTER TABLE simili.feedback_day ADD COLUMN lists INTEGER, ADD COLUMN lists_seen INTEGER;
UPDATE simili.feedback_day SET stale = true WHERE NOT forgotten;
