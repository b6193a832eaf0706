#!/usr/bin/env bash
# Builds, tests and checks stash-plex-sync. Run "./build.sh help" for the commands.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

name=stash-plex-sync
release=0.1.0

usage() {
  cat <<EOF
usage: ./build.sh [command]
  (none)       builds dist/$name/: what is dropped into Stash's plugins folder
  test [-short …]  runs all tests; further words go to "go test"
  demo         shows the main job on stand-ins for Stash and Plex
  lint         formatting, vet, staticcheck, module, generated and dead code
  help         this text
VERSION=x.y.z sets the version that the build is stamped with.
EOF
}

# need_go says in one sentence what is missing.
need_go() {
  local want have
  want=$(awk '$1 == "go" { print $2; exit }' go.mod)
  if ! command -v go >/dev/null; then
    if [ -x /usr/local/go/bin/go ]; then
      PATH=/usr/local/go/bin:$PATH
    else
      echo "Go $want or newer is needed to build $name, and there is no go command: install it from https://go.dev/dl and run this again." >&2
      exit 1
    fi
  fi
  have=$(GOTOOLCHAIN=local go env GOVERSION)
  have=${have#go}
  if [ "$(printf '%s\n%s\n' "$want" "${have%%[-+ ]*}" | sort -V | head -n 1)" != "$want" ]; then
    echo "Go $want or newer is needed to build $name, and this is Go $have: install a newer one from https://go.dev/dl and run this again." >&2
    exit 1
  fi
}

version() {
  if [ -n "${VERSION:-}" ]; then
    echo "$VERSION"
  elif git describe --tags --exact-match >/dev/null 2>&1; then
    git describe --tags --exact-match | sed 's/^v//'
  elif git rev-parse --short HEAD >/dev/null 2>&1; then
    echo "$release-$(git rev-parse --short HEAD)"
  else
    echo "$release"
  fi
}

build() {
  local v out
  v=$(version)
  mkdir -p dist
  out=$(mktemp -d dist/new.XXXXXX)
  trap 'rm -rf "$out"' RETURN
  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$v" -o "$out/" ./cmd/$name
  sed "s/^version: .*/version: $v/" $name.yml >"$out/$name.yml"
  chmod 755 "$out"
  rm -rf "dist/$name"
  mv "$out" "dist/$name"
  echo "built dist/$name (version $v): put this folder into Stash's plugins folder"
}

lint() {
  local unformatted dead
  unformatted=$(go run mvdan.cc/gofumpt@v0.12.0 -l -extra $(git ls-files '*.go' | grep -v '/generated\.go$'))
  if [ -n "$unformatted" ]; then
    printf 'not formatted by gofumpt -extra:\n%s\n' "$unformatted" >&2
    exit 1
  fi
  go vet ./...
  go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
  go mod tidy -diff
  local before
  before=$(sha256sum plugin/stashapi/generated.go)
  go generate ./...
  if [ "$before" != "$(sha256sum plugin/stashapi/generated.go)" ]; then
    echo "plugin/stashapi/generated.go was not up to date: it has been generated anew" >&2
    exit 1
  fi
  dead=$(go run golang.org/x/tools/cmd/deadcode@v0.52.0 -test ./...)
  if [ -n "$dead" ]; then
    printf 'not reachable:\n%s\n' "$dead" >&2
    exit 1
  fi
  echo "lint: nothing to complain about"
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
  help | -h | --help) usage ;;
  *)
    echo "build.sh: there is no command \"$1\"" >&2
    usage >&2
    exit 2
    ;;
esac
