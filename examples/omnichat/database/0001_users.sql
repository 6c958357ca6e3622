-- Users, as Clerk knows them, and what Stripe knows of them.

CREATE TABLE IF NOT EXISTS users (
  id text PRIMARY KEY,
  clerk_id text NOT NULL UNIQUE,
  email text NOT NULL,
  stripe_customer_id text UNIQUE,
  subscription_status text NOT NULL DEFAULT 'none'
    CHECK (subscription_status IN ('none', 'trialing', 'active', 'past_due', 'canceled')),
  tier text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'paid')),
  created_at integer NOT NULL DEFAULT (unixepoch()),
  updated_at integer NOT NULL DEFAULT (unixepoch())
);

CREATE INDEX IF NOT EXISTS idx_users_email ON users (email);

-- Rollback:
-- DROP TABLE users;
