-- What people answered, asked which of two products looks more like a third.
CREATE TABLE simili.rating (
    anchor_id   TEXT NOT NULL,
    positive_id TEXT NOT NULL,
    negative_id TEXT NOT NULL,
    received_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (anchor_id, positive_id, negative_id)
);
CREATE INDEX rating_received_at_idx ON simili.rating (received_at);
