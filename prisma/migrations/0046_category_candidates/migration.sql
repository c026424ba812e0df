-- How far a search by the index of a large category looks, as it was measured when the index was built (ADR 48, src/db/indexes/category-candidates.ts):
-- candidates, or 0 where all its products are ranked. Null: it was not measured.
ALTER TABLE simili.category_index ADD COLUMN candidates INTEGER;
