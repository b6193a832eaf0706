#!/usr/bin/env bash
# Builds, tests and checks stash-plex-sync. Run "./build.sh help" for the commands.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

name=stash-plex-sync
release=0.1.0
# Where Stash runs. linux-arm is for ARMv6 and whatever is newer and has 32 bits.
platforms="darwin-amd64 darwin-arm64 freebsd-amd64 linux-amd64 linux-arm linux-arm64 windows-amd64"

usage() {
  cat <<EOF
usage: ./build.sh [command]
  (none), build    builds dist/$name/: what is dropped into Stash's plugins folder
  test [-short …]  runs the tests, without torture; further words go to "go test", and -short leaves out what starts processes
  demo             builds, then shows the main job on stand-ins for Stash and Plex
  lint             formatting, golangci-lint (.golangci.yml), module, generated and dead code
  fuzz [seconds]   feeds each parser random input, for so long each (default 10)
  bench [pattern]  measures speed and memory against their goals and prints a table (about 11 minutes)
  race             runs the tests that start no processes under the race detector; needs a C compiler
  torture [min.]   kills, races, faults and random input for so many minutes and a few more (default 30), or with
                   "short" each of these tests in its short form
  release [folder] packs for every platform into dist/release: zips, index.yml for Stash, sums and notes
  help             this text
VERSION=x.y.z sets the version that the build is stamped with. PLATFORMS="linux-amd64 …" packs a release for these
alone. A release has the date of its commit, or that of SOURCE_DATE_EPOCH (seconds).
EOF
}

fail() {
  echo "build.sh: $1" >&2
  exit 1
}

# need_go says in one sentence what is missing. It looks at the Go that is installed: without
# GOTOOLCHAIN=local an older one would try to download what go.mod asks for.
need_go() {
  local want have
  want=$(awk '$1 == "go" { print $2; exit }' go.mod)
  if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then
    PATH=/usr/local/go/bin:$PATH
  fi
  if ! command -v go >/dev/null; then
    fail "Go $want or newer is needed to build $name, and there is no go command: install it from https://go.dev/dl and run this again."
  fi
  have=$(GOTOOLCHAIN=local go version | awk '{ print $3 == "devel" ? $4 : $3 }')
  have=${have#go}
  if [ "$(printf '%s\n%s\n' "$want" "${have%%[-+ ]*}" | sort -V | head -n 1)" != "$want" ]; then
    fail "Go $want or newer is needed to build $name, and this is Go $have: install a newer one from https://go.dev/dl and run this again."
  fi
}

# version prints VERSION, else the tag that is built (with the commits since), else release and commit.
version() {
  local v
  v=${VERSION:-$(git describe --tags --dirty 2>/dev/null || true)}
  if [ -z "$v" ]; then
    v=$(git describe --always --dirty 2>/dev/null || true)
    v=$release${v:+-$v}
  fi
  if ! [[ $v =~ ^[0-9A-Za-z.+_-]+$ ]]; then
    fail "the version \"$v\" has characters other than letters, digits and . + _ -"
  fi
  echo "${v#v}"
}

# compile makes the program in a folder. The version is stamped here, so git is not asked for it a second time:
# that fails in a checkout of another user. The oldest processors that Stash runs on will do.
compile() {
  CGO_ENABLED=0 GOAMD64=v1 GOARM=6 GOARM64=v8.0 \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$2" -o "$1/" ./cmd/$name
}

# describe puts the plugin's yml into a folder, with the version.
describe() {
  sed "s/^version: .*/version: $2/" $name.yml >"$1/$name.yml"
  grep -qxF "version: $2" "$1/$name.yml" || fail "$name.yml has no line for the version"
}

# build makes the folder beside its place and then moves it there, so that a failure leaves the last one.
build() {
  local v
  v=$(version)
  mkdir -p dist
  out=$(mktemp -d dist/.new.XXXXXX)
  trap 'rm -rf "$out"' EXIT
  compile "$out" "$v"
  describe "$out" "$v"
  chmod 755 "$out"
  rm -rf "dist/$name"
  mv "$out" "dist/$name"
  echo "built dist/$name (version $v): put this folder into Stash's plugins folder"
}

# release packs as carefully as build does. The same commit and the same Go make the same bytes.
release() {
  local to=$1 v date platform
  v=$(version)
  date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || true)}
  [[ $date =~ ^[0-9]+$ ]] || fail "there is no commit to take the date of: set SOURCE_DATE_EPOCH to the release's, in seconds"
  if [ -e "$to" ] && ! [ -f "$to/SHA256SUMS" ]; then
    fail "$to is there and holds no release: name another folder, or remove it"
  fi
  mkdir -p "$(dirname "$to")"
  out=$(mktemp -d "$(dirname "$to")/.new.XXXXXX")
  trap 'rm -rf "$out"' EXIT
  mkdir "$out/from" "$out/to"
  for platform in ${PLATFORMS:-$platforms}; do
    echo "building for $platform"
    GOOS=${platform%%-*} GOARCH=${platform#*-} compile "$out/from/$platform" "$v"
  done
  describe "$out/from" "$v"
  cp LICENSE CHANGELOG.md "$out/from/"
  go run ./cmd/release "$date" "$out/from" "$out/to"
  rm -rf "$to"
  mv "$out/to" "$to"
  echo "packed $to (version $v)"
}

# silent runs a checker that succeeds although it has found something, and fails if it printed anything.
silent() {
  local found
  found=$("${@:2}")
  if [ -n "$found" ]; then
    printf '%s:\n%s\n' "$1" "$found" >&2
    exit 1
  fi
}

lint() {
  local generated=plugin/stashapi/generated.go golangci=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
  go run "$golangci" fmt --diff # of all systems and tags
  go run "$golangci" run
  go mod tidy -diff
  old=$(mktemp)
  trap 'rm -f "$old"' EXIT
  cp "$generated" "$old"
  go generate ./...
  cmp -s "$generated" "$old" || fail "$generated was not up to date: it has been generated anew"
  silent "not reachable" go run golang.org/x/tools/cmd/deadcode@v0.52.0 -test ./...
  echo "lint: nothing to complain about"
}

# number refuses what is not a whole number above 0.
number() {
  [[ $1 =~ ^[1-9][0-9]*$ ]] || fail "\"$1\" is not a whole number of $2"
}

# fuzz_targets prints a line for each: its package and its name.
fuzz_targets() {
  grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' . | sed -E 's|^(.*)/[^/]+:[0-9]+:func (.*)$|\1 \2|' | sort
}

# timed_out reports whether all that a failed run of the fuzzer tells is that its time was over: Go before 1.27
# sometimes takes that for a failure (go.dev/issue/75804).
timed_out() {
  [ "$(sed '1,/^--- FAIL: /d' "$1" | head -n 2)" = $'    context deadline exceeded\nFAIL' ]
}

# fuzz keeps an input that breaks something in testdata/fuzz of its package, where every later test tries it.
# Inputs that reach new code are hardly shortened: Go would spend most of the time on that. One that was found
# as the time ended is kept, but not told: so what is kept is tried again.
fuzz() {
  local package target
  out=$(mktemp)
  trap 'rm -f "$out"' EXIT
  while read -r package target; do
    echo "fuzz: $package $target"
    if ! go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${1}s" -fuzzminimizetime 10x </dev/null 2>&1 | tee "$out"; then
      timed_out "$out" || fail "$target in $package has failed"
      echo "fuzz: nothing was found before the time was over; trying what is kept once more"
      go test -count=1 "$package" -run "^$target\$" </dev/null
    fi
  done < <(fuzz_targets)
}

# race leaves out what starts processes: the detector sees nothing of them, and is slow.
race() {
  local cc=${CC:-cc}
  if ! command -v "$cc" >/dev/null; then
    fail "the race detector needs a C compiler, and there is no command $cc: install gcc and libc6-dev (Debian's names), or set CC"
  fi
  CC=$cc CGO_ENABLED=1 TORTURE=short go test -race -short ./...
}

# torture spends a fifth of its time each on kills between statements, random kills, damage, random sequences and
# random input. The tests that try all there is of something come on top.
torture() {
  if [ "$1" = short ]; then
    TORTURE=short go test -p 1 -run '^TestTorture' ./...
    return
  fi
  number "$1" minutes
  local part=$(($1 * 12)) targets
  targets=$(fuzz_targets | wc -l)
  echo "torture: all tests under the race detector, in their short form"
  race
  echo "torture: kills, races, faults, clocks, disks, secrets and random sequences"
  TORTURE=${part}s go test -count=1 -p 1 -timeout 0 -v -run '^TestTorture' ./...
  echo "torture: random input"
  fuzz $(((part + targets - 1) / targets))
  echo "torture: nothing was lost"
}

# machine describes what the figures were measured on. Each hook waits for the disk once.
machine() {
  local cpu
  cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
  echo "CPU: ${cpu:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN) cores; $(uname -s); $(go version | cut -d ' ' -f 3)"
  echo "disk: $(df -PT "${TMPDIR:-/tmp}" 2>/dev/null | awk 'NR == 2 { print $2 ", " }')$(
    go test -run '^$' -bench '^BenchmarkSync$' ./cmd/$name | awk '/^BenchmarkSync/ { printf "%.2f ms to make 4 KiB last", $3 / 1e6 }'
  )"
}

# table makes one line of each benchmark: what it measured (x: how often the one takes as long as the other),
# what it is meant to be at most (the metric goal) or at least (the metric at-least), and what else it told.
table() {
  awk '
    BEGIN { printf "%-44s %12s %12s  %s\n", "benchmark", "measured", "goal", "" }
    /^Benchmark/ && NF > 3 {
      name = $1
      sub(/^Benchmark/, "", name)
      sub(/-[0-9]+$/, "", name)
      value = unit = goal = rest = ""
      least = 0
      for (i = 3; i < NF; i += 2) {
        if ($(i + 1) == "x" || $(i + 1) == "MiB") { value = $i + 0; unit = $(i + 1) }
        else if ($(i + 1) == "goal") goal = $i + 0
        else if ($(i + 1) == "at-least") { goal = $i + 0; least = 1 }
        else rest = rest (rest == "" ? "" : ", ") $i + 0 " " $(i + 1)
      }
      missed = goal != "" && (least ? value < goal : value > goal)
      printf "%-44s %12s %12s  %s\n", name, value == "" ? "" : value " " unit, goal == "" ? "" : (least ? ">= " : "<= ") goal, (missed ? "MISSED  " : "") rest
    }'
}

# bench runs every benchmark of the tree. A goal that is missed is shown and fails nothing: a machine at work
# with other things measures anything.
bench() {
  local package failed=
  out=$(mktemp)
  trap 'rm -f "$out"' EXIT
  machine
  while read -r package; do
    echo "bench: $package" >&2
    go test -run '^$' -bench "$1" -timeout 0 "$package" </dev/null | tee -a "$out" >&2 || failed="$failed $package"
  done < <(grep -rlE --include='*_test.go' '^func Benchmark' . | xargs -n 1 dirname | sort -u)
  table <"$out"
  [ -z "$failed" ] || fail "benchmarks failed in$failed"
}

case "${1:-build}" in
  build)
    need_go
    build
    ;;
  test)
    need_go
    shift
    go test -shuffle=on "$@" ./...
    ;;
  demo)
    need_go
    build
    go run ./cmd/demo
    ;;
  lint)
    need_go
    lint
    ;;
  fuzz)
    need_go
    number "${2:-10}" seconds
    fuzz "${2:-10}"
    ;;
  bench)
    need_go
    bench "${2:-.}"
    ;;
  race)
    need_go
    race
    ;;
  torture)
    need_go
    torture "${2:-30}"
    ;;
  release)
    need_go
    release "${2:-dist/release}"
    ;;
  help | -h | --help) usage ;;
  *)
    echo "build.sh: there is no command \"$1\"" >&2
    usage >&2
    exit 2
    ;;
esac
