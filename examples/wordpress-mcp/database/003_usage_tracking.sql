-- Each call, and how many there were in a month. The month is counted up by a trigger.

CREATE TABLE IF NOT EXISTS usage_logs (
  id integer PRIMARY KEY AUTOINCREMENT,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  api_key_id text REFERENCES api_keys (id) ON DELETE SET NULL,
  tool text NOT NULL,
  status text NOT NULL CHECK (status IN ('ok', 'error')),
  duration_ms integer,
  created_at text NOT NULL DEFAULT (datetime('now'))
);

CREATE INDEX IF NOT EXISTS usage_logs_user_id_created_at ON usage_logs (user_id, created_at);
CREATE INDEX IF NOT EXISTS usage_logs_api_key_id ON usage_logs (api_key_id);

CREATE TABLE IF NOT EXISTS usage_monthly (
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  month text NOT NULL,
  calls integer NOT NULL DEFAULT 0,
  errors integer NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, month)
);

CREATE TRIGGER IF NOT EXISTS usage_logs_count AFTER INSERT ON usage_logs
BEGIN
  INSERT INTO usage_monthly (user_id, month, calls, errors)
  VALUES (new.user_id, strftime('%Y-%m', new.created_at), 1, CASE WHEN new.status = 'error' THEN 1 ELSE 0 END)
  ON CONFLICT (user_id, month) DO UPDATE
    SET calls = calls + 1,
        errors = errors + CASE WHEN new.status = 'error' THEN 1 ELSE 0 END;
END;

-- Rollback:
-- DROP TRIGGER usage_logs_count;
-- DROP TABLE usage_monthly;
-- DROP TABLE usage_logs;
