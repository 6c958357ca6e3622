#!/usr/bin/env bash
# Applies what is missing: at Cloudflare, or with --local in wrangler's local state. Other options go to the tool.
set -euo pipefail
cd "$(dirname "$0")/.."

environment=remote
if [ "${1:-}" = --local ]; then
  environment=local
  shift
fi
exec npx --no-install migration-manager sync --env "$environment" "$@"
