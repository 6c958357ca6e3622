-- 001-initial-setup: accounts and their sessions
-- Created: 2026-11-02
-- Author: the migration-manager authors

-- Every table with an updated_at column hangs this on BEFORE UPDATE.
CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END;
$$;

CREATE TABLE IF NOT EXISTS users (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email             text NOT NULL CHECK (email LIKE '_%@_%' AND length(email) <= 254),
  email_verified_at timestamptz,
  -- Empty for people who only ever sign in through GitHub or Google.
  password_hash     text,
  auth_provider     text NOT NULL DEFAULT 'password' CHECK (auth_provider IN ('password', 'github', 'google')),
  display_name      text CHECK (length(display_name) <= 100),
  avatar_url        text,
  locale            text NOT NULL DEFAULT 'en',
  last_sign_in_at   timestamptz,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_password_needs_hash CHECK (auth_provider <> 'password' OR password_hash IS NOT NULL)
);

-- One account for an address, however it is capitalised.
CREATE UNIQUE INDEX IF NOT EXISTS users_email_key ON users (lower(email));

CREATE OR REPLACE TRIGGER users_set_updated_at
  BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- A JSON web token is valid while its session is here, not revoked and not expired. Only its SHA-256 is kept.
CREATE TABLE IF NOT EXISTS user_sessions (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  token_hash   text NOT NULL UNIQUE,
  user_agent   text,
  ip_address   inet,
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  revoked_at   timestamptz,
  CONSTRAINT user_sessions_expire_later CHECK (expires_at > created_at)
);

CREATE INDEX IF NOT EXISTS user_sessions_user_id_idx ON user_sessions (user_id);
CREATE INDEX IF NOT EXISTS user_sessions_expires_at_idx ON user_sessions (expires_at);

-- Supabase serves the schema public through its API. Row level security without a policy shuts anon and authenticated
-- out; the owner and the service role, which the application uses, are not affected.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_sessions ENABLE ROW LEVEL SECURITY;

-- verify: SELECT count(*) = 2 FROM pg_class WHERE oid IN (to_regclass('public.users'), to_regclass('public.user_sessions')) AND relrowsecurity
-- verify: SELECT to_regclass('public.users_email_key') IS NOT NULL

-- Rollback:
-- DROP TABLE IF EXISTS user_sessions;
-- DROP TABLE IF EXISTS users;
-- DROP FUNCTION IF EXISTS set_updated_at();
