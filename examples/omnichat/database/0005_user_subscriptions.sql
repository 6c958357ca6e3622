-- Who has bought what. users.tier follows the subscription's status.

CREATE TABLE IF NOT EXISTS user_subscriptions (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  plan_id text NOT NULL REFERENCES subscription_plans (id),
  stripe_subscription_id text UNIQUE,
  status text NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'canceled')),
  current_period_start integer NOT NULL,
  current_period_end integer NOT NULL,
  created_at integer NOT NULL DEFAULT (unixepoch())
);

CREATE INDEX IF NOT EXISTS idx_user_subscriptions_user_id ON user_subscriptions (user_id);
CREATE INDEX IF NOT EXISTS idx_user_subscriptions_plan_id ON user_subscriptions (plan_id);

CREATE TRIGGER IF NOT EXISTS user_subscriptions_set_tier_on_insert AFTER INSERT ON user_subscriptions
BEGIN
  UPDATE users
     SET subscription_status = new.status,
         tier = CASE WHEN new.status IN ('active', 'trialing') THEN 'paid' ELSE 'free' END,
         updated_at = unixepoch()
   WHERE id = new.user_id;
END;

CREATE TRIGGER IF NOT EXISTS user_subscriptions_set_tier_on_update AFTER UPDATE OF status ON user_subscriptions
BEGIN
  UPDATE users
     SET subscription_status = new.status,
         tier = CASE WHEN new.status IN ('active', 'trialing') THEN 'paid' ELSE 'free' END,
         updated_at = unixepoch()
   WHERE id = new.user_id;
END;

-- verify: SELECT NOT EXISTS (SELECT 1 FROM users u JOIN user_subscriptions s ON s.user_id = u.id WHERE s.status = 'active' AND u.tier <> 'paid')

-- Rollback:
-- DROP TRIGGER user_subscriptions_set_tier_on_update;
-- DROP TRIGGER user_subscriptions_set_tier_on_insert;
-- DROP TABLE user_subscriptions;
