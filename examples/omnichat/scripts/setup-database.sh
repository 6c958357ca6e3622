#!/usr/bin/env bash
# Prepares a database and brings it to the newest schema: at Cloudflare, or with --local in wrangler's local state.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=remote
target=()
if [ "${1:-}" = --local ]; then
  environment=local
  target=(--local)
  shift
fi
npx --no-install migration-manager init --env "$environment" "$@"
exec scripts/migrate-simple.sh ${target[@]+"${target[@]}"} "$@"
