-- 006_add_billing_fields: what the payment provider calls our customers, and the events it sends
-- Created: 2026-11-14
-- Author: the migration-manager authors

ALTER TABLE user_plans
  ADD COLUMN IF NOT EXISTS customer_id text,
  ADD COLUMN IF NOT EXISTS subscription_id text,
  ADD COLUMN IF NOT EXISTS billing_status text
    CHECK (billing_status IN ('trialing', 'active', 'past_due', 'cancelled')),
  ADD COLUMN IF NOT EXISTS current_period_end timestamptz,
  ADD COLUMN IF NOT EXISTS cancel_at_period_end boolean NOT NULL DEFAULT false;

CREATE UNIQUE INDEX IF NOT EXISTS user_plans_subscription_id_key
  ON user_plans (subscription_id) WHERE subscription_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS user_plans_customer_id_idx ON user_plans (customer_id) WHERE customer_id IS NOT NULL;

-- Providers deliver an event more than once: UNIQUE tells the first delivery from the others.
CREATE TABLE IF NOT EXISTS webhook_events (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider     text NOT NULL CHECK (provider <> ''),
  event_id     text NOT NULL CHECK (event_id <> ''),
  event_type   text NOT NULL,
  user_id      uuid REFERENCES users (id) ON DELETE CASCADE,
  payload      jsonb NOT NULL,
  attempts     smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  last_error   text,
  received_at  timestamptz NOT NULL DEFAULT now(),
  processed_at timestamptz,
  UNIQUE (provider, event_id)
);

CREATE INDEX IF NOT EXISTS webhook_events_user_id_idx ON webhook_events (user_id);
CREATE INDEX IF NOT EXISTS webhook_events_unprocessed_idx ON webhook_events (received_at) WHERE processed_at IS NULL;

-- verify: SELECT to_regclass('public.webhook_events') IS NOT NULL AND to_regclass('public.user_plans_subscription_id_key') IS NOT NULL

-- Rollback:
-- DROP TABLE IF EXISTS webhook_events;
-- DROP INDEX IF EXISTS user_plans_customer_id_idx;
-- DROP INDEX IF EXISTS user_plans_subscription_id_key;
-- ALTER TABLE user_plans
--   DROP COLUMN IF EXISTS cancel_at_period_end,
--   DROP COLUMN IF EXISTS current_period_end,
--   DROP COLUMN IF EXISTS billing_status,
--   DROP COLUMN IF EXISTS subscription_id,
--   DROP COLUMN IF EXISTS customer_id;
