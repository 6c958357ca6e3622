-- Plans, who has which, and what administrators did.

CREATE TABLE IF NOT EXISTS plans (
  id text PRIMARY KEY,
  name text NOT NULL,
  price_cents integer NOT NULL CHECK (price_cents >= 0),
  calls_per_month integer,
  created_at text NOT NULL DEFAULT (datetime('now'))
);

INSERT OR IGNORE INTO plans (id, name, price_cents, calls_per_month) VALUES
  ('free', 'Free', 0, 100),
  ('pro', 'Pro', 1900, 10000),
  ('agency', 'Agency', 7900, NULL);

ALTER TABLE users ADD COLUMN plan_id text NOT NULL DEFAULT 'free';
ALTER TABLE users ADD COLUMN stripe_customer_id text;

CREATE INDEX IF NOT EXISTS users_plan_id ON users (plan_id);
CREATE UNIQUE INDEX IF NOT EXISTS users_stripe_customer_id ON users (stripe_customer_id) WHERE stripe_customer_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS admin_logs (
  id integer PRIMARY KEY AUTOINCREMENT,
  admin_id text REFERENCES users (id) ON DELETE SET NULL,
  action text NOT NULL,
  target text,
  detail text NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
  created_at text NOT NULL DEFAULT (datetime('now'))
);

CREATE INDEX IF NOT EXISTS admin_logs_admin_id ON admin_logs (admin_id);

-- verify: SELECT count(*) >= 3 FROM plans

-- Rollback:
-- DROP TABLE admin_logs;
-- DROP INDEX users_stripe_customer_id;
-- DROP INDEX users_plan_id;
-- ALTER TABLE users DROP COLUMN stripe_customer_id;
-- ALTER TABLE users DROP COLUMN plan_id;
-- DROP TABLE plans;
