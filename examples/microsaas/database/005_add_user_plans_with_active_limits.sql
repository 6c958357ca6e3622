-- 005_add_user_plans_with_active_limits: how many instances a user may have active at once
-- Created: 2026-11-11
-- Author: the migration-manager authors

CREATE TABLE IF NOT EXISTS user_plans (
  id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id              uuid NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
  plan                 text NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'pro')),
  -- NULL: no limit.
  max_active_instances integer DEFAULT 1 CHECK (max_active_instances >= 0),
  features             jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(features) = 'object'),
  expires_at           timestamptz,
  created_at           timestamptz NOT NULL DEFAULT now(),
  updated_at           timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT user_plans_free_is_limited CHECK (plan <> 'free' OR max_active_instances IS NOT NULL)
);

CREATE INDEX IF NOT EXISTS user_plans_expires_at_idx ON user_plans (expires_at) WHERE expires_at IS NOT NULL;

CREATE OR REPLACE TRIGGER user_plans_set_updated_at
  BEFORE UPDATE ON user_plans
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE OR REPLACE FUNCTION create_free_plan() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  INSERT INTO public.user_plans (user_id) VALUES (NEW.id) ON CONFLICT (user_id) DO NOTHING;
  RETURN NULL;
END;
$$;

-- Before the accounts that exist get theirs: one that is made meanwhile gets a plan too.
CREATE OR REPLACE TRIGGER users_create_free_plan
  AFTER INSERT ON users
  FOR EACH ROW EXECUTE FUNCTION create_free_plan();

-- Who has more instances active than the free plan allows may keep them.
INSERT INTO user_plans (user_id, max_active_instances)
SELECT u.id, greatest(1, count(s.id))
FROM users AS u
LEFT JOIN mcp_service_table AS s ON s.user_id = u.id AND s.status = 'active'
GROUP BY u.id
ON CONFLICT (user_id) DO NOTHING;

CREATE OR REPLACE FUNCTION check_active_limit() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  allowed integer;
  active  bigint;
BEGIN
  -- The row lock makes requests of one user wait for each other: two cannot both take the last place.
  SELECT p.max_active_instances INTO allowed FROM public.user_plans AS p WHERE p.user_id = NEW.user_id FOR UPDATE;
  IF NOT FOUND THEN
    allowed := 1;
  END IF;

  SELECT count(*) INTO active FROM public.mcp_service_table AS s
  WHERE s.user_id = NEW.user_id AND s.status = 'active' AND s.id <> NEW.id;

  IF active >= allowed THEN
    RAISE EXCEPTION 'the plan of user % allows % active instances', NEW.user_id, allowed
      USING ERRCODE = 'check_violation', HINT = 'Deactivate an instance or change the plan.';
  END IF;
  RETURN NEW;
END;
$$;

-- Only when an instance becomes active or changes hands: an active one is written at every use.
CREATE OR REPLACE TRIGGER mcp_service_table_check_active_limit_on_insert
  BEFORE INSERT ON mcp_service_table
  FOR EACH ROW WHEN (NEW.status = 'active')
  EXECUTE FUNCTION check_active_limit();

CREATE OR REPLACE TRIGGER mcp_service_table_check_active_limit_on_update
  BEFORE UPDATE ON mcp_service_table
  FOR EACH ROW WHEN (NEW.status = 'active' AND (OLD.status <> 'active' OR OLD.user_id <> NEW.user_id))
  EXECUTE FUNCTION check_active_limit();

-- verify: SELECT NOT EXISTS (SELECT FROM public.users AS u WHERE NOT EXISTS (SELECT FROM public.user_plans AS p WHERE p.user_id = u.id))

-- Rollback:
-- DROP TRIGGER IF EXISTS mcp_service_table_check_active_limit_on_update ON mcp_service_table;
-- DROP TRIGGER IF EXISTS mcp_service_table_check_active_limit_on_insert ON mcp_service_table;
-- DROP TRIGGER IF EXISTS users_create_free_plan ON users;
-- DROP FUNCTION IF EXISTS check_active_limit();
-- DROP FUNCTION IF EXISTS create_free_plan();
-- DROP TABLE IF EXISTS user_plans;
