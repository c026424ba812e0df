-- A version may rank by vectors of other encoders too, each in a space of its own.
ALTER TABLE simili.model_version ADD COLUMN spaces JSONB NOT NULL DEFAULT '[]';
