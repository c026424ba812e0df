-- Pictures that were sent as files (ADR 33, src/db/uploaded-pictures.ts), by the sha-256 of their bytes and of no catalog: a product names one as
-- `upload:<hash>`. One that no product names goes an hour after it was last sent.
CREATE TABLE simili.uploaded_picture (
    content_hash TEXT NOT NULL PRIMARY KEY,
    bytes        BYTEA NOT NULL,
    sent_at      TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
-- Pictures are compressed already.
ALTER TABLE simili.uploaded_picture ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX uploaded_picture_sent_at_idx ON simili.uploaded_picture (sent_at);
-- Who names them: none of a shop that sends none.
CREATE INDEX product_image_upload_idx ON simili.product_image (source) WHERE source LIKE 'upload:%';
