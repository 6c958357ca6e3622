-- What can be bought. Prices in cents; a battery is a number of units that answers use up.

CREATE TABLE IF NOT EXISTS subscription_plans (
  id text PRIMARY KEY,
  name text NOT NULL,
  price_cents integer NOT NULL CHECK (price_cents >= 0),
  daily_battery integer NOT NULL CHECK (daily_battery > 0),
  stripe_price_id text UNIQUE,
  is_active integer NOT NULL DEFAULT 1
);

INSERT OR IGNORE INTO subscription_plans (id, name, price_cents, daily_battery) VALUES
  ('starter', 'Starter', 499, 200),
  ('daily', 'Daily', 1299, 600),
  ('power', 'Power', 2999, 1500),
  ('ultimate', 'Ultimate', 7999, 5000);

-- verify: SELECT count(*) = 4 FROM subscription_plans WHERE id IN ('starter', 'daily', 'power', 'ultimate')

-- Rollback:
-- DROP TABLE subscription_plans;
