-- 001_microsaas_auth: accounts with password sign-in, one-time tokens, subscriptions and credit
-- Created: 2026-11-01
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
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email          text NOT NULL CHECK (email LIKE '_%@_%' AND length(email) <= 254),
  email_verified boolean NOT NULL DEFAULT false,
  password_hash  text NOT NULL,
  name           text CHECK (length(name) <= 100),
  is_active      boolean NOT NULL DEFAULT true,
  last_login_at  timestamptz,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX IF NOT EXISTS users_email_key ON users (lower(email));

CREATE OR REPLACE TRIGGER users_set_updated_at
  BEFORE UPDATE ON users
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- Only hashes are kept: who reads this table can sign in as nobody.
CREATE TABLE IF NOT EXISTS auth_tokens (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind       text NOT NULL CHECK (kind IN ('otp', 'refresh', 'password_reset')),
  token_hash text NOT NULL,
  attempts   smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  CONSTRAINT auth_tokens_expire_later CHECK (expires_at > created_at)
);

-- Six digits are looked up by user, and two users may have the same ones; the long tokens are looked up by themselves.
CREATE UNIQUE INDEX IF NOT EXISTS auth_tokens_token_hash_key ON auth_tokens (token_hash) WHERE kind <> 'otp';
CREATE INDEX IF NOT EXISTS auth_tokens_user_id_kind_idx ON auth_tokens (user_id, kind);
CREATE INDEX IF NOT EXISTS auth_tokens_expires_at_idx ON auth_tokens (expires_at);

CREATE TABLE IF NOT EXISTS user_subscriptions (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  plan         text NOT NULL CHECK (plan IN ('free', 'pro')),
  status       text NOT NULL DEFAULT 'active'
    CHECK (status IN ('trialing', 'active', 'past_due', 'cancelled', 'expired')),
  started_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz,
  cancelled_at timestamptz,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT user_subscriptions_expire_later CHECK (expires_at > started_at)
);

CREATE INDEX IF NOT EXISTS user_subscriptions_user_id_idx ON user_subscriptions (user_id);
CREATE UNIQUE INDEX IF NOT EXISTS user_subscriptions_one_current_key
  ON user_subscriptions (user_id) WHERE status IN ('trialing', 'active', 'past_due');

CREATE OR REPLACE TRIGGER user_subscriptions_set_updated_at
  BEFORE UPDATE ON user_subscriptions
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE IF NOT EXISTS subscription_transactions (
  id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id            uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  subscription_id    uuid NOT NULL REFERENCES user_subscriptions (id) ON DELETE CASCADE,
  kind               text NOT NULL CHECK (kind IN ('charge', 'refund')),
  status             text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'failed')),
  amount_cents       integer NOT NULL CHECK (amount_cents > 0),
  currency           text NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
  provider_reference text UNIQUE,
  created_at         timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS subscription_transactions_user_id_idx
  ON subscription_transactions (user_id, created_at DESC);
CREATE INDEX IF NOT EXISTS subscription_transactions_subscription_id_idx
  ON subscription_transactions (subscription_id);

-- One balance a user.
CREATE TABLE IF NOT EXISTS account_credits (
  user_id       uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  balance_cents integer NOT NULL DEFAULT 0 CHECK (balance_cents >= 0),
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);

CREATE OR REPLACE TRIGGER account_credits_set_updated_at
  BEFORE UPDATE ON account_credits
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- verify: SELECT format_type(atttypid, NULL) = 'uuid' FROM pg_attribute WHERE attrelid = to_regclass('public.users') AND attname = 'id'
-- verify: SELECT to_regclass('public.auth_tokens') IS NOT NULL AND to_regclass('public.account_credits') IS NOT NULL

-- Rollback:
-- DROP TABLE IF EXISTS account_credits;
-- DROP TABLE IF EXISTS subscription_transactions;
-- DROP TABLE IF EXISTS user_subscriptions;
-- DROP TABLE IF EXISTS auth_tokens;
-- DROP TABLE IF EXISTS users;
-- DROP FUNCTION IF EXISTS set_updated_at();
