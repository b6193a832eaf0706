#!/bin/sh
# Generates generated.go from operations.graphql and Stash's own schema, which is taken out of the module
# cache at the version that go.mod names. Run by "go generate".
set -eu
cd "$(dirname "$0")"
go mod download github.com/stashapp/stash
schema=$(go list -m -f '{{.Dir}}' github.com/stashapp/stash)/graphql/schema
rm -f .schema
ln -s "$schema" .schema
trap 'rm -f .schema' EXIT
go tool genqlient genqlient.yaml
