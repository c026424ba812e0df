-- Lists under a shopper's own filters weigh less: such a filter can put any product on top.
ALTER TABLE simili.feedback_event ADD COLUMN filtered BOOLEAN NOT NULL DEFAULT false;

-- Who has reported about a list that was handed out, so that one list is not shown to a crowd. Kept while the list is valid.
CREATE TABLE simili.shown_list (
    list_id    UUID PRIMARY KEY,
    visitors   BIGINT[] NOT NULL,
    expires_at TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX shown_list_expires_at_idx ON simili.shown_list (expires_at);
