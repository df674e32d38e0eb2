# shellcheck shell=busybox
# The postStart hook of EMQX's container: marks this start, which voids the latch and says that an evacuation left
# over from before is to be stopped.
#   /sluice/bin/busybox sh /sluice/bin/started.sh [-- user's own postStart command…]
# It must not fail: the kubelet would kill EMQX.

mark() {
  bin=${0%/*}
  . "$bin/share.sh"
  first_line /proc/sys/kernel/random/uuid
  put "$share/boot" "${first:-$$-$(bb cat /proc/uptime)}"
  bb rm -rf "$share/joined" "$share"/.gate.*
}

(mark) || :
. "${0%/*}/users-hook.sh"
