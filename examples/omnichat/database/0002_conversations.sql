CREATE TABLE IF NOT EXISTS conversations (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  title text NOT NULL DEFAULT 'New chat',
  model text,
  is_archived integer NOT NULL DEFAULT 0,
  created_at integer NOT NULL DEFAULT (unixepoch()),
  updated_at integer NOT NULL DEFAULT (unixepoch())
);

CREATE INDEX IF NOT EXISTS idx_conversations_user_id ON conversations (user_id, updated_at);

-- Rollback:
-- DROP TABLE conversations;
