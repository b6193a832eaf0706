// Package parent notices that Stash has died. Nobody then waits for what the plugin does.
package parent

import (
	"context"
	"time"
)

// Watch calls end when the process that started this one has ended, and returns when that has happened or ctx has ended.
func Watch(ctx context.Context, end context.CancelFunc) {
	over := gone()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if over() {
				end()
				return
			}
		}
	}
}
