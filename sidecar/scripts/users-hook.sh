# shellcheck shell=busybox
# Sourced last by gate.sh and started.sh: becomes the user's own hook, the words after `--`, if there are any. Words are
# found as their container finds them: busybox has a program of its own for many names, which must not be taken.
# Everything else ran in a subshell, so the hook's environment is as the container has it.

[ "${1-}" = -- ] && shift
[ $# -gt 0 ] || exit 0
case $1 in
  */*) exec "$@" ;;
esac
sluice_dirs=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}:
while [ -n "$sluice_dirs" ]; do
  sluice_file=${sluice_dirs%%:*}/$1
  sluice_dirs=${sluice_dirs#*:}
  if [ -x "$sluice_file" ] && [ ! -d "$sluice_file" ]; then
    shift
    exec "$sluice_file" "$@"
  fi
done
echo "sluice: $1: not found" >&2
exit 127
