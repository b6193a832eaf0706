#!/usr/bin/env bash
# Builds, tests and checks stash-plex-sync. Run "./build.sh help" for the commands.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

name=stash-plex-sync
release=0.1.0
# The platforms of a release. linux-arm is for 32-bit ARM from ARMv6.
platforms="darwin-amd64 darwin-arm64 freebsd-amd64 linux-amd64 linux-arm linux-arm64 windows-amd64"

usage() {
  cat <<EOF
usage: ./build.sh [command]
  (none), build    builds dist/$name/, a folder for Stash's plugins folder
  test [-short …]  runs the tests but for torture; further arguments go to "go test", and -short omits what starts processes
  demo             builds, then shows a push with simulated Stash and Plex servers
  page FOLDER      bundles the page inside Stash into FOLDER
  browser […]      runs the page's tests in Chromium; needs npm and Chromium; further arguments go to "go test"
  lint             formatting, golangci-lint (.golangci.yml), types of the page, module, generated and dead code
  fuzz [seconds]   feeds each parser random input for so many seconds (default 10)
  bench [pattern]  measures speed and memory against their goals and prints a table (about 11 minutes)
  race             runs the tests that start no processes under the race detector; needs a C compiler
  torture [min.]   kills, races, faults and random input for so many minutes and a few more (default 30), or with
                   "short" each of these tests in its short form
  release [folder] packs every platform into dist/release: zips, index.yml for Stash, checksums and notes
  help             this text
VERSION=x.y.z sets the version of the build. PLATFORMS="linux-amd64 …" limits a release to these platforms. The date of
a release is that of its commit, or SOURCE_DATE_EPOCH (seconds). PAGE_SHOTS is the folder for the screenshots of the
page (default dist/screenshots).
EOF
}

fail() {
  echo "build.sh: $1" >&2
  exit 1
}

# need_go fails with one sentence if Go is missing or too old. It checks the installed Go: without
# GOTOOLCHAIN=local an older one would try to download the version of go.mod.
need_go() {
  local want have
  want=$(awk '$1 == "go" { print $2; exit }' go.mod)
  if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then
    PATH=/usr/local/go/bin:$PATH
  fi
  if ! command -v go >/dev/null; then
    fail "Go $want or newer is needed to build $name, and there is no go command: install it from https://go.dev/dl and try again."
  fi
  have=$(GOTOOLCHAIN=local go version | awk '{ print $3 == "devel" ? $4 : $3 }')
  have=${have#go}
  if [ "$(printf '%s\n%s\n' "$want" "${have%%[-+ ]*}" | sort -V | head -n 1)" != "$want" ]; then
    fail "Go $want or newer is needed to build $name, and this is Go $have: install a newer one from https://go.dev/dl and try again."
  fi
}

# version prints VERSION, else the tag (with the number of commits since), else release and commit.
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

# compile builds the program into a folder. It sets the version itself, since Go's own stamping fails in a checkout
# of another user. It targets the oldest processors that Stash runs on.
compile() {
  CGO_ENABLED=0 GOAMD64=v1 GOARM=6 GOARM64=v8.0 \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$2" -o "$1/" ./cmd/$name
}

# page bundles the page inside Stash into a folder: page.js and page.css, which Stash loads at its start, and modules in
# ui, which page.js loads when somebody opens the page. It needs esbuild, nothing from npm, and is the same for all
# platforms: esbuild runs here, even if GOOS and GOARCH name another platform.
page() {
  bundle page=plugin/ui/src/main.tsx page=plugin/ui/src/page.css --outdir="$1" --format=iife --define:VERSION="\"$2\""
  bundle app=plugin/ui/src/app.tsx app=plugin/ui/src/app.css --outdir="$1/ui" --format=esm --splitting --define:VERSION="\"$2\""
}

bundle() {
  GOOS='' GOARCH='' go tool esbuild "$@" --bundle --target=es2020 --jsx-factory=h --jsx-fragment=Fragment --inject:plugin/ui/src/jsx.ts \
    --minify --charset=utf8 --legal-comments=none --log-level=warning
}

# describe copies the plugin's yml to a folder and sets its version.
describe() {
  sed "s/^version: .*/version: $2/" $name.yml >"$1/$name.yml"
  grep -qxF "version: $2" "$1/$name.yml" || fail "$name.yml has no line for the version"
}

# build builds into a temporary folder and then renames it, so that a failure keeps the previous build.
build() {
  local v
  v=$(version)
  mkdir -p dist
  out=$(mktemp -d dist/.new.XXXXXX)
  trap 'rm -rf "$out"' EXIT
  compile "$out" "$v"
  page "$out" "$v"
  describe "$out" "$v"
  chmod 755 "$out"
  rm -rf "dist/$name"
  mv "$out" "dist/$name"
  echo "built dist/$name (version $v): copy this folder into Stash's plugins folder"
}

# release renames a temporary folder as build does. The same commit and the same Go give the same bytes.
release() {
  local to=$1 v date platform
  v=$(version)
  date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || true)}
  [[ $date =~ ^[0-9]+$ ]] || fail "there is no commit that gives the date: set SOURCE_DATE_EPOCH to the date of the release, in seconds"
  if [ -e "$to" ] && ! [ -f "$to/SHA256SUMS" ]; then
    fail "$to exists and is not a release: choose another folder, or remove it"
  fi
  mkdir -p "$(dirname "$to")"
  out=$(mktemp -d "$(dirname "$to")/.new.XXXXXX")
  trap 'rm -rf "$out"' EXIT
  mkdir "$out/from" "$out/to"
  for platform in ${PLATFORMS:-$platforms}; do
    echo "building for $platform"
    GOOS=${platform%%-*} GOARCH=${platform#*-} compile "$out/from/$platform" "$v"
  done
  page "$out/from" "$v"
  describe "$out/from" "$v"
  cp LICENSE CHANGELOG.md "$out/from/"
  go run ./cmd/release "$date" "$out/from" "$out/to"
  rm -rf "$to"
  mv "$out/to" "$to"
  echo "packed $to (version $v)"
}

# silent runs a checker that succeeds even if it finds problems, and fails if it printed anything.
silent() {
  local found
  found=$("${@:2}")
  if [ -n "$found" ]; then
    printf '%s:\n%s\n' "$1" "$found" >&2
    exit 1
  fi
}

# packages installs the npm packages of the lock file if they are missing or older than it.
packages() {
  local ui=plugin/ui
  if ! [ $ui/node_modules/.package-lock.json -nt $ui/package-lock.json ]; then
    npm ci --prefix $ui --no-audit --no-fund --ignore-scripts || fail "the npm packages of $ui/package-lock.json could not be installed"
  fi
}

# types checks the types of the page, which esbuild ignores.
types() {
  if ! command -v npm >/dev/null; then
    echo "lint: npm is missing, so the types of the page are not checked"
    return
  fi
  packages
  plugin/ui/node_modules/.bin/tsc --noEmit -p plugin/ui
}

# browser runs the tests of the page that need Chromium. Nothing else starts it.
browser() {
  command -v chromium >/dev/null || fail "the page's tests need Chromium, and there is no command chromium: install chromium and fonts-dejavu-core (Debian's names)"
  command -v npm >/dev/null || fail "the page's tests need npm, and there is no command npm: install Node.js with npm"
  packages
  local shots=${PAGE_SHOTS:-dist/screenshots}
  mkdir -p "$shots"
  shots=$(cd "$shots" && pwd) # each test runs in the folder of its package
  BROWSER=1 PAGE_SHOTS=$shots go test -count=1 -p 1 -timeout 30m "$@" ./plugin/ui/...
}

lint() {
  local generated=plugin/stashapi/generated.go golangci=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
  go run "$golangci" fmt --diff # of all systems and tags
  go run "$golangci" run
  types
  go mod tidy -diff
  old=$(mktemp)
  trap 'rm -f "$old"' EXIT
  cp "$generated" "$old"
  go generate ./...
  cmp -s "$generated" "$old" || fail "$generated was out of date and has been regenerated: commit it"
  silent "not reachable" go run golang.org/x/tools/cmd/deadcode@v0.52.0 -test ./...
  echo "lint: no problems found"
}

# number fails unless its argument is a positive integer.
number() {
  [[ $1 =~ ^[1-9][0-9]*$ ]] || fail "\"$1\" is not a positive number of $2"
}

# fuzz_targets prints the package and the name of each fuzz target.
fuzz_targets() {
  grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' . | sed -E 's|^(.*)/[^/]+:[0-9]+:func (.*)$|\1 \2|' | sort
}

# timed_out reports whether a fuzzer failed only because its time was over, which Go before 1.27 sometimes reports
# as a failure (go.dev/issue/75804).
timed_out() {
  [ "$(sed '1,/^--- FAIL: /d' "$1" | head -n 2)" = $'    context deadline exceeded\nFAIL' ]
}

# fuzz runs all fuzz targets. Go stores a failing input in testdata/fuzz of the package, where every later test runs
# it. Minimizing is limited, because it would take most of the time. An input that fails as the time ends is stored
# but not reported, so the stored inputs run once more.
fuzz() {
  local package target
  out=$(mktemp)
  trap 'rm -f "$out"' EXIT
  while read -r package target; do
    echo "fuzz: $package $target"
    if ! go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${1}s" -fuzzminimizetime 10x </dev/null 2>&1 | tee "$out"; then
      timed_out "$out" || fail "$target in $package has failed"
      echo "fuzz: no failure before the time was over; running the stored inputs once more"
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
  CC=$cc CGO_ENABLED=1 TORTURE=short go test -race -short -timeout 45m ./... # a busy machine takes several times as long
}

# torture spends a fifth of its time each on kills between statements, random kills, damage, random sequences and
# random input. Exhaustive tests take additional time.
torture() {
  if [ "$1" = short ]; then
    TORTURE=short go test -p 1 -timeout 30m -run '^TestTorture' ./...
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
  echo "torture: passed"
}

# machine describes the system of the measurement, with the time of an fsync: each hook waits for one.
machine() {
  local cpu
  cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
  echo "CPU: ${cpu:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN) cores; $(uname -s); $(go version | cut -d ' ' -f 3)"
  echo "disk: $(df -PT "${TMPDIR:-/tmp}" 2>/dev/null | awk 'NR == 2 { print $2 ", " }')$(
    go test -run '^$' -bench '^BenchmarkSync$' ./cmd/$name | awk '/^BenchmarkSync/ { printf "%.2f ms to write and sync 4 KiB", $3 / 1e6 }'
  )"
}

# table prints one line per benchmark: the measured ratio (x) or memory, the goal (at most the metric goal, or at
# least the metric at-least), and the other metrics.
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

# bench runs all benchmarks. It reports missed goals but does not fail, since the results depend on what else runs.
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
    go test -shuffle=on -timeout 20m "$@" ./... # a busy machine takes several times as long
    ;;
  page)
    need_go
    [ $# -gt 1 ] || fail "page needs the folder to write to"
    v=$(version)
    page "$2" "$v"
    ;;
  demo)
    need_go
    build
    go run ./cmd/demo
    ;;
  browser)
    need_go
    shift
    browser "$@"
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
    echo "build.sh: unknown command \"$1\"" >&2
    usage >&2
    exit 2
    ;;
esac
