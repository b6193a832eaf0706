#!/bin/sh
# Stash starts this for every hook and task, except on Windows, where it finds stash-plex-sync.exe. It replaces
# itself with the program beside it for this system, so that signals reach the program directly.
#
# Starting a shell costs a fifth of what starting the program does, and starting uname two fifths more. So Linux
# is detected by its dynamic loader, which has a fixed name, and uname runs only if there is no such loader, or
# several. A loader also shows what the system can run, which a kernel for both 32 and 64 bits does not.

name=stash-plex-sync

# fail exits with one line at error level, in the form that Stash reads.
fail() {
  printf '\001e\002%s\n' "$1" >&2
  exit 1
}

case $0 in
  /*) self=$0 ;;
  *) self=./$0 ;;
esac
while [ -L "$self" ]; do # a link to this file, as in /usr/local/bin
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
      *) fail "$name does not support this system (${machine:-unknown}): it runs on Linux (amd64, arm64, and arm from ARMv6), macOS, Windows (amd64) and FreeBSD (amd64)" ;;
    esac
    ;;
esac

program=$folder/$name-$platform

# complete reports whether the program exists and is unpacked completely: Stash unpacks LICENSE and README.txt after
# all programs, and then writes "manifest". Any of them is enough, since people delete files they do not need.
complete() {
  [ -s "$program" ] && { [ -e "$folder/LICENSE" ] || [ -e "$folder/README.txt" ] || [ -e "$folder/manifest" ]; }
}

if ! complete; then # if this file is new, Stash may still be unpacking an update
  seconds=5
  [ -n "$(find "$self" -mmin -2 2>/dev/null)" ] || seconds=0
  until [ -e "$folder/manifest" ] || [ "$seconds" -eq 0 ]; do
    sleep 1
    seconds=$((seconds - 1))
  done
  [ -s "$program" ] || fail "$program is missing: install $name again"
  complete || fail "$program is incomplete: install $name again"
fi
if ! [ -x "$program" ]; then # unpacked without modes
  chmod +x "$program" 2>/dev/null || fail "$program is not executable: run chmod +x on it, or install $name again"
fi
exec "$program" "$@"
