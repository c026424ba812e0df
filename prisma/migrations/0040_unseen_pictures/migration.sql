-- Pictures that an encoder gives no numbers for: they are not shown to it again, and what shows nothing else waits for no vector of it. As simili.picture_feature of no catalog.
CREATE TABLE simili.unseen_picture (
    encoder      TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    PRIMARY KEY (encoder, content_hash)
);
CREATE INDEX unseen_picture_content_hash_idx ON simili.unseen_picture (content_hash);
