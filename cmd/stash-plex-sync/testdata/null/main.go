// Command null is an RPC plugin that does nothing: what any hook costs at least.
package main

import (
	"os"

	"github.com/stashapp/stash/pkg/plugin/common"
)

type null struct{}

func (null) Run(common.PluginInput, *common.PluginOutput) error { return nil }
func (null) Stop(struct{}, *bool) error                         { return nil }

func main() {
	if err := common.ServePlugin(null{}); err != nil {
		os.Exit(1)
	}
}
