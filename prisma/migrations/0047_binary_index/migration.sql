-- How a version's pictures are indexed: by their vectors, or by the signs of these (ADR 39); and how many candidates find nearly all of the nearest, as it was
-- measured when the index was built (ADR 48). Null: it was not measured.
ALTER TABLE simili.model_version
  ADD COLUMN binary_index BOOLEAN NOT NULL DEFAULT FALSE,
  ADD COLUMN candidates INTEGER CHECK (candidates > 0);
