CREATE TABLE IF NOT EXISTS audit_logs (
  id integer PRIMARY KEY AUTOINCREMENT,
  user_id text REFERENCES users (id) ON DELETE SET NULL,
  action text NOT NULL,
  resource text,
  detail text NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
  ip_hash text,
  created_at integer NOT NULL DEFAULT (unixepoch())
);

CREATE INDEX IF NOT EXISTS idx_audit_logs_user_id ON audit_logs (user_id);
CREATE INDEX IF NOT EXISTS idx_audit_logs_created_at ON audit_logs (created_at);

-- Rollback:
-- DROP TABLE audit_logs;
