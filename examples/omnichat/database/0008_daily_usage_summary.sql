-- One row a user and day, so that a chart need not read every call.

CREATE TABLE IF NOT EXISTS daily_usage_summary (
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  day text NOT NULL,
  calls integer NOT NULL DEFAULT 0,
  battery_used integer NOT NULL DEFAULT 0,
  models text NOT NULL DEFAULT '{}' CHECK (json_valid(models)),
  PRIMARY KEY (user_id, day)
) WITHOUT ROWID;

INSERT OR IGNORE INTO daily_usage_summary (user_id, day, calls, battery_used)
SELECT user_id, date(created_at, 'unixepoch'), count(*), sum(battery_used) FROM api_usage GROUP BY 1, 2;

-- Rollback:
-- DROP TABLE daily_usage_summary;
