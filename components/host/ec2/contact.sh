# shellcheck shell=sh
# On the deployer's machine: waits for an EC2 host's first boot and gives it its own host key. Prints that public key.
#   contact.sh <seconds> <alias> <known_hosts> <user@address> <instance> <type> <disk> <ssh option…>
# Reads the public boot key, the user, one line for each key that may log in, an empty line, and settle.sh.
# Each connection is checked: against the boot key (ECDSA) until the machine's own (Ed25519) is known, then against that.
# Interrupted anywhere, it can be run again: until its last step both keys hold.
set -eu

seconds=$1 alias=$2 known=$3 destination=$4 instance=$5
shift 7

IFS= read -r boot_key
IFS= read -r user
keys=
while IFS= read -r line && [ -n "$line" ]; do keys="$keys$line
"; done
settle=$(cat)

# OpenSSH reads `~` as the user database has it, whatever HOME says.
home=
eval "home=~$(id -un)"
case $known in "~"/*) known=$home${known#"~"} ;; esac
umask 077
mkdir -p "$(dirname "$known")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
printf '%s %s\n' "$alias" "$boot_key" >"$scratch/boot"

# The first word on an option counts, so these win. A shared connection may still lead to a machine that is gone.
by_boot() { fresh "$scratch/boot" ecdsa-sha2-nistp256 "$@"; }
by_own() { fresh "$known" ssh-ed25519 "$@"; }
fresh() {
  file=$1 algorithm=$2
  shift 2
  ssh -o ControlPath=none -o "UserKnownHostsFile=$file" -o "HostKeyAlgorithms=$algorithm" "$@" 2>"$scratch/said"
}

start=$(date +%s)
told=0
left() {
  passed=$(($(date +%s) - start))
  [ "$passed" -lt "$seconds" ]
}
# Says every 20 s what it waits for, and why not yet.
wait_on() {
  if [ $((passed - told)) -ge 20 ]; then
    told=$passed
    printf 'waiting for %s: %s (%s s of at most %s): %s\n' "$instance" "$1" "$passed" "$seconds" "$(tail -n 1 "$scratch/said")" >&2
  fi
  sleep 3
}
give_up() {
  printf '%s: %s within %s s; last word: %s\n' "$instance" "$1" "$seconds" "$(tail -n 3 "$scratch/said")" >&2
  printf 'what the machine says itself: aws ec2 get-console-output --latest --output text --instance-id %s\n' "$instance" >&2
  echo "then run pulumi up again, which waits on; or set host.generation one higher, for a new machine" >&2
  exit 1
}

# The file holds the bastion's key too, where there is one.
know() {
  { grep -v "^$alias " "$known" 2>/dev/null || true; printf '%s %s\n' "$alias" "$1"; } >"$known.new"
  mv "$known.new" "$known"
}

until
  by_own "$@" "$destination" true </dev/null ||
    by_boot "$@" "$destination" true </dev/null
do
  left || give_up "no checked SSH connection"
  wait_on "SSH"
done

if ! by_own "$@" "$destination" true </dev/null; then
  own=$(printf '%s\n' "$settle" | by_boot "$@" "$destination" sudo -n sh -s -- show) || give_up "no key"
  case $own in
    'ssh-ed25519 '*) know "$own" ;;
    *) give_up "no Ed25519 key but '$own'" ;;
  esac
fi

until
  state=$(by_own "$@" "$destination" 'cat /var/lib/cloud/bluegreen-failed 2>/dev/null && exit; test -e /var/lib/cloud/bluegreen-ready && echo ready' </dev/null)
  [ -n "$state" ]
do
  left || give_up "the first boot did not end"
  wait_on "the first boot"
done
if [ "$state" != ready ]; then
  printf '%s: the first boot failed %s; the end of its log:\n' "$instance" "$state" >&2
  by_own "$@" "$destination" sudo -n tail -n 20 /var/log/bluegreen-first-boot.log </dev/null >&2 || true
  printf 'mend the cause; then repeat it on the machine (ssh, or aws ssm start-session --target %s) and run pulumi up again:\n' "$instance" >&2
  echo '  sudo /var/lib/cloud/instance/scripts/part-001' >&2
  echo 'or have a new machine boot, which takes data volume and address over (a number one higher than now):' >&2
  echo '  pulumi config set --path host.generation 2' >&2
  exit 1
fi

# Public keys have no quotes in them (the config's schema sees to that).
finish() { printf "AUTHORIZED='%s'\n%s\n" "$keys" "$settle" | by_own "$@" "$destination" sudo -n sh -s -- finish "$user"; }
# 255: the connection broke, as when sshd is restarted by an upgrade of its package.
while
  code=0
  finish "$@" || code=$?
  [ "$code" -eq 255 ]
do
  left || break
  wait_on "its last step"
done
[ "$code" -eq 0 ] || give_up "could not finish"
# sshd has just been given its own key: a connection that it closes on the way in is tried again.
until by_own "$@" "$destination" true </dev/null; do
  left || give_up "no connection with the machine's own key"
  wait_on "its own key"
done

# On a machine that took another's place, or was restarted, the containers start by themselves: what follows finds them well.
until
  unwell=$(by_own "$@" "$destination" sudo -n docker ps --all "--format='{{.Names}} {{.Status}}'" </dev/null |
    grep -E 'Restarting|health: starting|unhealthy')
  [ -z "$unwell" ]
do
  left || { printf '%s: not well yet: %s\n' "$instance" "$unwell" >&2; break; }
  wait_on "its containers"
done

grep "^$alias " "$known" | cut -d' ' -f2,3
