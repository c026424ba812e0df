-- Each claim of a picture has a number, and says what came of it only while it is the newest. Who sends a product again while its picture is
-- being read wants it read once more: that read may have begun before the picture was replaced.
ALTER TABLE simili.product_image
    ADD COLUMN reading INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN wished BOOLEAN NOT NULL DEFAULT false;
