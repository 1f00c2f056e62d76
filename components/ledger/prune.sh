#!/usr/bin/env bash
# prune.sh DIR <images: removes the images of past releases that nobody needs any more. DIR is the stack's directory.
#
# Standard input names, one a line, the images that stay (components/ledger/retention.ts). Of all others that the stack's
# ledger says a release began with, those go that
#   - no container on this host has, of whatever kind, running or not, and
#   - no other stack on this host keeps: DIR/images.kept says of each what it keeps.
# While another stack's ledger has a command under way, none goes that has a digest: it may just have been pulled there, for a
# container that is yet to be made.
# An image that no ledger names is never touched, nor one that is kept under another name. Each that could not be removed
# is said; exit 1 where nothing could be found out.
set -euo pipefail
dir=${1:?the stack\'s directory on the host}
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"

# The engine knows an image by its tag or by its digest: of a name with both, the digest counts.
plain() { sed 's/:[^:/@]*@/@/' | sort -u; }

# What the releases of a ledger began with.
images_of() { # ledger
  { grep -F '"event":"released"' "$1" || true; } | { grep -o '"images":{[^}]*}' || true; } |
    sed 's/^"images":{//; s/}$//' | tr ',' '\n' | sed -n 's/^"[^"]*":"\([^"]*\)"$/\1/p'
}

# busy LEDGER: whether a command of the last hour began there and has not ended; one that was cut off counts no longer.
busy() {
  [ -f "$1" ] || return 1
  tail -n 200 "$1" | awk -v since="$(date -u -d "@$((EPOCHSECONDS - 3600))" +%Y-%m-%dT%H:%M:%S)" '
    { run = match($0, /"run":"[^"]*"/) ? substr($0, RSTART, RLENGTH) : "" }
    /"event":"began"/ && match($0, /"at":"[^"]*"/) && substr($0, RSTART + 6, RLENGTH - 7) > since { open[run] = 1 }
    /"event":"ended"/ { delete open[run] }
    END { for (one in open) exit 0; exit 1 }'
}

keep=$(plain)
[ -n "$keep" ] || die "nothing is named that is to be kept, so nothing is removed"
printf '%s\n' "$keep" >"$dir/images.kept.new"
mv -f "$dir/images.kept.new" "$dir/images.kept"
[ -s "$dir/ledger" ] || exit 0
past=$(images_of "$dir/ledger" | plain | comm -23 - <(printf '%s\n' "$keep"))
[ -n "$past" ] || exit 0

# Both names of each, in lines "NAME ID".
images=$(timeout 30 docker image ls --all --digests --no-trunc --format '{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}} {{.ID}}' |
  awk '{ print $1, $3; print $2, $3 }') || die "the engine does not list its images"
there=$(awk 'NR == FNR { past[$1] = 1; next } $1 in past' <(printf '%s\n' "$past") - <<<"$images" | sort -u)
[ -n "$there" ] || exit 0

# A container that goes away between the two questions makes the second one fail.
look_at_containers() {
  local ids
  mapfile -t ids < <(timeout 30 docker ps --all --quiet --no-trunc)
  [ "${#ids[@]}" -gt 0 ] || return 1 # this stack has some, or it would not be here
  containers=$(timeout 30 docker inspect --type container --format \
    '{{.Image}}{{"\n"}}{{.Config.Image}}{{if index .Config.Labels "bluegreen.stack"}}{{range .Mounts}}{{"\n"}}from {{.Source}}{{end}}{{end}}' \
    "${ids[@]}" 2>/dev/null)
}
look_at_containers || look_at_containers || look_at_containers || die "the engine does not tell what its containers are made from"

# Each stack's containers have files of its directory: gateway/run, secrets/….
others=$(sed -n 's|^from \(/.*\)/gateway/run$|\1|p; s|^from \(/.*\)/secrets/[^/]*$|\1|p' <<<"$containers" | sort -u)
while read -r other; do
  if [ -z "$other" ] || [ "$other" -ef "$dir" ]; then continue; fi
  if busy "$other/ledger"; then
    say "$other, another stack's directory, has a command under way: what was pulled stays this time"
    there=$(grep -v '@sha256:' <<<"$there" || true)
  fi
  if [ ! -x "$other" ]; then
    die "$other, another stack's directory, cannot be looked into: nothing is removed"
  elif [ -f "$other/images.kept" ]; then
    keep+=$'\n'$(<"$other/images.kept")
  elif [ -f "$other/ledger" ]; then
    keep+=$'\n'$(images_of "$other/ledger" | plain)
  fi
done <<<"$others"

# By name and by id: the same image may have another name too, and go with this one.
needed=$(
  printf '%s\n' "$keep"
  awk 'NR == FNR { keep[$1] = 1; next } $1 in keep { print $2 }' <(printf '%s\n' "$keep") - <<<"$images"
  sed '/^from /d' <<<"$containers" | plain
)
while read -r image id; do
  [ -n "$image" ] || continue
  if grep -qxF -e "$image" -e "$id" <<<"$needed"; then continue; fi
  if why=$(timeout 30 docker image rm "$image" 2>&1); then
    say "$image is of no release that is kept: removed"
  else
    say "$image could not be removed: $(tail -n 1 <<<"$why")"
  fi
done <<<"$there"
