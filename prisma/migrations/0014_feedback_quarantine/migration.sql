-- Feedback that nothing is derived from (src/db/quarantines.ts). The events stay; a slice that is released counts again.
CREATE TABLE simili.feedback_quarantine (
    catalog_id  TEXT NOT NULL,
    id          UUID NOT NULL,
    visitor_id  TEXT,
    anchor_id   TEXT,
    item_id     TEXT,
    since       TIMESTAMPTZ(3),
    until       TIMESTAMPTZ(3),
    reason      TEXT NOT NULL,
    rule        TEXT,
    events      INTEGER NOT NULL,
    created_at  TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    released_at TIMESTAMPTZ(3),
    PRIMARY KEY (catalog_id, id),
    CHECK (num_nonnulls(visitor_id, anchor_id, item_id, since, until) > 0),
    CHECK (since < until)
);
CREATE INDEX feedback_quarantine_catalog_id_created_at_idx ON simili.feedback_quarantine (catalog_id, created_at);
CREATE INDEX feedback_quarantine_catalog_id_visitor_id_idx ON simili.feedback_quarantine (catalog_id, visitor_id);
-- One slice is in quarantine once.
CREATE UNIQUE INDEX feedback_quarantine_slice_idx ON simili.feedback_quarantine
    (catalog_id, coalesce(visitor_id, ''), coalesce(anchor_id, ''), coalesce(item_id, ''),
     coalesce(since, '-infinity'), coalesce(until, 'infinity'))
    WHERE released_at IS NULL;
-- Which list an event is about, and when it was made: who acts at once, or again and again about one list, is no shopper. Null: of before.
ALTER TABLE simili.feedback_event ADD COLUMN list_id UUID, ADD COLUMN listed_at TIMESTAMPTZ(3);
