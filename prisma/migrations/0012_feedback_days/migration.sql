-- Feedback by days (ADR 15, src/db/feedback-days.ts): what trainings read. Built again from the events where it is out of date.
CREATE TABLE simili.feedback_day (
    catalog_id TEXT NOT NULL,
    day        DATE NOT NULL,
    stale      BOOLEAN NOT NULL,
    forgotten  BOOLEAN NOT NULL DEFAULT false,
    PRIMARY KEY (catalog_id, day)
);
CREATE TABLE simili.feedback_rollup (
    catalog_id  TEXT NOT NULL,
    day         DATE NOT NULL,
    anchor_id   TEXT NOT NULL,
    item_id     TEXT NOT NULL,
    position    INTEGER NOT NULL,
    model_id    TEXT NOT NULL,
    impressions DECIMAL NOT NULL,
    chosen      DECIMAL NOT NULL,
    clicks      DECIMAL NOT NULL,
    carts       DECIMAL NOT NULL,
    purchases   DECIMAL NOT NULL,
    dismisses   DECIMAL NOT NULL,
    PRIMARY KEY (catalog_id, day, anchor_id, item_id, position, model_id)
);
CREATE TABLE simili.feedback_spent (
    catalog_id TEXT NOT NULL,
    visitor_id TEXT NOT NULL,
    anchor_id  TEXT NOT NULL,
    day        DATE NOT NULL,
    value      DECIMAL NOT NULL,
    seen       DECIMAL NOT NULL,
    PRIMARY KEY (catalog_id, visitor_id, anchor_id, day)
);
CREATE INDEX feedback_spent_catalog_id_day_idx ON simili.feedback_spent (catalog_id, day);
