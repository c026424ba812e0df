-- What was written waits in a list of up to 4 MB until a vacuum puts it into the index, and every filter reads all of the list: 5 ms a page behind an import (ADR 11).
ALTER INDEX simili.product_categories_idx SET (fastupdate = off);
ALTER INDEX simili.product_tags_idx SET (fastupdate = off);
SELECT gin_clean_pending_list('simili.product_categories_idx'), gin_clean_pending_list('simili.product_tags_idx');
