package uitest

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/page"
)

//go:embed clock.js
var clock string

// Clock gives the pages that are opened from now on a clock that Advance sets forward.
func (t *Tab) Clock() {
	t.Helper()
	call(t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: clock})
}

// Advance lets so much time pass for the page: its timers fire in their order, each after the answers to what the ones
// before it asked. The time of Stash and of the plugin does not change.
func (t *Tab) Advance(d time.Duration) {
	t.Helper()
	t.Eval(fmt.Sprintf("uitestAdvance(%d)", d.Milliseconds()))
}
