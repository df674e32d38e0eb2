# shellcheck shell=busybox
# The preStop gate: runs in EMQX's container and holds its end back until this node is drained.
#   /sluice/bin/busybox sh /sluice/bin/gate.sh [-- user's own preStop command…]
# It alone runs the drain: it needs no process of the sidecar, only the files that the sidecar has left in the share.
# Each pass looks at EMQX afresh and does at most one thing, so a second gate beside it, a lost answer, an evacuation
# begun by someone else or a restart change nothing. An error or a time-out never counts as drained.

until (. "${0%/*}/drain.sh" && gate >/dev/null); do "${0%/*}/busybox" sleep 1; done
. "${0%/*}/users-hook.sh"
