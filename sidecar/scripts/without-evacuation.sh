# shellcheck shell=busybox
# Sourced by gate.sh: builds of EMQX whose API has no evacuation (404); `withoutEvacuation` decides.
#   None    the pod ends as it would without Sluice
#   Paced   its clients are told to go at connEvictRate, then it ends; their sessions on this node are lost
#   Refuse  Sluice itself takes no such pod down; one that somebody deletes is held for noRecipientSeconds, as when there
#           is nowhere to go, and then ends with its sessions lost
look_without_evacuation() {
  clock
  : "${absent_since:=$now}"
  detail='this build of EMQX has no evacuation'
  absent_for=$(((now - absent_since) / 100))
  # A node that is starting may answer 404 for a moment.
  [ "$absent_for" -ge 2 ] || return 0
  case $conf_without in
    None) end_without_evacuation ;;
    Paced) [ "$absent_for" -lt "$conf_wait_health" ] || pace ;;
    *) nowhere 'this build of EMQX has no evacuation' ;;
  esac
  return 0
}

end_without_evacuation() {
  read_self && read_nodes || return
  lost=$((paced + sessions)) verdict=lost
}

# One second's share of the clients. A batch is also bounded by what one request may hold, and one by one by what a second
# does: builds before 5.1 and EMQX 4 have no call for many.
pace() {
  read_self && read_nodes || return
  pace_limit=$conf_conn_rate
  [ "$version" -ge 50100 ] && pace_most=1000 || pace_most=50
  [ "$pace_limit" -le "$pace_most" ] || pace_limit=$pace_most
  if [ "$api" = /api/v4 ]; then
    request GET "/nodes/$self/clients?conn_state=connected&_limit=$pace_limit&_page=1"
  else
    request GET "/clients?node=$self&conn_state=connected&limit=$pace_limit&page=1"
  fi
  [ "$status" = 200 ] || { detail="cannot list the clients: $status" && return; }
  pace_ids=$(bb sed -n 's/^\(data\.\)\{0,1\}[0-9]*\.clientid=//p' <<END
$json
END
  )
  if [ -z "$pace_ids" ]; then
    end_without_evacuation
  elif [ "$version" -ge 50100 ]; then
    disconnect_many
  else
    disconnect_each
  fi
}

disconnect_many() {
  pace_list='' pace_count=0
  while IFS= read -r pace_id; do
    [ ${#pace_list} -lt 50000 ] || break
    pace_list="$pace_list,\"$pace_id\"" pace_count=$((pace_count + 1))
  done <<END
$pace_ids
END
  request POST /clients/kickout/bulk "[${pace_list#,}]"
  case $status in
    20?) disconnected "$pace_count" ;;
    404) end_without_evacuation ;;
    *) detail="cannot disconnect the clients: $status" ;;
  esac
}

disconnect_each() {
  pace_count=0 pace_status=''
  while IFS= read -r pace_id; do
    in_path "$pace_id"
    request DELETE "/clients/$got" </dev/null
    case $status in
      # 404 and v4's 112: it has gone by itself
      20? | 404 | 112) pace_count=$((pace_count + 1)) ;;
      *) pace_status=$status ;;
    esac
  done <<END
$pace_ids
END
  disconnected "$pace_count"
  [ -z "$pace_status" ] || detail="cannot disconnect a client: $pace_status"
}

disconnected() {
  paced=$((paced + $1))
  detail="this build of EMQX has no evacuation: disconnecting clients, $1 now"
}

# in_path TEXT: sets $got to a JSON string's inside as a part of a path, every byte encoded if any of them could be a sign.
in_path() {
  got=$1
  case $1 in
    *[!A-Za-z0-9._~-]*)
      got=$(printf '%s' "$1" | bb sed 's/\\\(["\\/]\)/\1/g' | bb od -An -v -tx1 | bb tr -d ' \n' | bb sed 's/../%&/g')
      ;;
  esac
}
