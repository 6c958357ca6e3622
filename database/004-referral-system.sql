-- 004-referral-system: referral codes, their bonus, and two tools for administrators
-- Created: 2026-11-16
-- Author: the migration-manager authors

-- The default gives every account its own code, those that exist already included: the table is rewritten once.
-- 12 hexadecimal digits are 48 random bits; UNIQUE refuses the very rare second use of one.
ALTER TABLE users
  ADD COLUMN IF NOT EXISTS referral_code text NOT NULL UNIQUE
    DEFAULT upper(left(replace(gen_random_uuid()::text, '-', ''), 12))
    CHECK (referral_code ~ '^[0-9A-Z]{6,20}$'),
  ADD COLUMN IF NOT EXISTS total_referrals integer NOT NULL DEFAULT 0 CHECK (total_referrals >= 0),
  ADD COLUMN IF NOT EXISTS bonus_credits integer NOT NULL DEFAULT 0 CHECK (bonus_credits >= 0);

CREATE TABLE IF NOT EXISTS user_referrals (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  referrer_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- UNIQUE is what makes a second referral of the same user impossible, also when two requests race.
  referred_id   uuid NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
  referral_code text NOT NULL,
  bonus_credits integer NOT NULL CHECK (bonus_credits >= 0),
  completed_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT user_referrals_not_oneself CHECK (referrer_id <> referred_id)
);

CREATE INDEX IF NOT EXISTS user_referrals_referrer_id_idx ON user_referrals (referrer_id, completed_at DESC);

ALTER TABLE user_referrals ENABLE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION get_bonus_credits(user_id uuid) RETURNS integer
LANGUAGE sql STABLE
SET search_path = ''
AS $$ SELECT u.bonus_credits FROM public.users AS u WHERE u.id = get_bonus_credits.user_id $$;

-- The user with this id came by this code: whoever owns the code gets the bonus, once.
-- {"completed": true, "referrerId": …, "bonusCredits": …}, or {"completed": false, "reason": …} with the reason
-- unknown-user, unknown-code, own-code or already-referred.
CREATE OR REPLACE FUNCTION complete_referral(user_id uuid, referral_code text) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  bonus    CONSTANT integer := 100;
  code     CONSTANT text := upper(trim(complete_referral.referral_code));
  referrer uuid;
BEGIN
  IF NOT EXISTS (SELECT FROM public.users AS u WHERE u.id = complete_referral.user_id) THEN
    RETURN jsonb_build_object('completed', false, 'reason', 'unknown-user');
  END IF;

  SELECT u.id INTO referrer FROM public.users AS u WHERE u.referral_code = code;
  IF referrer IS NULL THEN
    RETURN jsonb_build_object('completed', false, 'reason', 'unknown-code');
  END IF;
  IF referrer = complete_referral.user_id THEN
    RETURN jsonb_build_object('completed', false, 'reason', 'own-code');
  END IF;

  INSERT INTO public.user_referrals (referrer_id, referred_id, referral_code, bonus_credits)
  VALUES (referrer, complete_referral.user_id, code, bonus)
  ON CONFLICT ON CONSTRAINT user_referrals_referred_id_key DO NOTHING;
  IF NOT FOUND THEN
    RETURN jsonb_build_object('completed', false, 'reason', 'already-referred');
  END IF;

  UPDATE public.users AS u
  SET total_referrals = u.total_referrals + 1, bonus_credits = u.bonus_credits + bonus
  WHERE u.id = referrer;

  RETURN jsonb_build_object('completed', true, 'referrerId', referrer, 'bonusCredits', bonus);
END;
$$;

-- Administrators are named by the setting app.admin_emails: addresses with commas between them. Each environment sets
-- its own, with ALTER DATABASE … SET app.admin_emails = '…', or the application does from its own environment before
-- the call: SELECT set_config('app.admin_emails', …, true). Not set, nobody is one.
CREATE OR REPLACE FUNCTION is_admin_email(email text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = ''
AS $$
  SELECT EXISTS (
    SELECT FROM string_to_table(current_setting('app.admin_emails', true), ',') AS listed (email)
    WHERE trim(listed.email) <> '' AND lower(trim(listed.email)) = lower(trim(is_admin_email.email))
  )
$$;

-- The two functions below run with the caller's rights (never SECURITY DEFINER): an e-mail address is a name, not a
-- proof, so it must not open anything that the caller's role could not do by itself.

-- Forgets this month's summary of a user. Returns how many calls it held. The single calls stay in api_usage.
CREATE OR REPLACE FUNCTION admin_reset_user_usage(user_id uuid, admin_email text) RETURNS bigint
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  forgotten bigint;
BEGIN
  IF NOT public.is_admin_email(admin_email) THEN
    RAISE EXCEPTION 'only an administrator may reset usage'
      USING ERRCODE = 'insufficient_privilege', HINT = 'The setting app.admin_emails lists the administrators.';
  END IF;
  IF NOT EXISTS (SELECT FROM public.users AS u WHERE u.id = admin_reset_user_usage.user_id) THEN
    RAISE EXCEPTION 'no user has the id %', admin_reset_user_usage.user_id USING ERRCODE = 'no_data_found';
  END IF;

  DELETE FROM public.api_usage_monthly AS m
  WHERE m.user_id = admin_reset_user_usage.user_id
    AND m.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
  RETURNING m.calls INTO forgotten;

  RAISE LOG '% reset the usage of user %', admin_email, admin_reset_user_usage.user_id;
  RETURN coalesce(forgotten, 0);
END;
$$;

-- Returns the user's new balance.
CREATE OR REPLACE FUNCTION admin_add_bonus_credits(user_id uuid, credits integer, admin_email text) RETURNS integer
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  balance integer;
BEGIN
  IF NOT public.is_admin_email(admin_email) THEN
    RAISE EXCEPTION 'only an administrator may add bonus credits'
      USING ERRCODE = 'insufficient_privilege', HINT = 'The setting app.admin_emails lists the administrators.';
  END IF;
  IF credits IS NULL OR credits <= 0 THEN
    RAISE EXCEPTION 'credits must be a positive number, not %', credits USING ERRCODE = 'invalid_parameter_value';
  END IF;

  UPDATE public.users AS u
  SET bonus_credits = u.bonus_credits + credits
  WHERE u.id = admin_add_bonus_credits.user_id
  RETURNING u.bonus_credits INTO balance;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no user has the id %', admin_add_bonus_credits.user_id USING ERRCODE = 'no_data_found';
  END IF;

  RAISE LOG '% gave % bonus credits to user %', admin_email, credits, admin_add_bonus_credits.user_id;
  RETURN balance;
END;
$$;

REVOKE EXECUTE ON FUNCTION admin_reset_user_usage(uuid, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION admin_add_bonus_credits(uuid, integer, text) FROM PUBLIC;

-- verify: SELECT to_regprocedure('public.complete_referral(uuid, text)') IS NOT NULL
-- verify: SELECT NOT public.is_admin_email('') AND NOT public.is_admin_email(NULL)
-- verify: SELECT bool_and(NOT prosecdef) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'admin\_%'

-- Rollback:
-- DROP FUNCTION IF EXISTS admin_add_bonus_credits(uuid, integer, text);
-- DROP FUNCTION IF EXISTS admin_reset_user_usage(uuid, text);
-- DROP FUNCTION IF EXISTS is_admin_email(text);
-- DROP FUNCTION IF EXISTS complete_referral(uuid, text);
-- CREATE OR REPLACE FUNCTION get_bonus_credits(user_id uuid) RETURNS integer
-- LANGUAGE sql STABLE
-- SET search_path = ''
-- AS $$ SELECT 0 $$;
-- DROP TABLE IF EXISTS user_referrals;
-- ALTER TABLE users DROP COLUMN IF EXISTS bonus_credits;
-- ALTER TABLE users DROP COLUMN IF EXISTS total_referrals;
-- ALTER TABLE users DROP COLUMN IF EXISTS referral_code;
