#!/usr/bin/env bash
# gateway-apply.sh DIR CONTAINER IMAGE <bundle: brings a new configuration to the gateway.
#
# Standard input is the script that renderBundle (components/host/bundle.ts) makes of gatewayFiles. The configuration is
# tried with "nginx -t" in a container of its own before anything is replaced; a rejected one leaves all as it was and
# shows Nginx's own line. Then it is installed (nginx.conf by rename, last) and, where the gateway runs, loaded and
# proven: the control socket must answer with the new configuration's hash. DIR/gateway/conf/start is never touched.
#
# A container that was made before an edge was turned on or off has another port and other mounts than the new configuration
# needs. It goes on with what it has loaded, and the one that takes its place, the next step of the same "up", starts with the
# new one. Started again in between, it would lack the certificate and not come up.
set -euo pipefail
dir=${1:?the stack\'s directory on the host} container=${2:?the name of the gateway\'s container} image=${3:?the gateway\'s image}
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"
conf="$dir/gateway/conf"
mkdir -p "$conf" "$dir/gateway/run"
# The gateway's user makes the control socket in it; only this directory's owner gets as far as here.
chmod 0777 "$dir/gateway/run"
take_lock 120

rm -rf "$dir"/gateway/candidate.* # of runs that were killed
candidate=$(mktemp -d "$dir/gateway/candidate.XXXXXX")
trap 'rm -rf "$candidate"' EXIT
chmod 0755 "$candidate"
sh -s -- "$candidate" 9>&- || die "the configuration did not arrive whole. Nothing was changed"
[ -f "$candidate/nginx.conf" ] || die "no nginx.conf arrived. Nothing was changed"

if ! timeout 20 docker image inspect "$image" >/dev/null 2>&1 9>&-; then
  say "pulling $image"
  pulled=$(timeout 300 docker pull --quiet "$image" 2>&1 9>&-) || die "$image cannot be pulled, nothing was changed: $pulled"
fi
tls=()
[ ! -d "$dir/tls/served" ] || tls=(-v "$dir/tls/served:/etc/bluegreen-tls:ro")
# Same user, same read-only root as the gateway; no network, so nothing can be taken or asked.
if ! verdict=$(timeout 60 docker run --rm --network none --user 101:101 --cap-drop ALL --security-opt no-new-privileges \
  --read-only --tmpfs /tmp:mode=1777 --tmpfs /run/bluegreen:mode=1777 -v "$candidate:/etc/bluegreen:ro" ${tls[@]+"${tls[@]}"} "$image" \
  nginx -t -q -c /etc/bluegreen/nginx.conf 2>&1 9>&-); then
  die "Nginx rejects the configuration, nothing was changed: $verdict"
fi

# serving: the hash of the configuration that answers now; empty when no gateway does.
serving() { value config "$(control /state 2>/dev/null || true)"; }

# install_from FOLDER: nginx.conf names the folder of everything else, so its rename alone brings in the whole set.
install_from() {
  local path name
  for path in "$1"/*/; do
    name=$(basename "$path")
    ! diff -rq "$path" "$conf/$name" >/dev/null 2>&1 || continue
    rm -rf "$conf/$name.new"
    cp -R "$path" "$conf/$name.new"
    rm -rf "${conf:?}/$name"
    mv "$conf/$name.new" "$conf/$name"
  done
  install_conf "$1/nginx.conf"
}

install_conf() {
  cp "$1" "$conf/nginx.conf.new"
  sync "$conf/nginx.conf.new"
  mv -f "$conf/nginx.conf.new" "$conf/nginx.conf"
}

wanted=$(sed -n 's/^ *set .config_hash \([0-9a-f]*\);$/\1/p' "$candidate/nginx.conf")
[ -n "$wanted" ] || die "nginx.conf carries no hash. Nothing was changed"
old=$(serving)
[ ! -f "$conf/nginx.conf" ] || cp "$conf/nginx.conf" "$candidate/nginx.conf.before"
# What was changed by hand may have been loaded by hand too, under the same hash.
intact=false
if cmp -s "$candidate/nginx.conf" "$conf/nginx.conf" && diff -rq "$candidate/$wanted" "$conf/$wanted" >/dev/null 2>&1; then intact=true; fi
install_from "$candidate"

# The port that visitors come in by; a container that publishes 8443 has the certificate's folder, too (spec.ts).
port=8080
if grep -q '^ *ssl_certificate ' "$candidate/nginx.conf"; then port=8443; fi
found=$(timeout 20 docker inspect --type container \
  --format '{{.State.Status}} {{.HostConfig.NetworkMode}} {{json .HostConfig.PortBindings}}' "$container" 2>/dev/null 9>&- || true)
read -r state network published <<<"$found"
if [ "$state" != running ]; then
  say "configuration $wanted installed; $container is not running (${state:-not there}) and will start with it"
elif [ "$network" != host ] && [[ $published != *"\"$port/tcp\":"* ]]; then
  say "configuration $wanted installed; $container does not publish its port $port, goes on with ${old:-none}, and the next one starts with it"
elif [ "$old" = "$wanted" ] && [ "$intact" = true ]; then
  say "configuration $wanted serves already"
else
  # Exit 0 of the signal does not prove that the new configuration is live: ask.
  # Not "docker kill --signal HUP": after any docker kill the engine takes the container for stopped by hand, and does not
  # start it again when it dies (seen on 20.10).
  timeout 20 docker exec "$container" nginx -c /etc/bluegreen/nginx.conf -s reload >/dev/null 2>&1 9>&- || true
  deadline=$(($(now_ms) + 10000))
  until [ "$(serving)" = "$wanted" ]; do
    if [ "$(now_ms)" -ge "$deadline" ]; then
      [ ! -f "$candidate/nginx.conf.before" ] || install_conf "$candidate/nginx.conf.before"
      die "$container would not load configuration $wanted and goes on with ${old:-none}: $(timeout 20 docker logs --tail 3 "$container" 2>&1 9>&-)"
    fi
    sleep 0.05
  done
  say "configuration $wanted serves"
fi
# The folder before stays as well: workers of a reload that still carry connections have its pages.
for path in "$conf"/*/; do
  case $(basename "$path") in "$wanted" | "$old") ;; *) rm -rf "$path" ;; esac
done
printf 'config %s\n' "$wanted"
