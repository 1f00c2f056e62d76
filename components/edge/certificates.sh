#!/usr/bin/env bash
# certificates.sh DIR VERB LABEL HOSTNAME …: keeps a gateway's TLS certificate. Private keys are made on this host and stay
# here. Safe to cut off and to run again; LABEL names what belongs together, another one for each renewal.
#
#   request LABEL HOSTNAME                        makes a key, prints a signing request for it
#   install LABEL HOSTNAME GATEWAY IMAGE <PEM     serves the certificate that was signed for that request
#   self-signed LABEL HOSTNAME DAYS GATEWAY IMAGE makes one of its own and serves it
#   clients LABEL HOSTNAME DAYS GATEWAY IMAGE     makes the client certificate that the edge is to show, has the gateway
#                                                 trust it, prints it with its key: the only key that leaves, a secret
#
# install and self-signed print "fingerprint", "notBefore" and "notAfter" of what is served then.
#
# DIR/tls/served is what the gateway sees as /etc/bluegreen-tls: FINGERPRINT/server.{crt,key,pub}, the link "current" to
# one of them, and clients.pem, the authorities whose client certificates get in (the last four, and this host's own:
# DIR/tls/proof.pem, with which the switch asks as the edge does). What is new is tried with "nginx -t" first; it is
# loaded without losing a request and must be seen to be served, or the old one is put back.
set -euo pipefail
dir=${1:?the stack\'s directory on the host} verb=${2:?request, install, self-signed or clients}
label=${3:?the name of this renewal} hostname=${4:?the host name}
shift 4
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"
command -v openssl >/dev/null || die 'openssl is missing on this host: apt-get install openssl. Nothing was changed'
umask 077
tls="$dir/tls" served="$dir/tls/served"
PROOF_DAYS=7300 KEPT_AUTHORITIES=4

make_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256; }

# Standard input into a file, by rename: a run that is cut off leaves no half of one.
put() { # path
  cat >"$1.new"
  mv -f "$1.new" "$1"
}

fingerprint() { openssl x509 -noout -fingerprint -sha256 "$@" | sed 's/.*=//; s/://g' | tr 'A-F' 'a-f'; }

# public_key FILE: of a certificate.
public_key() { openssl x509 -in "$1" -noout -pubkey; }

alternative() { case $hostname in *[!0-9.]*) printf 'DNS:%s' "$hostname" ;; *) printf 'IP:%s' "$hostname" ;; esac }

# ---- what the gateway is given ---------------------------------------------------------------------------------------

# The gateway's user alone may read the key. Without root, which alone can give files away, whoever can enter DIR may, and
# that is its owner only.
hand_over() { # folder
  chmod 0755 "$1"
  chmod 0644 "$1"/server.crt "$1"/server.pub
  if [ "$(id -u)" -eq 0 ]; then
    chown 101:101 "$1/server.key"
    chmod 0400 "$1/server.key"
  else
    chmod 0444 "$1/server.key"
  fi
}

# The switch asks from this host, and is let in by a certificate of its own; made once.
ensure_proof() {
  local key
  ! openssl x509 -in "$tls/proof.pem" -noout -checkend 31536000 >/dev/null 2>&1 || return 0
  key=$(make_key)
  { printf '%s\n' "$key" && openssl req -x509 -new -key <(printf '%s\n' "$key") -days "$PROOF_DAYS" -subj '/CN=bluegreen proof' \
    -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=clientAuth; } | put "$tls/proof.pem"
}

# The authorities as one file: the newest ones, and the proof's certificate, without its key.
authorities() {
  local file
  while read -r file; do cat "$file"; done < <(newest "$tls/authorities" "$KEPT_AUTHORITIES")
  openssl x509 -in "$tls/proof.pem"
}

newest() { # folder, how many
  # The labels are the program's own: digits and dashes.
  # shellcheck disable=SC2012
  ls -t "$1" | head -n "$2" | sed "s|^|$1/|"
}

# ---- serving ---------------------------------------------------------------------------------------------------------

# endpoint: where the gateway's TLS port is published on this host; fails where it speaks no TLS, or does not run.
endpoint() {
  local found
  grep -qs '^ *ssl_certificate ' "$dir/gateway/conf/nginx.conf" || return 1
  found=$(timeout 20 docker port "$gateway" 8443/tcp 2>/dev/null 9>&- | head -n 1)
  [ -n "$found" ] || return 1
  case $found in 0.0.0.0:*) printf '127.0.0.1:%s' "${found##*:}" ;; *) printf %s "$found" ;; esac
}

shown() { timeout 5 openssl s_client -connect "$1" -servername "$hostname" </dev/null 2>/dev/null; }

# The certificate that is served, and the authorities it asks for, as the gateway should have them now.
serves() { # endpoint
  local seen authority
  seen=$(shown "$1") || return 1
  [ "$(fingerprint <<<"$seen" 2>/dev/null)" = "$(readlink "$served/current")" ] || return 1
  grep -qs '^ *ssl_verify_client on' "$dir/gateway/conf/nginx.conf" || return 0
  for authority in $(newest "$tls/authorities" 1); do
    grep -q "origin pulls $(basename "$authority" .pem) *\$" <<<"$seen" || return 1
  done
}

reload() { timeout 20 docker exec "$gateway" nginx -c /etc/bluegreen/nginx.conf -s reload >/dev/null 2>&1 9>&- || true; }

# serve [FOLDER]: brings what is new to the gateway: FOLDER with a certificate and its key, if any, and the authorities.
serve() {
  local folder=${1:-} name='' old='' at verdict deadline path
  candidate=$(mktemp -d "$tls/candidate.XXXXXX")
  mkdir -p "$served"
  chmod 0755 "$candidate" "$served"
  cp -a "$served/." "$candidate/"
  authorities >"$candidate/clients.pem"
  chmod 0644 "$candidate/clients.pem"
  old=$(readlink "$served/current" || true)
  if [ -n "$folder" ]; then
    name=$(fingerprint -in "$folder/server.crt")
    rm -rf "${candidate:?}/$name"
    cp -R "$folder" "$candidate/$name"
    hand_over "$candidate/$name"
    ln -sfn "$name" "$candidate/current"
  fi
  if [ -e "$candidate/current" ] && [ -f "$dir/gateway/conf/nginx.conf" ] && ! verdict=$(timeout 60 docker run --rm --network none \
    --user 101:101 --cap-drop ALL --security-opt no-new-privileges --read-only --tmpfs /tmp:mode=1777 --tmpfs /run/bluegreen:mode=1777 \
    -v "$dir/gateway/conf:/etc/bluegreen:ro" -v "$candidate:/etc/bluegreen-tls:ro" "$image" \
    nginx -t -q -c /etc/bluegreen/nginx.conf 2>&1 9>&-); then
    die "Nginx rejects the new certificate, the old one stays: $verdict"
  fi

  [ ! -f "$served/clients.pem" ] || cp -a "$served/clients.pem" "$candidate/clients.before"
  if [ -n "$name" ]; then
    rm -rf "${served:?}/$name.new"
    cp -a "$candidate/$name" "$served/$name.new"
    rm -rf "${served:?}/$name"
    mv "$served/$name.new" "$served/$name"
  fi
  cp -a "$candidate/clients.pem" "$served/clients.pem.new"
  sync "$served"
  take_over "$served/clients.pem.new" "$name"
  if [ -n "$(readlink "$served/current" || true)" ] && at=$(endpoint); then
    if ! serves "$at"; then
      reload
      deadline=$(($(now_ms) + 10000))
      until serves "$at"; do
        if [ "$(now_ms)" -ge "$deadline" ]; then
          [ ! -f "$candidate/clients.before" ] || take_over "$candidate/clients.before" "$old"
          reload
          die "$gateway would not serve the new certificate at $at, the old one is back: $(timeout 20 docker logs --tail 3 "$gateway" 2>&1 9>&-)"
        fi
        sleep 0.05
      done
    fi
    say "$gateway serves it"
  else
    say "$gateway does not serve TLS yet and will start with it"
  fi
  for path in "$served"/*/; do
    case $(basename "$path") in current | "$name" | "$old") ;; *) rm -rf "$path" ;; esac
  done
}

take_over() { # clients.pem, the folder for "current" if any
  mv -f "$1" "$served/clients.pem"
  [ -n "$2" ] || return 0
  ln -sfn "$2" "$served/current.new"
  mv -fT "$served/current.new" "$served/current"
}

report() { # certificate
  printf 'fingerprint %s\n' "$(fingerprint -in "$1")"
  openssl x509 -in "$1" -noout -startdate -enddate -dateopt iso_8601 |
    sed 's/=\(....-..-..\) \(..:..:..\)Z$/ \1T\2Z/'
}

# ---- the verbs -------------------------------------------------------------------------------------------------------

take_lock 120
mkdir -p "$tls/keys" "$tls/authorities"
tidy() { rm -rf "$tls"/candidate.* "$tls"/new.*; }
tidy # after runs that were killed
trap tidy EXIT
case $verb in
  request)
    [ -s "$tls/keys/$label.key" ] || make_key | put "$tls/keys/$label.key"
    openssl req -new -key "$tls/keys/$label.key" -subj /O=bluegreen -addext "subjectAltName=$(alternative)"
    ;;
  install)
    gateway=${1:?the name of the gateway\'s container} image=${2:?the gateway\'s image}
    key="$tls/keys/$label.key"
    # Signed once more for the same request, after the key's own file was lost.
    [ -s "$key" ] || key="$served/current/server.key"
    [ -s "$key" ] || die "the key $label is not on this host any more. Run pulumi up again: it makes another one"
    new=$(mktemp -d "$tls/new.XXXXXX")
    cat >"$new/server.crt"
    public_key "$new/server.crt" >"$new/server.pub" 2>/dev/null || die 'what arrived is no certificate. The old one stays'
    [ "$(<"$new/server.pub")" = "$(openssl pkey -in "$key" -pubout)" ] || die "the certificate is not for the key $label of this host. The old one stays"
    openssl x509 -in "$new/server.crt" -noout -checkend 0 >/dev/null || die 'the certificate has expired. The old one stays'
    openssl x509 -in "$new/server.crt" -noout -checkhost "$hostname" | grep -q 'does match' || die "the certificate is not for $hostname. The old one stays"
    cp "$key" "$new/server.key"
    ensure_proof
    serve "$new"
    report "$new/server.crt"
    find "$tls/keys" -name '*.key' ! -name "$label.key" -delete
    ;;
  self-signed)
    days=${1:?days} gateway=${2:?the name of the gateway\'s container} image=${3:?the gateway\'s image}
    new=$(mktemp -d "$tls/new.XXXXXX")
    [ -s "$tls/keys/$label.key" ] || make_key | put "$tls/keys/$label.key"
    cp "$tls/keys/$label.key" "$new/server.key"
    openssl req -x509 -new -key "$new/server.key" -days "$days" -subj /O=bluegreen -addext "subjectAltName=$(alternative)" \
      -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth -out "$new/server.crt"
    public_key "$new/server.crt" >"$new/server.pub"
    ensure_proof
    serve "$new"
    report "$new/server.crt"
    find "$tls/keys" -name '*.key' ! -name "$label.key" -delete
    ;;
  clients)
    days=${1:?days} gateway=${2:?the name of the gateway\'s container} image=${3:?the gateway\'s image}
    # The authority signs this one certificate and is forgotten: nobody can sign another.
    authority_key=$(make_key)
    key=$(make_key)
    # Never in the place of another, though the label be the same: the edge may go on showing what that one signed.
    authority="$label-$(date +%s%N)"
    openssl req -x509 -new -key <(printf '%s\n' "$authority_key") -days "$days" -subj "/CN=bluegreen origin pulls $authority" \
      -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign | put "$tls/authorities/$authority.pem"
    certificate=$(openssl req -new -key <(printf '%s\n' "$key") -subj "/CN=bluegreen edge $label" |
      openssl x509 -req -days "$days" -CA "$tls/authorities/$authority.pem" -CAkey <(printf '%s\n' "$authority_key") -set_serial "0x$(openssl rand -hex 16)" \
        -extfile <(printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n') 2>/dev/null)
    ensure_proof
    serve
    while read -r old; do rm -f "$old"; done < <(newest "$tls/authorities" 100 | tail -n "+$((KEPT_AUTHORITIES + 1))")
    # Last of all: what a failed command printed stands in the failure's text.
    printf '%s\n%s\n' "$certificate" "$key"
    ;;
  *) die "cannot $verb; known are request, install, self-signed, clients" ;;
esac
