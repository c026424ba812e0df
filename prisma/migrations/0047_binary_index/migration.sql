-- How a version's pictures are indexed (ADR 39): by the signs of their vectors, of whose nearest so many are ranked anew by the vectors themselves.
-- Null: by the vectors.
ALTER TABLE simili.model_version ADD COLUMN binary_candidates INTEGER CHECK (binary_candidates > 0);
