-- Products that nobody has taken since they changed come first (src/db/vector-queue.ts): they are found however many others wait for an encoder.
CREATE INDEX vector_queue_fresh_idx ON simili.vector_queue (catalog_id, due_at) WHERE tries = 0;
