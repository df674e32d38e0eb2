# shellcheck shell=busybox
# Sourced by the other scripts: the shared directory, its markers, the settings in it, and the clock.
# Static busybox only: EMQX's image need not have a shell or any tool. $bin is where the scripts lie, set by the caller.

busybox=$bin/busybox
share=${bin%/*}
LC_ALL=C # so that ${#text} counts bytes
umask 022

bb() { "$busybox" "$@"; }

# Sets $now: hundredths of a second since the machine started. Wall clocks jump.
clock() {
  read -r clock_up clock_rest </proc/uptime
  now=$((${clock_up%.*} * 100 + 1${clock_up#*.} - 100))
}

# Replaces FILE ($1) with the text $2 in one step; nobody ever sees half of it.
put() {
  printf '%s\n' "$2" >"$1.$$" 2>/dev/null && bb mv -f "$1.$$" "$1" 2>/dev/null
}

# Sets $first to FILE's first line, or to nothing.
first_line() {
  first=
  [ -r "$1" ] && read -r first <"$1"
}

# Which start of EMQX's container this is; started.sh wrote it.
read_boot() {
  first_line "$share/boot"
  boot=$first
}

# Sets $left_over to the file from which EMQX goes on with an evacuation when it starts, on a claim in the next pod too.
evacuation_file() {
  left_over=${EMQX_NODE__DATA_DIR:-/opt/emqx/data}
  left_over=${left_over#'"'}
  left_over=${left_over%'"'}
  case $left_over in /*) ;; *) left_over=/opt/emqx/$left_over ;; esac
  left_over=${left_over%/}/.evacuation
}

# Whether the latch belongs to the present start of EMQX.
is_joined() {
  read_boot
  first_line "$share/joined"
  [ -n "$boot" ] && [ "$first" = "$boot" ]
}

# Reads drain.conf into $conf_*; what is missing or malformed keeps its last value. Never evaluated.
read_conf() {
  [ -r "$share/drain.conf" ] || return 1
  while IFS= read -r conf_line; do
    conf_value=${conf_line#*=}
    case $conf_line in
      authorization=*) conf_authorization=$conf_value ;;
      withoutEvacuation=*) conf_without=$conf_value ;;
      recipients=*) conf_recipients=$conf_value ;;
      *=*[!0-9]* | *=) ;;
      apiPort=*) conf_port=$conf_value ;;
      connEvictRate=*) conf_conn_rate=$conf_value ;;
      sessEvictRate=*) conf_sess_rate=$conf_value ;;
      waitTakeover=*) conf_wait_takeover=$conf_value ;;
      waitHealthCheck=*) conf_wait_health=$conf_value ;;
      noRecipientSeconds=*) conf_no_recipient=$conf_value ;;
      staySeconds=*) conf_stay=$conf_value ;;
    esac
  done <"$share/drain.conf"
}

conf_defaults() {
  conf_host=127.0.0.1 conf_port=18083 conf_authorization='' conf_without=Refuse conf_recipients=''
  conf_conn_rate=1000 conf_sess_rate=1000 conf_wait_takeover=10 conf_wait_health=0 conf_no_recipient=40 conf_stay=0
}
