-- Users, the WordPress sites that they connect, and the OAuth handshakes under way.

CREATE TABLE IF NOT EXISTS users (
  id text PRIMARY KEY,
  email text NOT NULL UNIQUE COLLATE NOCASE,
  password_hash text,
  display_name text,
  is_admin integer NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
  created_at text NOT NULL DEFAULT (datetime('now')),
  updated_at text NOT NULL DEFAULT (datetime('now'))
);

CREATE TABLE IF NOT EXISTS wordpress_connections (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name text NOT NULL,
  wordpress_url text NOT NULL,
  username text NOT NULL,
  app_password_encrypted text NOT NULL,
  created_at text NOT NULL DEFAULT (datetime('now'))
);

CREATE INDEX IF NOT EXISTS wordpress_connections_user_id ON wordpress_connections (user_id);

CREATE TABLE IF NOT EXISTS oauth_states (
  state text PRIMARY KEY,
  user_id text REFERENCES users (id) ON DELETE CASCADE,
  provider text NOT NULL,
  redirect_to text,
  created_at text NOT NULL DEFAULT (datetime('now')),
  expires_at text NOT NULL
);

CREATE INDEX IF NOT EXISTS oauth_states_user_id ON oauth_states (user_id);
CREATE INDEX IF NOT EXISTS oauth_states_expires_at ON oauth_states (expires_at);

CREATE TRIGGER IF NOT EXISTS users_updated_at AFTER UPDATE OF email, password_hash, display_name, is_admin ON users
BEGIN
  UPDATE users SET updated_at = datetime('now') WHERE id = new.id;
END;

-- verify: SELECT count(*) = 3 FROM sqlite_master WHERE type = 'table' AND name IN ('users', 'wordpress_connections', 'oauth_states')

-- Rollback:
-- DROP TRIGGER users_updated_at;
-- DROP TABLE oauth_states;
-- DROP TABLE wordpress_connections;
-- DROP TABLE users;
