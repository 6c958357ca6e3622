-- 002-token-encryption: API keys of other services, stored encrypted
-- Created: 2026-11-04
-- Author: the migration-manager authors

-- The application encrypts with AES-256-CBC; the database never sees a key in clear text, nor the key that opens it.
CREATE TABLE IF NOT EXISTS user_tokens (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  provider     text NOT NULL CHECK (provider IN ('github', 'openai', 'anthropic', 'gemini')),
  -- CBC pads to whole blocks of 16 bytes: any other length is a bug of the writer.
  ciphertext   bytea NOT NULL CHECK (octet_length(ciphertext) > 0 AND octet_length(ciphertext) % 16 = 0),
  iv           bytea NOT NULL CHECK (octet_length(iv) = 16),
  -- Names the encryption key, so that keys can be rotated row by row.
  key_id       text NOT NULL CHECK (key_id <> ''),
  last_used_at timestamptz,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  -- Its index also serves the foreign key.
  UNIQUE (user_id, provider)
);

CREATE INDEX IF NOT EXISTS user_tokens_key_id_idx ON user_tokens (key_id);

CREATE OR REPLACE TRIGGER user_tokens_set_updated_at
  BEFORE UPDATE ON user_tokens
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

ALTER TABLE user_tokens ENABLE ROW LEVEL SECURITY;

COMMENT ON COLUMN user_tokens.ciphertext IS 'AES-256-CBC, encrypted by the application';
COMMENT ON COLUMN user_tokens.iv IS 'Initialisation vector, new for every write';

-- verify: SELECT count(*) = 1 FROM pg_class WHERE oid = to_regclass('public.user_tokens') AND relrowsecurity

-- Rollback:
-- DROP TABLE IF EXISTS user_tokens;
