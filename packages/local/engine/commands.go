//go:build tools

// Keeps the four commands of the engine in go.mod, so that `go build` finds every module they need in go.sum.
// Built by packages/local/src/engine-binaries.ts; `go mod tidy` here after a change of the version.
package engine

import (
	_ "github.com/hatchet-dev/hatchet/cmd/hatchet-admin"
	_ "github.com/hatchet-dev/hatchet/cmd/hatchet-api"
	_ "github.com/hatchet-dev/hatchet/cmd/hatchet-engine"
	_ "github.com/hatchet-dev/hatchet/cmd/hatchet-migrate"
)
