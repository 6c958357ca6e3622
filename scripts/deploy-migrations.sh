#!/usr/bin/env bash
# Brings every environment to the newest schema, for a release pipeline:
#
#   deploy-migrations [--env a,b] [--dry-run] [--no-backup]
#
# Takes --shard, --concurrency, --dir, --env-file, --config, --all, --quiet, --verbose and --no-color, too, and hands them
# on; --allow goes to plan, sync and verify; --max-failures, --lock-wait and --recover-wait go to the sync.
#
# There is no backup step yet: nothing is backed up, with or without --no-backup. MIGRATION_WEBHOOK_URL is not used yet.
#
# Runs sync --yes, verify and status --check (with --allow status alone); with --dry-run only plan. Stops at the first
# step that fails, with that step's exit code (docs/exit-codes.md). Works from any directory: the project is the one it
# is called in.
set -eu -o pipefail

self=${BASH_SOURCE[0]}
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
main=$(cd "$(dirname "$self")/.." && pwd)/dist/cli/main.cjs
if [ ! -f "$main" ]; then
  echo 'deploy-migrations: migration-manager is not built: run npm ci && npm run build' >&2
  exit 2
fi

dry_run=no
options=()       # of every step
allow=()         # of plan, sync and verify
of_plan=()       # of plan and sync
of_sync=()
take() {
  case $1 in
    --allow | --allow=*) allow+=("$@") ;;
    --max-failures | --max-failures=*) of_plan+=("$@") ;;
    --lock-wait | --lock-wait=* | --recover-wait | --recover-wait=*) of_sync+=("$@") ;;
    *) options+=("$@") ;;
  esac
}
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=yes ;;
    --no-backup) ;; # Pipelines may say so already.
    -h | --help)
      sed -n '2,13s/^# \{0,1\}//p' "$self"
      exit 0
      ;;
    --env | --shard | --concurrency | --dir | --env-file | --config | --allow | --max-failures | --lock-wait | --recover-wait)
      if [ $# -lt 2 ]; then
        echo "deploy-migrations: $1 needs a value" >&2
        exit 2
      fi
      take "$1" "$2"
      shift
      ;;
    --env=* | --shard=* | --concurrency=* | --dir=* | --env-file=* | --config=*) take "$1" ;;
    --allow=* | --max-failures=* | --lock-wait=* | --recover-wait=* | --all | -q | --quiet | --verbose | --no-color) take "$1" ;;
    *)
      echo "deploy-migrations: there is no option $1; see --help" >&2
      exit 2
      ;;
  esac
  shift
done

# A signal goes on to the step that runs, and this script waits until that has cleaned up.
child=''
forward() {
  if [ -n "$child" ]; then kill -s "$1" "$child" 2>/dev/null || true; fi
}
trap 'forward INT' INT
trap 'forward TERM' TERM
trap 'forward HUP' HUP

step() {
  echo "== migration-manager $1" >&2
  # In the background, so that the trap runs while it works; it must still be able to read the terminal.
  node "$main" "$@" ${options[@]+"${options[@]}"} <&0 &
  child=$!
  local code=0
  wait "$child" || code=$?
  # A signal ends the wait, not the step.
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  child=''
  if [ "$code" -ne 0 ]; then exit "$code"; fi
}

if [ "$dry_run" = yes ]; then
  step plan ${allow[@]+"${allow[@]}"} ${of_plan[@]+"${of_plan[@]}"}
  exit 0
fi
step sync --yes ${allow[@]+"${allow[@]}"} ${of_plan[@]+"${of_plan[@]}"} ${of_sync[@]+"${of_sync[@]}"}
step verify ${allow[@]+"${allow[@]}"}
# What is allowed may keep the environments apart for good.
if [ ${#allow[@]} -eq 0 ]; then step status --check; else step status; fi
