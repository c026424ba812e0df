-- Pictures that wait, in the order in which they are taken (src/db/images.ts): each claim of some read and sorted all of them.
CREATE INDEX product_image_waiting_idx ON simili.product_image (catalog_id, position, id) WHERE state = 'PENDING';
