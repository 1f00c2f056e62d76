#!/bin/sh
# Brings npm's packages for whoever builds or tests the pages; nothing to do where those of the lock file are there.
set -eu
cd "$(dirname -- "$0")"
marker=node_modules/.installed
there() { [ -e "$marker" ] && [ -z "$(find package-lock.json -newer "$marker")" ]; }
! there || exit 0
# Two at once would remove each other's.
exec 9>.packages.lock
flock 9
! there || exit 0
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
touch "$marker"
