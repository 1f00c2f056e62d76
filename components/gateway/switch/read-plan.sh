# shellcheck shell=bash
# Reads and checks the plan of a switch from standard input, into variables; sourced by switch.sh.
#
# The plan, lines of "key value" (renderSwitchPlan in switch-plan.ts writes it):
#   target green                       container NAME IMAGE RELEASE   (any number; IMAGE as id, digest or tag)
#   maintenance 600 Anna Ash           visitors get the page of maintenance, with this Retry-After; who wants it
#   canary 0                           smoke path=/health&status=200&timeout=2&json=%7B%7D   (any number)
#   canaryContainer NAME IMAGE RELEASE of the other colour (any number; there while canary is above 0)
#   release.blue 1, release.green 2    public http://127.0.0.1:8080/health
#   released.blue {"release":"1",…}    what the ledger is to say of the slot's release, as JSON
#   connect 127.0.0.1:443              where a public https://… is answered on this host
#   publicTimeoutSeconds 5             how long one answer of it may take
#   keep registry/app@sha256:…         an image that stays on the host (any number); none: nothing is removed
#   healthWaitSeconds smokeWaitSeconds proofWaitSeconds lockWaitSeconds pruneWaitSeconds bakeSeconds maxErrorPercent
#   minRequests
# shellcheck disable=SC2034 # the scripts beside it read what the plan says
target='' canary=0 public='' connect='' maintenance='' maintenance_by=''
release_blue=none release_green=none
released_blue='' released_green=''
health_wait=60 smoke_wait=10 proof_wait=5 public_timeout=5 lock_wait=60 prune_wait=60 bake_seconds=5 max_error_percent=1 min_requests=20
containers=() canary_containers=() smokes=() keep=()
while read -r key rest; do
  case $key in
    target) target=$rest ;;
    canary) canary=$rest ;;
    maintenance) read -r maintenance maintenance_by <<<"$rest" ;;
    container) containers+=("$rest") ;;
    canaryContainer) canary_containers+=("$rest") ;;
    smoke) smokes+=("$rest") ;;
    keep) keep+=("$rest") ;;
    release.blue) release_blue=$rest ;;
    release.green) release_green=$rest ;;
    released.blue) released_blue=$rest ;;
    released.green) released_green=$rest ;;
    public) public=$rest ;;
    connect) connect=$rest ;;
    publicTimeoutSeconds) public_timeout=$rest ;;
    healthWaitSeconds) health_wait=$rest ;;
    smokeWaitSeconds) smoke_wait=$rest ;;
    proofWaitSeconds) proof_wait=$rest ;;
    lockWaitSeconds) lock_wait=$rest ;;
    pruneWaitSeconds) prune_wait=$rest ;;
    bakeSeconds) bake_seconds=$rest ;;
    maxErrorPercent) max_error_percent=$rest ;;
    minRequests) min_requests=$rest ;;
    '') ;;
    *) die "plan: unknown key \"$key\"" ;;
  esac
done
for number in canary public_timeout health_wait smoke_wait proof_wait lock_wait prune_wait bake_seconds min_requests; do
  # A half number would end the bake in an error of arithmetic, unwatched.
  [[ ${!number} =~ ^[0-9]+$ ]] || die "plan: $number is \"${!number}\", allowed are whole numbers"
done
[[ $max_error_percent =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "plan: maxErrorPercent is \"$max_error_percent\", allowed are numbers"
[[ $maintenance =~ ^[0-9]*$ ]] || die "plan: maintenance is \"$maintenance\", allowed are whole numbers"
case $target in blue | green) ;; *) die "plan: target is \"$target\", allowed are blue, green" ;; esac
[ -n "$public" ] || die 'plan: public is missing, the URL visitors use, for example "public http://127.0.0.1:8080/health"'
[ "${#containers[@]}" -gt 0 ] || die 'plan: no container line, so nothing shows that the target runs'
[ "$canary" -eq 0 ] || [ "${#canary_containers[@]}" -gt 0 ] || die "plan: no canaryContainer line, so nothing shows that the canary's colour runs"
tls=()
if [[ $public == https://* ]]; then
  [ -n "$connect" ] || die 'plan: connect is missing, where the public URL is answered on this host, for example "connect 127.0.0.1:443"'
  # The same port, certificate and check of the caller as for the edge, which this host shows a certificate of its own.
  # Not the name but the key is checked: only the holder of the key that certificates.sh made here can answer. With HTTP/2
  # the requests that are to open a connection each would share one.
  tls=(--http1.1 --connect-to "::$connect" --insecure --pinnedpubkey "$dir/tls/served/current/server.pub" --cert "$dir/tls/proof.pem")
fi
releases=$(printf 'release.blue %s\nrelease.green %s' "$release_blue" "$release_green")
wanted=$(printf 'live %s\ncanary %s\n%s' "$target" "$canary" "$releases")
# What follows it in the state; $closed_now is what does now.
closed=${maintenance:+$'\n'"maintenance $maintenance"}
