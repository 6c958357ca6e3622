-- How much a user has left, and each change of it.

CREATE TABLE IF NOT EXISTS user_battery (
  user_id text PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  total_balance integer NOT NULL DEFAULT 0 CHECK (total_balance >= 0),
  daily_allowance integer NOT NULL DEFAULT 0,
  last_daily_reset text,
  updated_at integer NOT NULL DEFAULT (unixepoch())
);

CREATE TABLE IF NOT EXISTS battery_transactions (
  id integer PRIMARY KEY AUTOINCREMENT,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  type text NOT NULL CHECK (type IN ('purchase', 'daily', 'bonus', 'usage', 'refund')),
  amount integer NOT NULL,
  balance_after integer NOT NULL,
  description text,
  created_at integer NOT NULL DEFAULT (unixepoch())
);

CREATE INDEX IF NOT EXISTS idx_battery_transactions_user_id ON battery_transactions (user_id, created_at);

-- Rollback:
-- DROP TABLE battery_transactions;
-- DROP TABLE user_battery;
