#!/usr/bin/env bash
# Two libraries of vector search as yardsticks for `npm run bench -- serving`: usearch and LanceDB, both Apache-2.0, in a folder of
# their own, since nothing else needs them (600 MB of disk).
#
#   folder=$(scripts/yardsticks.sh)      installs them where they are missing; prints their folder, all else to stderr
#   npm run bench -- serving --yardsticks "$folder"
#
# npm alone; Linux, macOS or Windows on the processors that they have binaries for.
set -euo pipefail

# The number is raised with the versions.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/simili/yardsticks-1
if ! [ -d "$cache" ]; then
  mkdir -p "$(dirname "$cache")"
  scratch=$(mktemp -d "$cache.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  (
    cd "$scratch"
    npm init --yes >/dev/null
    npm install --no-audit --no-fund --ignore-scripts --save-exact usearch@2.26.2 @lancedb/lancedb@0.39.0
  ) >&2
  mv "$scratch" "$cache" # whole or not at all
fi
printf '%s\n' "$cache"
