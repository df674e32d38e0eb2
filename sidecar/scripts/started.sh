# shellcheck shell=busybox
# The postStart hook of EMQX's container: marks this start, which voids the latch and says that an evacuation left
# over from before is to be stopped.
#   /sluice/bin/busybox sh /sluice/bin/started.sh [-- user's own postStart command…]
# It must not fail: the kubelet would kill EMQX.

mark() {
  bin=${0%/*}
  . "$bin/share.sh"
  read_boot
  forget_left_over
  first_line /proc/sys/kernel/random/uuid
  put "$share/boot" "${first:-$$-$(bb cat /proc/uptime)}"
  bb rm -rf "$share/joined" "$share"/.gate.*
}

# Before 5.7.0 EMQX does not start with a left-over evacuation in its data directory, so nobody can ask it to stop that. Its
# file goes after a start that did not come up: one that was there before this pod, or that this pod's gate has left; never
# somebody else's. Not before: whoever comes up with it is asked, for EMQX's own stop fails without the file.
forget_left_over() {
  evacuation_file
  [ -e "$left_over" ] || return
  if [ -z "$boot" ]; then # this pod's first start
    put "$share/left-over" "$left_over"
    return
  fi
  first_line "$share/handled" # the last start that the sidecar has seen come up
  [ "$first" != "$boot" ] && [ ! -e "$share/foreign" ] || return
  if [ -e "$share/left-over" ] || [ -e "$share/started-for" ]; then
    bb rm -f "$left_over" "$share/left-over" "$share/started-for"
  fi
}

(mark) || :
. "${0%/*}/users-hook.sh"
