-- Lists whose exact ranking took too long (src/db/recall-audits.ts): they are in no figure, which is said beside it.
ALTER TABLE simili.recall_audit ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
