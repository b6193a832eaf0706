#!/bin/sh
# Stash starts this for every hook and task, except on Windows, where it finds stash-plex-sync.exe. It becomes
# the program beside it that fits this machine, so that signals reach that and nothing stays between.
#
# Starting a shell costs a fifth of what starting the program does, and starting uname two fifths more. So a
# Linux system is known by its dynamic loader, whose name is fixed, and uname is asked only where there is no
# such loader, or several. A loader also tells what the system around us can run, which a kernel that runs both
# 32 and 64 bits does not.

name=stash-plex-sync

# fail ends with one line at error level, in the form that Stash reads. Stash itself goes on at once.
fail() {
  printf '\001e\002%s\n' "$1" >&2
  exit 1
}

case $0 in
  /*) self=$0 ;;
  *) self=./$0 ;;
esac
while [ -L "$self" ]; do # a link to this file alone, as in /usr/local/bin
  target=$(readlink "$self")
  case $target in
    /*) self=$target ;;
    *) self=${self%/*}/$target ;;
  esac
done
folder=${self%/*}

platform=
for loader in \
  linux-amd64:/lib64/ld-linux-x86-64.so.2 linux-amd64:/lib/ld-musl-x86_64.so.1 \
  linux-arm64:/lib/ld-linux-aarch64.so.1 linux-arm64:/lib/ld-musl-aarch64.so.1 \
  linux-arm:/lib/ld-linux-armhf.so.3 linux-arm:/lib/ld-musl-armhf.so.1; do
  if [ -e "${loader#*:}" ]; then
    case $platform in
      '' | "${loader%%:*}") platform=${loader%%:*} ;;
      *) platform=several ;;
    esac
  fi
done
case $platform in
  '' | several)
    machine=$(uname -sm 2>/dev/null)
    case $machine in
      'Linux x86_64') platform=linux-amd64 ;;
      'Linux aarch64' | 'Linux arm64') platform=linux-arm64 ;;
      'Linux armv'[678]*l) platform=linux-arm ;;
      'Darwin x86_64') platform=darwin-amd64 ;;
      'Darwin arm64') platform=darwin-arm64 ;;
      'FreeBSD amd64') platform=freebsd-amd64 ;;
      *) fail "$name does not run on this machine (${machine:-unknown}): it is made for Linux (amd64, arm64, and arm from ARMv6), macOS, Windows (amd64) and FreeBSD (amd64)" ;;
    esac
    ;;
esac

program=$folder/$name-$platform

# whole tells whether the program is there and written to its end: Stash unpacks LICENSE and README.txt after all
# programs, and then writes "manifest". Any of them will do, since people remove what they do not need.
whole() {
  [ -s "$program" ] && { [ -e "$folder/LICENSE" ] || [ -e "$folder/README.txt" ] || [ -e "$folder/manifest" ]; }
}

if ! whole; then # Stash may be unpacking an update, if this file is new; an old one is waited for by nobody
  seconds=5
  [ -n "$(find "$self" -mmin -2 2>/dev/null)" ] || seconds=0
  until [ -e "$folder/manifest" ] || [ "$seconds" -eq 0 ]; do
    sleep 1
    seconds=$((seconds - 1))
  done
  [ -s "$program" ] || fail "$program is missing: install $name again"
  whole || fail "$program is not whole: install $name again"
fi
if ! [ -x "$program" ]; then # unpacked by something that knows no modes
  chmod +x "$program" 2>/dev/null || fail "$program may not be executed: make it executable (chmod +x), or install $name again"
fi
exec "$program" "$@"
