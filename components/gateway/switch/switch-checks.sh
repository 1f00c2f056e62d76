# shellcheck shell=bash
# What is asked of the target, and of a canary's colour, before visitors are; sourced by switch.sh. Why not is in $reason.

# canary_asked: the colour that is to get the canary's share, which is asked too. Not where its share goes down: whoever wants that may
# want it because it is ill.
canary_asked() {
  [ "$canary" -gt 0 ] || return 0
  if [ "$(value live "$before")" != "$target" ] || [ "$canary" -ge "$(value canary "$before")" ]; then other_color "$target"; fi
}

# look_at_containers CONTAINER…, lines of the plan: 0 all right, 1 not yet, 2 never; the reason in $reason.
look_at_containers() {
  local line name image release got state health running_image running_name running_release wanted_image
  for line; do
    read -r name image release <<<"$line"
    if ! got=$(timeout 20 docker inspect --type container --format \
      '{{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}unchecked{{end}} {{.Image}} {{.Config.Image}} {{index .Config.Labels "bluegreen.release"}}' \
      "$name" 2>&1 9>&-); then
      reason="container $name: $(tail -n 1 <<<"$got")"
      return 2
    fi
    read -r state health running_image running_name running_release <<<"$got"
    # A tag (allowed on a local host only) may have been built anew since: then its name is all there is to compare.
    wanted_image=$image
    [[ $image == *sha256:* ]] || running_image=$running_name
    if [[ $image == *sha256:* ]] && ! wanted_image=$(timeout 20 docker image inspect --format '{{.Id}}' "$image" 2>&1 9>&-); then
      reason="container $name should run image $image, which this host does not have"
      return 2
    fi
    if [ "$running_image" != "$wanted_image" ]; then
      reason="container $name runs image $running_name, the plan says $image"
      return 2
    elif [ "$running_release" != "$release" ]; then
      reason="container $name has release \"$running_release\", the plan says \"$release\""
      return 2
    fi
    reason="container $name is $state, health $health"
    case $state/$health in
      running/healthy) ;;
      running/starting) return 1 ;;
      running/unchecked)
        reason="container $name has no health check"
        return 2
        ;;
      *) return 2 ;;
    esac
  done
}

check_containers() { # CONTAINER…
  local deadline=$((SECONDS + health_wait)) verdict
  while :; do
    verdict=0
    look_at_containers "$@" || verdict=$?
    [ "$verdict" -ne 0 ] || return 0
    [ "$verdict" -eq 1 ] && [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.3
  done
}

# Tried until it passes or the time is over: a new address of a slot is seen by the gateway within a second.
smoke_test() { # COLOR
  local check deadline=$((SECONDS + smoke_wait)) answer
  for check in ${smokes[@]+"${smokes[@]}"}; do
    while :; do
      answer=$(control "/smoke?color=$1&$check" -m 65 2>&1) || true
      case $answer in "ok "*) break ;; esac
      reason="smoke check ${check%%&*} of $1: ${answer:-no answer}"
      [ "$SECONDS" -lt "$deadline" ] || return 1
      sleep 0.1
    done
  done
}

# check_shape: whether who gets visitors now, and had none, works in the database as it is.
check_shape() {
  if [ "$(value live "$before")" != "$target" ]; then planned_suits "$target" || return 1; fi
  if [ "$canary" != 0 ] && [ "$(value canary "$before")" = 0 ]; then planned_suits "$(other_color "$target")" || return 1; fi
}
planned_suits() { # COLOR
  local release=release_$1 container
  container=${containers[0]%% *}
  suits "$1" "${!release}" "${container%"-$target"}-$1"
}
