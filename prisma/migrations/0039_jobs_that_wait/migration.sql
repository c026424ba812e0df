-- A job whose failure passes with time (a host of pictures that wants to be left alone) waits for its next try: nobody claims it before.
ALTER TABLE simili.job ADD COLUMN due_at TIMESTAMPTZ(6);
