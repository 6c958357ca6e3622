-- 003-api-usage-tracking: calls, monthly summaries, plans and their limits
-- Created: 2026-11-09
-- Author: the migration-manager authors

CREATE TABLE IF NOT EXISTS subscription_limits (
  plan                text PRIMARY KEY,
  monthly_calls       integer NOT NULL CHECK (monthly_calls >= 0),
  requests_per_minute integer NOT NULL CHECK (requests_per_minute > 0),
  stored_tokens       integer NOT NULL CHECK (stored_tokens >= 0),
  features            jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(features) = 'object'),
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now()
);

-- DO NOTHING: a limit that was changed by hand since then stays as it is.
INSERT INTO subscription_limits (plan, monthly_calls, requests_per_minute, stored_tokens, features)
VALUES
  ('free', 1000, 10, 2, '{"analytics": false, "support": "community"}'),
  ('pro', 50000, 120, 4, '{"analytics": true, "support": "email"}'),
  ('team', 250000, 600, 4, '{"analytics": true, "support": "priority", "sharedTokens": true}')
ON CONFLICT (plan) DO NOTHING;

-- A user without a row here is on the plan free.
CREATE TABLE IF NOT EXISTS user_subscriptions (
  user_id            uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  plan               text NOT NULL REFERENCES subscription_limits (plan) ON UPDATE CASCADE,
  current_period_end timestamptz,
  created_at         timestamptz NOT NULL DEFAULT now(),
  updated_at         timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS user_subscriptions_plan_idx ON user_subscriptions (plan);

CREATE TABLE IF NOT EXISTS api_usage (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id          uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  provider         text NOT NULL CHECK (provider IN ('github', 'openai', 'anthropic', 'gemini')),
  endpoint         text NOT NULL,
  method           text NOT NULL DEFAULT 'POST' CHECK (method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
  status_code      smallint NOT NULL CHECK (status_code BETWEEN 100 AND 599),
  response_time_ms integer NOT NULL CHECK (response_time_ms >= 0),
  request_bytes    integer NOT NULL DEFAULT 0 CHECK (request_bytes >= 0),
  response_bytes   integer NOT NULL DEFAULT 0 CHECK (response_bytes >= 0),
  created_at       timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS api_usage_user_id_created_at_idx ON api_usage (user_id, created_at DESC);
CREATE INDEX IF NOT EXISTS api_usage_created_at_idx ON api_usage (created_at);

-- Old calls are deleted after a while; what a month came to is kept here. Months are those of UTC.
CREATE TABLE IF NOT EXISTS api_usage_monthly (
  user_id          uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  month            date NOT NULL CHECK (extract(day FROM month) = 1),
  calls            bigint NOT NULL DEFAULT 0 CHECK (calls >= 0),
  errors           bigint NOT NULL DEFAULT 0 CHECK (errors >= 0),
  response_time_ms bigint NOT NULL DEFAULT 0 CHECK (response_time_ms >= 0),
  request_bytes    bigint NOT NULL DEFAULT 0 CHECK (request_bytes >= 0),
  response_bytes   bigint NOT NULL DEFAULT 0 CHECK (response_bytes >= 0),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, month)
);

CREATE INDEX IF NOT EXISTS api_usage_monthly_month_idx ON api_usage_monthly (month);

CREATE OR REPLACE FUNCTION add_to_monthly_usage() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  INSERT INTO public.api_usage_monthly AS total
    (user_id, month, calls, errors, response_time_ms, request_bytes, response_bytes)
  VALUES (
    NEW.user_id,
    date_trunc('month', NEW.created_at AT TIME ZONE 'UTC')::date,
    1,
    (NEW.status_code >= 400)::integer,
    NEW.response_time_ms,
    NEW.request_bytes,
    NEW.response_bytes
  )
  ON CONFLICT (user_id, month) DO UPDATE SET
    calls = total.calls + excluded.calls,
    errors = total.errors + excluded.errors,
    response_time_ms = total.response_time_ms + excluded.response_time_ms,
    request_bytes = total.request_bytes + excluded.request_bytes,
    response_bytes = total.response_bytes + excluded.response_bytes,
    updated_at = now();
  RETURN NULL;
END;
$$;

CREATE OR REPLACE TRIGGER api_usage_add_to_monthly_usage
  AFTER INSERT ON api_usage
  FOR EACH ROW EXECUTE FUNCTION add_to_monthly_usage();

CREATE OR REPLACE TRIGGER subscription_limits_set_updated_at
  BEFORE UPDATE ON subscription_limits
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE OR REPLACE TRIGGER user_subscriptions_set_updated_at
  BEFORE UPDATE ON user_subscriptions
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- Calls a month beyond the plan. Nothing earns them yet: 004-referral-system replaces this function.
CREATE OR REPLACE FUNCTION get_bonus_credits(user_id uuid) RETURNS integer
LANGUAGE sql STABLE
SET search_path = ''
AS $$ SELECT 0 $$;

-- This month's usage against the plan's limit plus the bonus: one row, or none for an unknown user.
CREATE OR REPLACE FUNCTION get_user_usage_stats(user_id uuid)
RETURNS TABLE (
  plan                text,
  month               date,
  calls               bigint,
  errors              bigint,
  average_response_ms numeric,
  request_bytes       bigint,
  response_bytes      bigint,
  monthly_limit       integer,
  bonus_credits       integer,
  total_limit         bigint,
  remaining           bigint,
  features            jsonb
)
LANGUAGE sql STABLE
SET search_path = ''
AS $$
  SELECT
    l.plan,
    now_utc.month,
    coalesce(m.calls, 0),
    coalesce(m.errors, 0),
    coalesce(round(m.response_time_ms::numeric / nullif(m.calls, 0), 1), 0),
    coalesce(m.request_bytes, 0),
    coalesce(m.response_bytes, 0),
    l.monthly_calls,
    bonus.credits,
    l.monthly_calls::bigint + bonus.credits,
    greatest(l.monthly_calls::bigint + bonus.credits - coalesce(m.calls, 0), 0),
    l.features
  FROM public.users AS u
  LEFT JOIN public.user_subscriptions AS s ON s.user_id = u.id
  JOIN public.subscription_limits AS l ON l.plan = coalesce(s.plan, 'free')
  CROSS JOIN (SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month) AS now_utc
  CROSS JOIN LATERAL (SELECT public.get_bonus_credits(u.id) AS credits) AS bonus
  LEFT JOIN public.api_usage_monthly AS m ON m.user_id = u.id AND m.month = now_utc.month
  WHERE u.id = get_user_usage_stats.user_id
$$;

ALTER TABLE subscription_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_usage_monthly ENABLE ROW LEVEL SECURITY;

-- verify: SELECT count(*) = 3 FROM public.subscription_limits WHERE plan IN ('free', 'pro', 'team')
-- verify: SELECT to_regprocedure('public.get_user_usage_stats(uuid)') IS NOT NULL

-- Rollback:
-- DROP FUNCTION IF EXISTS get_user_usage_stats(uuid);
-- DROP FUNCTION IF EXISTS get_bonus_credits(uuid);
-- DROP TABLE IF EXISTS api_usage_monthly;
-- DROP TABLE IF EXISTS api_usage;
-- DROP FUNCTION IF EXISTS add_to_monthly_usage();
-- DROP TABLE IF EXISTS user_subscriptions;
-- DROP TABLE IF EXISTS subscription_limits;
