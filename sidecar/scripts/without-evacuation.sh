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

# One second's share of the clients. A batch is also bounded by what one request may hold.
pace() {
  read_self || return
  pace_limit=$conf_conn_rate
  [ "$pace_limit" -le 1000 ] || pace_limit=1000
  request GET "/clients?node=$self&conn_state=connected&limit=$pace_limit&page=1"
  [ "$status" = 200 ] || { detail="cannot list the clients: $status" && return; }
  pace_ids='' pace_count=0
  while IFS= read -r pace_line; do
    case $pace_line in
      data.*.clientid=*)
        [ ${#pace_ids} -lt 50000 ] || continue
        pace_ids="$pace_ids,\"${pace_line#*=}\"" pace_count=$((pace_count + 1))
        ;;
    esac
  done <<END
$json
END
  detail="this build of EMQX has no evacuation: disconnecting clients, $pace_count now"
  if [ "$pace_count" = 0 ]; then
    end_without_evacuation
    return
  fi
  request POST /clients/kickout/bulk "[${pace_ids#,}]"
  case $status in
    20?) paced=$((paced + pace_count)) ;;
    404) end_without_evacuation ;;
    *) detail="cannot disconnect the clients: $status" ;;
  esac
}
