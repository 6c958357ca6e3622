CREATE TABLE IF NOT EXISTS messages (
  id text PRIMARY KEY,
  conversation_id text NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
  content text NOT NULL,
  model text,
  tokens integer NOT NULL DEFAULT 0,
  created_at integer NOT NULL DEFAULT (unixepoch())
);

CREATE INDEX IF NOT EXISTS idx_messages_conversation_id ON messages (conversation_id, created_at);

CREATE TRIGGER IF NOT EXISTS messages_touch_conversation AFTER INSERT ON messages
BEGIN
  UPDATE conversations SET updated_at = unixepoch() WHERE id = new.conversation_id;
END;

-- Rollback:
-- DROP TRIGGER messages_touch_conversation;
-- DROP TABLE messages;
