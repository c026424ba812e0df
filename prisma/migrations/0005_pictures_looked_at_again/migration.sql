-- A picture is looked at again: a failed one when its host may answer, a ready one in case it was replaced.
ALTER TABLE simili.product_image
    ADD COLUMN etag          TEXT,
    ADD COLUMN last_modified TEXT,
    ADD COLUMN checked_at    TIMESTAMPTZ(3),
    ADD COLUMN retry_at      TIMESTAMPTZ(3);
UPDATE simili.product_image SET checked_at = updated_at WHERE state = 'READY';
CREATE INDEX product_image_retry_at_idx ON simili.product_image (retry_at);
CREATE INDEX product_image_state_checked_at_idx ON simili.product_image (state, checked_at);
CREATE INDEX product_image_content_hash_idx ON simili.product_image (content_hash);

-- Ids are kept in one spelling (NFC); where both spellings are there, both stay as they are.
DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN RETURN; END IF;
    UPDATE simili.product p SET id = normalize(p.id)
    WHERE p.id <> normalize(p.id)
      AND NOT EXISTS (SELECT FROM simili.product other WHERE other.id <> p.id AND normalize(other.id) = normalize(p.id));
    UPDATE simili.feedback_event
    SET anchor_id = normalize(anchor_id),
        item_ids = ARRAY(SELECT normalize(u.item) FROM unnest(item_ids) WITH ORDINALITY AS u (item, place) ORDER BY u.place)
    WHERE anchor_id <> normalize(anchor_id) OR array_to_string(item_ids, ' ') <> normalize(array_to_string(item_ids, ' '));
END $$;
