# shellcheck shell=busybox
# Process 1 of the sidecar's container. Installs the gate into the share, then keeps the program running. It ends on
# SIGTERM only: a sidecar that does not run makes its pod unready, so a program that crashes must not end it.
# SLUICE_SHARE, SLUICE_KEY_DIR and SLUICE_PROGRAM are for tests.

here=${0%/*}
share=${SLUICE_SHARE:-/sluice}
key_dir=${SLUICE_KEY_DIR:-/etc/sluice/api-key}
# Without a compiler at run time, and with one helper thread, Node takes 10 MiB less; its work here is a request a second.
# Small collections alone let garbage pile up for hours; a whole one takes 10 ms of its few MB.
program=${SLUICE_PROGRAM:-node --lite-mode --gc-global --v8-pool-size=1 --max-semi-space-size=1 --max-old-space-size=48 /app/sidecar.cjs}
# One heap of the C library for all threads.
export MALLOC_ARENA_MAX=1
busybox=${SLUICE_BUSYBOX:-/usr/local/bin/busybox}
stopping='' child=''

# One line of JSON with the keys of every other program's.
log() {
  at=$("$busybox" date -u +%Y-%m-%dT%H:%M:%SZ)
  printf '{"level":"%s","time":"%s","program":"sidecar-run",%s"msg":"%s"}\n' "$1" "$at" "$3" "$2"
}

# Whoever runs the old file keeps it; nobody ever sees half of the new one.
install() {
  "$busybox" cp "$1" "$share/bin/.$2.$$" &&
    "$busybox" chmod 0555 "$share/bin/.$2.$$" &&
    "$busybox" mv -f "$share/bin/.$2.$$" "$share/bin/$2"
}

install_gate() {
  "$busybox" mkdir -p "$share/bin" || return
  install "$busybox" busybox || return
  for file in "$here"/*.sh; do
    [ "${file##*/}" = run.sh ] || install "$file" "${file##*/}" || return
  done
}

# The settings that EMQX's container drains by: those last told, if this container was restarted, else the first. Without a
# key in the Secret, the last one stays; whether there is one.
write_conf() {
  key=$(key_file key) secret=$(key_file secret)
  if [ -n "$key" ] && [ -n "$secret" ]; then
    key=$(printf '%s:%s' "$key" "$secret" | "$busybox" base64 | "$busybox" tr -d '\n') || return
    authorization="authorization=Basic $key"
  else
    log error "the API key or its secret is missing or empty: put them into Secret ${SLUICE_API_KEY_SECRET-} (keys key and secret)" ''
    authorization=$("$busybox" grep '^authorization=' "$share/drain.conf" 2>/dev/null)
  fi
  (
    umask 0337
    {
      [ -z "$authorization" ] || printf '%s\n' "$authorization"
      if [ -s "$share/drain.conf" ]; then
        "$busybox" grep -v '^authorization=' "$share/drain.conf"
      else
        printf '%s=%s\n' apiPort "${SLUICE_API_PORT:-18083}" connEvictRate "${SLUICE_CONN_EVICT_RATE:-1000}" \
          sessEvictRate "${SLUICE_SESS_EVICT_RATE:-1000}" waitTakeover "${SLUICE_WAIT_TAKEOVER:-10}" \
          waitHealthCheck "${SLUICE_WAIT_HEALTH_CHECK:-0}" noRecipientSeconds "${SLUICE_NO_RECIPIENT_SECONDS:-40}" \
          withoutEvacuation "${SLUICE_WITHOUT_EVACUATION:-Refuse}" recipients ''
      fi
    } >"$share/.drain.conf.$$"
  ) && "$busybox" mv -f "$share/.drain.conf.$$" "$share/drain.conf" && [ -n "$authorization" ]
}

# EMQX starts when there is a gate, and a key for it.
open_gate() { write_conf && : >"$share/bin/ready-to-gate"; }

key_file() { "$busybox" tr -d '\r\n' <"$key_dir/$1" 2>/dev/null; }

# Sleeps, but no longer than until SIGTERM.
pause() {
  "$busybox" sleep "$1" &
  child=$!
  wait "$child"
}

seconds() { read -r up rest </proc/uptime && up=${up%.*}; }

on_term() {
  stopping=1
  kill -TERM "$child" 2>/dev/null
}

trap on_term TERM INT
until install_gate; do
  log error 'cannot install the gate; trying again' ''
  [ -n "$stopping" ] && exit 0
  pause 2
done
# The program runs meanwhile, and tells the controller what is missing.
keeper=''
if ! open_gate; then
  (while kill -0 "$$" 2>/dev/null && "$busybox" sleep 2 && ! open_gate; do :; done) &
  keeper=$!
fi

back_off=1
while [ -z "$stopping" ]; do
  seconds && began=$up
  $program &
  child=$!
  wait "$child"
  code=$?
  [ -n "$stopping" ] && break
  seconds
  [ $((up - began)) -lt 60 ] || back_off=1
  log error 'the program ended; starting it again' "\"code\":$code,\"afterSeconds\":$back_off,"
  pause "$back_off"
  back_off=$((back_off * 2))
  [ "$back_off" -le 30 ] || back_off=30
done

[ -z "$keeper" ] || kill "$keeper" 2>/dev/null
# A program that hangs must not hold its pod for longer than 5 s.
tenths=0
while [ "$tenths" -lt 50 ] && kill -0 "$child" 2>/dev/null; do
  "$busybox" sleep 0.1
  tenths=$((tenths + 1))
done
kill -KILL "$child" 2>/dev/null
exit 0
