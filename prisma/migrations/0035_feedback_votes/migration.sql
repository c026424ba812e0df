-- Votes that a visitor has spent, beside what they are worth (ADR 37). An action was worth one and more when those of the days before were written.
ALTER TABLE simili.feedback_spent ADD COLUMN votes DECIMAL;
UPDATE simili.feedback_spent SET votes = value;
ALTER TABLE simili.feedback_spent ALTER COLUMN votes SET NOT NULL;
