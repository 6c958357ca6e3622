-- What each answer cost.

CREATE TABLE IF NOT EXISTS api_usage (
  id integer PRIMARY KEY AUTOINCREMENT,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  conversation_id text REFERENCES conversations (id) ON DELETE SET NULL,
  model text NOT NULL,
  input_tokens integer NOT NULL DEFAULT 0,
  output_tokens integer NOT NULL DEFAULT 0,
  battery_used integer NOT NULL DEFAULT 0,
  created_at integer NOT NULL DEFAULT (unixepoch())
);

CREATE INDEX IF NOT EXISTS idx_api_usage_user_id ON api_usage (user_id, created_at);
CREATE INDEX IF NOT EXISTS idx_api_usage_conversation_id ON api_usage (conversation_id);

-- Rollback:
-- DROP TABLE api_usage;
