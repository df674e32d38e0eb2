# shellcheck shell=busybox
# Sourced by gate.sh in a subshell: the drain of this node, from the first look to the last.

bin=${0%/*}
. "$bin/share.sh"
. "$bin/emqx.sh"
. "$bin/evacuation.sh"
. "$bin/without-evacuation.sh"

gate() {
  conf_defaults
  read_conf
  read_boot
  gate_boot=$boot
  until make_scratch; do bb sleep 1; done
  trap 'bb rm -rf "$scratch"' EXIT
  self='' said='' detail='' stays_since='' lost=0 version=0 clients='' sessions='' running=''
  state='' connected='' counted_sessions=''
  clock
  gate_began=$now
  say draining 'asking EMQX'
  if is_joined; then served=1; else served=0; fi
  while :; do
    read_conf
    clock
    verdict=
    if [ "$served" = 0 ]; then look_at_newcomer; else look; fi
    going=
    if [ -n "$verdict" ] && ! stays; then
      going=1
      forget_own
    elif [ "$verdict" = lost ]; then
      verdict= # whoever joins may take what nobody could take so far
    fi
    case $verdict in
      drained) say drained "$detail" ;;
      lost) say gave-up "$detail" ;;
      *) say draining "$detail" ;;
    esac
    [ -z "$going" ] || return 0
    bb sleep 1
  done
}

# Whether this node, which has nothing to hand over any more, is to stay for a while because others join, maybe through it.
# Not one that has not joined itself.
stays() {
  [ "$served" = 1 ] && [ "$conf_stay" -gt 0 ] || return
  clock
  : "${stays_since:=$now}"
  [ $((now - stays_since)) -lt $((conf_stay * 100)) ]
}

# Writes the progress for the sidecar's report: say STATE DETAIL.
say() {
  [ "$said" = "$1 $2" ] && return
  said="$1 $2"
  put "$share/gate" "boot=$gate_boot
state=$1
detail=$2
sessionsLost=$lost
node=$self
evacuation=$state $connected $counted_sessions"
}

# A node whose present start has not joined: it is let go at once if there is nothing to hand over, or nobody to ask.
look_at_newcomer() {
  detail='this node has not joined; asking what it holds'
  verdict=drained
  if read_self && read_nodes; then
    [ "$clients" = 0 ] && [ "$sessions" = 0 ] && return
    verdict='' served=1
    return
  fi
  clock # a silent API may have taken its time
  if [ "$refused" = 1 ] || [ "$status" = 401 ] || [ "$status" = 403 ]; then
    detail='this node never joined, and its API cannot be used'
  elif [ $((now - gate_began)) -ge $((conf_no_recipient * 100)) ]; then
    detail='this node never joined, and its API does not answer'
  else
    verdict=
  fi
}
