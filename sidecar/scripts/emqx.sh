# shellcheck shell=busybox
# Sourced by gate.sh: EMQX's management API on 127.0.0.1, by busybox nc. wget would hide the bodies of refusals.
# What differs between v5 and v4 (EMQX 4.4: port 8081, an envelope around answers, refusals inside a 200) ends here.

api='' # /api/v5 or /api/v4; '' until it is found
line_end='
'

# A directory for this process's own files, on any place that can be written.
make_scratch() {
  for scratch in "$share" /dev/shm /tmp; do
    scratch=$scratch/.gate.$$
    bb rm -rf "$scratch" 2>/dev/null
    bb mkdir -m 700 "$scratch" 2>/dev/null && bb mkfifo "$scratch/never" && return 0
  done
  return 1
}

# request METHOD PATH [BODY]: asks the API that there is. Sets $status ('' when there was no whole answer), $refused (1
# when nothing listens) and $json, the body as `path=value` lines, '' when it is no JSON; of a v4 envelope, `data` alone, and
# its code for the status when it is a refusal.
request() {
  [ -n "$api" ] || find_api || return 0
  exchange "${api_port:-$conf_port}" "$conf_authorization" 30 "$1" "${api:-/api/v5}$2" "${3-}"
  [ "$api" = /api/v4 ] && get code || return 0
  if [ "$got" != 0 ]; then status=$got; else json=$(bb sed -n 's/^data\.//p' <<END
$json
END
  ); fi
}

# Finds out which API there is, without the key, as lib/emqx/find.ts does: v5 on the port of the settings; else v4 there, or
# on 8081 if that port is EMQX's default, which on EMQX 4 belongs to a dashboard that knows no API keys. Fails when nobody
# answers: to ask a silent API once more would only double the wait, and that nothing listens on the other port says nothing.
find_api() {
  exchange "$conf_port" '' 15 GET /api/v5/nodes
  [ -n "$status" ] || [ "$refused" = 1 ] || return
  find_first=$status
  get code
  case $status.$got in
    ''.*) ;;
    *.*[!0-9]*) api=/api/v5 api_port=$conf_port && return ;;
  esac
  api_port=$conf_port
  [ "$api_port" != 18083 ] || api_port=8081
  exchange "$api_port" '' 15 GET /api/v4/nodes
  if [ "$status" = 401 ] && bb grep -qi 'realm="minirest-server"' "$scratch/answer"; then api=/api/v4; else api_port=''; fi
  [ -n "$find_first$status" ]
}

# exchange PORT AUTHORIZATION SECONDS METHOD PATH [BODY]: one request, no more than SECONDS long, since EMQX answers about
# an evacuation only between two batches. One at a time. Sets what request sets, and leaves the answer in $scratch/answer.
exchange() {
  status='' json='' refused=0
  request_text=$(
    printf '%s %s HTTP/1.0\r\nHost: %s:%s\r\nAccept: application/json\r\nConnection: close\r\n' "$4" "$5" "$conf_host" "$1"
    [ -z "$2" ] || printf 'Authorization: %s\r\n' "$2"
    [ "$4" = GET ] || printf 'Content-Type: application/json\r\nContent-Length: %s\r\n' "${#6}"
    printf '\r\n%s.' "${6-}"
  )
  request_text=${request_text%.}
  # EMQX drops a request whose sender has closed its half, so nc's input is a pipe that never ends.
  [ ${#request_text} -lt 60000 ] || return 1 # what a pipe holds without a reader
  bb rm -f "$scratch/request" && bb mkfifo "$scratch/request" || return 1
  exec 3<>"$scratch/request"
  printf '%s' "$request_text" >&3
  # Not through bb, whose subshell would take the signal; and the limit is one process, with no child that would be left
  # behind: EMQX as process 1 reaps none.
  "$busybox" nc "$conf_host" "$1" <&3 >"$scratch/answer" 2>"$scratch/error" &
  request_nc=$!
  (read -r -t "$3" request_over <>"$scratch/never" || kill "$request_nc") 3>&- 2>/dev/null &
  request_limit=$!
  wait "$request_nc"
  kill "$request_limit" 2>/dev/null
  wait "$request_limit" 2>/dev/null
  exec 3>&-
  case $(bb cat "$scratch/error") in *refused*) refused=1 ;; esac
  read -r request_line <"$scratch/answer"
  case $request_line in
    HTTP/1.[01]\ [1-5][0-9][0-9]*) ;;
    *) return 1 ;;
  esac
  request_line=${request_line#* }
  json=$(bb sed '1,/^\r*$/d' "$scratch/answer" | flatten)
  case $json in
    *"$line_end.") json=${json%.} ;;
    *) json='' ;;
  esac
  status=${request_line%"${request_line#???}"}
}

# JSON on standard input → one line `path=value` for each scalar, `path=[]` for each empty array, and last
# `.` if it was whole. Strings lose their quotes and keep their escapes.
flatten() {
  # Cut at the quotation marks, text is by turns outside and inside of a string: no step looks at more than its piece.
  bb awk '
    function path(  i, p) {
      for (i = 1; i <= depth; i++) p = p (i > 1 ? "." : "") (kind[i] == "{" ? key[i] : place[i])
      return p
    }
    function scalar(text) {
      if (wantKey) key[depth] = text
      else if (depth < 1) bad = 1
      else { full[depth] = 1; print path() "=" text }
    }
    function sign(t) {
      if (t == "{" || t == "[") {
        full[depth] = 1; depth++; kind[depth] = t; place[depth] = 0; full[depth] = 0; wantKey = (t == "{")
      } else if (t == "}" || t == "]") {
        if (depth < 1 || kind[depth] != (t == "}" ? "{" : "[")) bad = 1
        depth--; wantKey = 0
        if (t == "]" && !full[depth + 1]) print path() "=[]"
      } else if (t == ",") {
        if (kind[depth] == "{") wantKey = 1; else place[depth]++
      } else if (t == ":") wantKey = 0
      else scalar(t)
    }
    BEGIN { RS = "\"" }
    inside {
      text = held $0
      if (match(text, /\\+$/) && RLENGTH % 2) { held = text "\""; next }
      held = ""; inside = 0; scalar(text); next
    }
    {
      gsub(/[][{}:,]/, " & ")
      count = split($0, signs, " ")
      for (at = 1; at <= count; at++) { seen = 1; sign(signs[at]) }
      inside = 1
    }
    END { if (seen && depth == 0 && !bad && held == "") print "." }'
}

# get PATH: sets $got to that value of $json ('' when there is none).
get() {
  got=
  while IFS= read -r get_line; do
    case $get_line in
      "$1="*)
        got=${get_line#*=}
        return 0
        ;;
    esac
  done <<END
$json
END
  return 1
}

# count PATH: sets $got to that whole number of $json (floats are cut), or to $2.
count() {
  get "$1"
  got=${got%%.*}
  case $got in '' | *[!0-9]*) got=$2 ;; esac
}

# Sets $self, this node's name; v4 tells it only in the text of GET /status.
read_self() {
  if [ "$api" = /api/v4 ]; then
    exchange "$api_port" '' 30 GET /status
    self=$(bb sed -n 's/^Node \([^ ]*@[^ ]*\) is .*/\1/p' "$scratch/answer")
    [ -n "$self" ]
    return
  fi
  request GET /cluster
  [ "$status" = 200 ] && get self && self=$got
}

# Reads GET /nodes: $running (the other nodes that run, each between blanks), and of this one $version (as a number,
# 50809 for 5.8.9; 0 unknown), $clients and $sessions ('' unknown).
read_nodes() {
  request GET /nodes
  [ "$status" = 200 ] || return 1
  running=' ' version=0 clients='' sessions='' node_at='' node_name='' node_up='' node_version='' node_live='' node_all=''
  while IFS= read -r node_line; do
    node_key=${node_line%%=*}
    if [ "${node_key%%.*}" != "$node_at" ]; then
      end_of_node
      node_at=${node_key%%.*} node_name='' node_up='' node_version='' node_live='' node_all=''
    fi
    case ${node_key#*.} in
      node | name) node_name=${node_line#*=} ;;
      node_status) node_up=${node_line#*=} ;;
      version) node_version=${node_line#*=} ;;
      live_connections) node_live=${node_line#*=} ;;
      connections) node_all=${node_line#*=} ;;
    esac
  done <<END
$json
END
  end_of_node
}

end_of_node() {
  if [ -n "$node_name" ] && [ "$node_name" = "$self" ]; then
    number_of_version "$node_version"
    case $node_all in '' | *[!0-9]*) ;; *) sessions=$node_all ;; esac
    # EMQX 4 and before 5.1: only sessions are counted, disconnected ones included.
    case $node_live in '' | *[!0-9]*) clients=$sessions ;; *) clients=$node_live ;; esac
  elif [ -n "$node_name" ] && [ "${node_up#[Rr]}" = unning ]; then
    running="$running$node_name "
  fi
}

# number_of_version 5.8.9-rc.1: sets $version to 50809.
number_of_version() {
  version=0
  number_parts=${1%%[!0-9.]*}
  number_major=${number_parts%%.*}
  number_parts=${number_parts#*.}.0.
  number_minor=${number_parts%%.*}
  number_parts=${number_parts#*.}
  number_patch=${number_parts%%.*}
  case $number_major.$number_minor.${number_patch:=0} in
    .* | *..*) ;;
    *) version=$((number_major * 10000 + number_minor * 100 + number_patch)) ;;
  esac
}
