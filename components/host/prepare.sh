#!/bin/sh
# Puts onto a Debian or Ubuntu server what a stack's host needs, and changes nothing where it is there already:
#
#   prepare.sh --user NAME [--directory PATH] [--data-root PATH]
#
# As root. NAME may use Docker afterwards and owns PATH, the stack's directory. With --data-root all of Docker's data
# (images, containers, volumes) is kept there. A Docker engine of another source (docker-ce) is taken as it is.
#
# Docker's engine and client with containers that outlive a restart of the engine, rotated logs and no traffic between
# containers but where a network is theirs; sshd that stands a deployment's parallel connections; security updates by
# themselves; swap on small machines; a clock that is kept right; the kernel settings that Redis asks for.
# Holds a lock: two deployers do not meet. Safe to cut off and to run again. What changed is said on stderr.
set -eu

say() { echo "prepare: $*" >&2 || true; }

refuse() {
  say "$*"
  exit 1
}

# as_file PATH [MODE] <content: true where the file was not that already.
as_file() {
  cat >"$1.new" || refuse "$1 cannot be written: is the disk full? See df -h"
  if cmp -s "$1.new" "$1"; then
    rm "$1.new"
    return 1
  fi
  chmod "${2:-0644}" "$1.new"
  mv -f "$1.new" "$1"
  say "wrote $1"
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
any_installed() {
  for one in "$@"; do
    ! installed "$one" || return 0
  done
  return 1
}
with_systemd() { [ -d /run/systemd/system ]; }

check_system() {
  [ "$(id -u)" -eq 0 ] || refuse "has to run as root; let $user become root by sudo without a password"
  # shellcheck source=/dev/null
  id=$(. /etc/os-release && echo "$ID") like=$(. /etc/os-release && echo "${ID_LIKE:-}")
  case " $id $like " in
    *' debian '* | *' ubuntu '*) ;;
    *) refuse "this server runs $id, and only Debian (12 or later) and Ubuntu (22.04 or later) are prepared: use one of those" ;;
  esac
  id -u "$user" >/dev/null 2>&1 || refuse "there is no user $user here: make it, or name another in host.user"
}

packages() {
  wanted='bash ca-certificates curl iptables jq openssl procps unattended-upgrades'
  if ! any_installed docker.io docker-ce && ! engine_answers; then wanted="$wanted docker.io"; fi
  # A package of its own from Debian 13 on.
  if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then wanted="$wanted docker-cli"; fi
  # Without its parser the engine starts no container on a kernel that has AppArmor turned on.
  ! grep -qs Y /sys/module/apparmor/parameters/enabled || wanted="$wanted apparmor"
  any_installed chrony ntpsec ntp openntpd systemd-timesyncd ||
    if with_systemd; then wanted="$wanted systemd-timesyncd"; else wanted="$wanted chrony"; fi
  missing=''
  for package in $wanted; do installed "$package" || missing="$missing $package"; done
  [ -n "$missing" ] || return 0
  say "installing$missing"
  apt='apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3'
  $apt update >/dev/null || refuse "apt-get update failed: look at /etc/apt and at the way to the mirrors, then run this again"
  # docker-cli is known only after the first update of a fresh machine.
  case $missing in
    *docker.io*) ! apt-cache show docker-cli >/dev/null 2>&1 || missing="$missing docker-cli" ;;
  esac
  # shellcheck disable=SC2086 # a list of packages
  $apt install -y --no-install-recommends $missing >/dev/null </dev/null ||
    refuse "apt-get could not install$missing: mend what it says above, then run this again"
}

# The server's own settings stay; what is said here wins.
docker_settings() {
  mkdir -p /etc/docker
  [ -s "$daemon_json" ] || echo '{}' >"$daemon_json"
  # shellcheck disable=SC2016 # jq's own variables
  settings=$(jq --arg root "$data_root" '
    ."live-restore" = true | .icc = false
    | if has("log-driver") then . else ."log-driver" = "json-file" | ."log-opts" = {"max-size": "10m", "max-file": "3"} end
    | if $root == "" then . else
        # The image store of containerd lies outside of the data root.
        ."data-root" = $root | ."storage-driver" = "overlay2" | .features."containerd-snapshotter" = false
      end' "$daemon_json") ||
    refuse "$daemon_json is no JSON: mend it, then run this again"
  answers=false
  ! engine_answers || answers=true
  [ "$answers" = false ] || [ "$(docker info --format '{{.Swarm.LocalNodeState}}')" != active ] ||
    refuse "this engine is part of a swarm, in which no container outlives a restart of the engine: docker swarm leave, or use another server"
  changed=false
  if ! echo "$settings" | cmp -s - "$daemon_json"; then
    cp -p "$daemon_json" "$daemon_json.before"
    as_file "$daemon_json" <<END
$settings
END
    changed=true
  fi
  [ "$answers" = true ] || return 0
  # A run that was cut off after it wrote the file has left an engine that began before it.
  [ "$changed" = true ] || [ -n "$(find "$daemon_json" -newer /run/docker.pid)" ] || return 0
  # First live-restore alone, by a signal: with it the containers outlive the restart that the rest needs.
  kill -HUP "$(cat /run/docker.pid)"
  tries=0
  until [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || settings_back 'does not take live-restore from it, and was not restarted'
    sleep 0.5
  done
  { restart_docker && engine_comes 30; } || settings_back 'does not start with it'
  rm -f "$daemon_json.before"
}

# The engine goes on, or again, with the file as it was.
settings_back() {
  [ ! -e "$daemon_json.before" ] || mv -f "$daemon_json.before" "$daemon_json"
  if ! engine_answers; then
    restart_docker || true
    engine_comes 30 || say "Docker does not answer now: its containers go on, but see journalctl -u docker at once"
  fi
  refuse "Docker $1; $daemon_json is as it was before. What stands in that file may not stand on dockerd's command line" \
    "too: look at systemctl cat docker and journalctl -u docker. It was to say: $(echo "$settings" | jq -c .)"
}

# systemd counts starts, its own tries and an owner's among them, and refuses the fourth within a minute.
restart_docker() {
  ! with_systemd || systemctl reset-failed docker || true
  service docker restart >/dev/null
}

engine_answers() { timeout 20 docker version >/dev/null 2>&1; }

# Waits until the engine answers, no longer than so many seconds.
engine_comes() {
  tries=0
  until engine_answers; do
    tries=$((tries + 1))
    [ "$tries" -lt "$1" ] || return 1
    sleep 1
  done
}

docker_runs() {
  if with_systemd; then systemctl -q enable docker; fi
  engine_answers || service docker start >/dev/null || true
  engine_comes 60 || refuse "Docker does not answer after 60 s: see journalctl -u docker, or /var/log/docker.log"
}

# Before the directory is used: a new group counts from the user's next login on.
access() {
  if [ "$user" != root ] && ! id -nG "$user" | tr ' ' '\n' | grep -qx docker; then
    getent group docker >/dev/null || groupadd --system docker
    usermod -aG docker "$user"
    say "$user may use Docker now"
  fi
  [ -n "$directory" ] || return 0
  mkdir -p "$(dirname "$directory")"
  [ -d "$directory" ] || install -d -m 0700 -o "$user" -g "$(id -gn "$user")" "$directory"
  [ "$(stat -c %U "$directory")" = "$user" ] ||
    refuse "$directory belongs to $(stat -c %U "$directory"), and host.user is $user: chown it, or name that user"
}

sshd_limits() {
  [ -d /etc/ssh ] && command -v sshd >/dev/null || return 0
  mkdir -p /etc/ssh/sshd_config.d /run/sshd
  changed=false
  # The first word on a setting counts.
  if ! grep -qiE '^[[:space:]]*Include[[:space:]]+/etc/ssh/sshd_config\.d/\*\.conf' /etc/ssh/sshd_config; then
    { echo 'Include /etc/ssh/sshd_config.d/*.conf' && cat /etc/ssh/sshd_config; } >/etc/ssh/sshd_config.new
    mv -f /etc/ssh/sshd_config.new /etc/ssh/sshd_config
    changed=true
  fi
  if as_file /etc/ssh/sshd_config.d/10-bluegreen.conf <<'END'; then changed=true; fi
# The Docker provider opens a connection, or a session on one, for each thing it does at the same time.
MaxStartups 100:30:200
MaxSessions 100
END
  [ "$changed" = true ] || return 0
  if ! wrong=$(sshd -t 2>&1); then
    rm -f /etc/ssh/sshd_config.d/10-bluegreen.conf
    refuse "sshd does not take its settings, so they were taken back: $wrong"
  fi
  service ssh reload >/dev/null 2>&1 || say "sshd could not be told to read its new limits: they count from its next start on"
}

security_updates() {
  as_file /etc/apt/apt.conf.d/52bluegreen <<'END' || true
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
// When the machine may be away is a person's choice.
Unattended-Upgrade::Automatic-Reboot "false";
END
}

# As much as the memory up to 2 GiB, 1 GiB up to 4, none above.
swap() {
  ! tail -n +2 /proc/swaps | grep -q . || return 0
  memory_mb=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
  if [ "$memory_mb" -le 2048 ]; then
    size_mb=$memory_mb
  elif [ "$memory_mb" -le 4096 ]; then
    size_mb=1024
  else
    return 0
  fi
  file=/swapfile.bluegreen
  if [ ! -f "$file" ]; then
    free_mb=$(df -Pm / | awk 'NR == 2 { print $4 }')
    if [ "$free_mb" -lt $((size_mb * 3)) ]; then
      say "no swap: ${free_mb} MB of disk are too little for ${size_mb} MB of it"
      return 0
    fi
    rm -f "$file.new"
    (umask 077 && dd if=/dev/zero of="$file.new" bs=1M count="$size_mb" status=none)
    mkswap "$file.new" >/dev/null
    mv "$file.new" "$file"
  fi
  # A container that plays a machine has no say in swap.
  if ! swapon "$file" 2>/dev/null; then
    rm -f "$file"
    say "no swap: this kernel does not let it be turned on from here"
    return 0
  fi
  grep -q "^$file " /etc/fstab || echo "$file none swap sw 0 0" >>/etc/fstab
  say "swap of $size_mb MB"
}

clock() {
  with_systemd || return 0
  for unit in chrony ntpsec ntp openntpd systemd-timesyncd; do
    installed "$unit" || continue
    systemctl -q enable --now "$unit" || say "$unit does not start: the clock may go wrong, see journalctl -u $unit"
    return 0
  done
}

kernel_settings() {
  as_file /etc/sysctl.d/60-bluegreen.conf <<'END' || true
# Redis saves from a fork, which may not be refused for want of memory that it never uses.
vm.overcommit_memory = 1
net.core.somaxconn = 1024
END
  # Huge pages make Redis slow to fork; tmpfiles sets this at each boot.
  mkdir -p /etc/tmpfiles.d
  as_file /etc/tmpfiles.d/bluegreen.conf <<'END' || true
w- /sys/kernel/mm/transparent_hugepage/enabled - - - - madvise
END
  set_kernel /proc/sys/vm/overcommit_memory 1
  set_kernel /proc/sys/net/core/somaxconn 1024
  set_kernel /sys/kernel/mm/transparent_hugepage/enabled madvise
}

set_kernel() { # file value
  [ -e "$1" ] || return 0
  case " $(cat "$1") " in *" $2 "* | *"[$2]"*) return 0 ;; esac
  (echo "$2" >"$1") 2>/dev/null || say "$1 stays \"$(cat "$1")\": this kernel does not let it be set from here"
}

prepare() {
  packages
  docker_settings
  access
  docker_runs
  sshd_limits
  security_updates
  swap
  clock
  kernel_settings
  printf 'engine %s\n' "$(docker version --format '{{.Server.APIVersion}}')"
}

main() {
  user='' directory='' data_root='' daemon_json=/etc/docker/daemon.json
  while [ $# -gt 0 ]; do
    case $1 in
      --user) user=$2 && shift ;;
      --directory) directory=$2 && shift ;;
      --data-root) data_root=$2 && shift ;;
      repair=*) ;;
      *) refuse "unknown word \"$1\"; known are --user, --directory, --data-root" ;;
    esac
    shift
  done
  [ -n "$user" ] || refuse "--user is missing: who deploys?"
  export LC_ALL=C DEBIAN_FRONTEND=noninteractive
  export PATH="/usr/local/sbin:/usr/sbin:/sbin:$PATH"
  umask 022
  # Whoever listens to it may go away: that must not leave it half done.
  trap '' HUP PIPE
  check_system
  exec 9>/run/bluegreen-prepare.lock
  flock -w 600 9 || refuse "somebody else has been preparing this server for 10 min; run this again when that is done"
  # No service that is started here may keep the lock.
  prepare 9>&-
}

# On the last line: a script that was cut off on its way does nothing.
main "$@"
