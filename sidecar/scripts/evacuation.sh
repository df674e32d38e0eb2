# shellcheck shell=busybox
# Sourced by gate.sh: one pass of the drain rule. Sets $detail (what is seen or waited for) and $verdict: '' go on,
# `drained`, or `lost` (ended with $lost sessions that nobody took).

refusals=0        # starts refused in a row, for anything but a running evacuation
sent_recipients=? # what our own start named, '' any node or not our own; ? when that is not known
nowhere_since=''  # since when every answer has shown that no node can take sessions
turn_at=10        # after so many seconds of that the next look for one that could
empty_since=''    # since when this node holds nothing, while EMQX still counts sessions
counted_sessions=0
paced=0           # clients told to go so far, without an evacuation
absent_since=''   # since when the API has answered that it has no evacuation

look() {
  request GET /load_rebalance/status
  case $status in
    200) ;;
    401 | 403) detail="EMQX refuses the API key ($status)" && return ;;
    404) look_without_evacuation && return ;;
    '') detail="EMQX's API gives no answer" && return ;;
    *) detail="EMQX's API answers $status" && return ;;
  esac
  absent_since=''
  get status
  status_is=$got
  get process
  case $status_is.$got in
    disabled.*) begin ;;
    enabled.evacuation) follow ;;
    enabled.*) detail="waiting for a $got that somebody else began to end" ;;
    *) detail="EMQX's status cannot be understood" ;;
  esac
}

# Starts the evacuation. Whether it was accepted is seen at the next look. A file says that it is ours, and what it named,
# also when the answer is lost; a first refusal takes the file away, for what runs then is somebody else's.
begin() {
  detail='cannot read the nodes'
  read_self && read_nodes && [ -n "$sessions" ] || return
  choose_recipients
  is_ours && begin_again=1 || begin_again=''
  put "$share/started-for" "$gate_boot $recipients"
  request POST "/load_rebalance/$self/evacuation/start" "$(start_body)"
  get message
  case $status.$begin_again in
    200.* | 5??.* | .* | *.1) ;;
    *) sent_recipients='' && bb rm -f "$share/started-for" ;;
  esac
  case $status.$got in
    200.*) detail='evacuation started' refusals=0 sent_recipients=$recipients ;;
    400.*already_started*) detail='an evacuation runs already' refusals=0 ;;
    400.*eviction_agent_busy*) detail='waiting for a rebalance or purge that somebody else began to end' ;;
    *)
      detail="start refused: $status $got"
      refusals=$((refusals + 1))
      ;;
  esac
}

# Sets $recipients: those of the settings that run; after 3 refusals, or when none runs, '', which means any node that
# is not itself draining.
choose_recipients() {
  recipients=
  [ "$refusals" -lt 3 ] || return
  for choose_node in $conf_recipients; do
    case $running in *" $choose_node "*) recipients="$recipients $choose_node" ;; esac
  done
  recipients=${recipients# }
}

# The body of the start. With nothing to hand over, the shortest waits that the version accepts; after 6 refusals the
# bare rates, which every version knows.
start_body() {
  body_takeover=$conf_wait_takeover body_health=$conf_wait_health
  if [ "$clients" = 0 ] && [ "$sessions" = 0 ]; then body_takeover=0 body_health=0; fi
  [ "$version" -lt 50101 ] && [ "$body_takeover" -lt 1 ] && body_takeover=1
  body="\"conn_evict_rate\":$conf_conn_rate,\"sess_evict_rate\":$conf_sess_rate"
  if [ "$refusals" -lt 6 ]; then
    body="$body,\"wait_takeover\":$body_takeover"
    [ "$version" -ge 50100 ] && body="$body,\"wait_health_check\":$body_health"
  fi
  body_names=
  for body_node in $recipients; do body_names="$body_names,\"$body_node\""; done
  [ -z "$body_names" ] || body="$body,\"migrate_to\":[${body_names#,}]"
  printf '{%s}' "$body"
}

# Follows a running evacuation, whoever started it and with whatever parameters.
follow() {
  get state
  state=$got
  count stats.current_connected 0
  connected=$got
  count stats.current_sessions 0
  counted_sessions=$got
  case $json in *session_recipients.0=*) recipients_seen=1 ;; *session_recipients=*) recipients_seen=0 ;; *) recipients_seen=? ;; esac
  case $state in
    prohibiting)
      detail="prohibiting: $connected clients and $counted_sessions sessions left"
      # v4 reaches this state with some left
      if [ "$api" != /api/v4 ] || [ "$connected.$counted_sessions" = 0.0 ]; then
        detail='every client and session is handed over' verdict=drained
        return
      fi
      ;;
    evicting_conns) detail="evicting_conns: $connected clients left" ;;
    evicting_sessions) detail="evicting_sessions: $counted_sessions sessions left" ;;
    waiting_health_check | waiting_takeover) detail=$state ;;
    *) detail="EMQX's status cannot be understood" && return ;;
  esac
  is_ours || detail="$detail; somebody else began this evacuation"
  case $recipients_seen in
    0) nowhere 'no other node can take sessions' ;;
    1) nowhere_since='' ;;
  esac
  [ -n "$verdict" ] && return
  if [ "$state" = evicting_sessions ] && [ "$counted_sessions" -gt 0 ]; then look_for_durable; else empty_since=''; fi
}

# Durable sessions are counted across the cluster, so EMQX goes on evicting what is not here: this node is drained when
# it holds no client and no session itself, seen twice, at least 2 s apart.
look_for_durable() {
  durable_detail=$detail
  read_self && read_nodes || return
  clock
  if [ "$clients" != 0 ] || [ "$sessions" != 0 ]; then
    empty_since=''
  elif [ -z "$empty_since" ]; then
    empty_since=$now
  elif [ $((now - empty_since)) -ge 200 ]; then
    detail='this node holds no client and no session; the sessions still counted are durable' verdict=drained
    return
  fi
  detail=$durable_detail
}

# nowhere WHY: gives up when that has been so in every answer for noRecipientSeconds. Before, it looks once every 10 s
# whether an evacuation of ours was told of nodes that have gone since, while others could take over.
nowhere() {
  clock
  [ -n "$nowhere_since" ] || nowhere_since=$now turn_at=10
  nowhere_for=$(((now - nowhere_since) / 100))
  detail="$detail; $1 (for $nowhere_for s, gives up after $conf_no_recipient s)"
  if [ "$nowhere_for" -ge "$conf_no_recipient" ]; then
    read_self && read_nodes
    lost=${sessions:-${counted_sessions:-0}}
    detail=$1 verdict=lost
  elif [ "$nowhere_for" -ge "$turn_at" ]; then
    turn_at=$((nowhere_for + 10)) # a look may take seconds, so that none falls on the tenth itself
    turn_elsewhere
  fi
}

# Whether the running evacuation is one that this start's gate began.
is_ours() {
  first_line "$share/started-for"
  case "$first " in "$gate_boot "*) ;; *) return 1 ;; esac
}

# The gate's last act: EMQX shall not resume our own evacuation when it starts again, which before 5.7.0 it could not even
# survive. Not while it may still be stopped: EMQX's stop fails without the file, and leaves the node closed.
forget_own() {
  is_ours || return
  evacuation_file
  bb rm -f "$left_over" 2>/dev/null
}

# Stops our own evacuation and starts it anew, if it then has somewhere to go.
turn_elsewhere() {
  is_ours || return
  [ "$sent_recipients" != '?' ] || sent_recipients=${first#"$gate_boot"}
  [ -n "$sent_recipients" ] || return
  read_self && read_nodes || return
  request GET /load_rebalance/global_status
  [ "$status" = 200 ] || return
  for turn_node in $running; do
    case $json in *".node=$turn_node
"*) continue ;; esac
    case " $sent_recipients " in *" $turn_node "*) continue ;; esac
    request POST "/load_rebalance/$self/evacuation/stop" '{}'
    # To any node, unless the settings name this one.
    case " $conf_recipients " in *" $turn_node "*) refusals=0 ;; *) refusals=3 ;; esac
    begin
    return
  done
}
