-- Keys with which an assistant reaches one connection. Only a hash and the first characters are kept.

CREATE TABLE IF NOT EXISTS api_keys (
  id text PRIMARY KEY,
  connection_id text NOT NULL REFERENCES wordpress_connections (id) ON DELETE CASCADE,
  key_hash text NOT NULL UNIQUE,
  key_prefix text NOT NULL,
  created_at text NOT NULL DEFAULT (datetime('now')),
  last_used_at text
);

CREATE INDEX IF NOT EXISTS api_keys_connection_id ON api_keys (connection_id);

-- Rollback:
-- DROP TABLE api_keys;
