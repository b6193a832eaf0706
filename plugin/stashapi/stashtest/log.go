package stashtest

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/stashapp/stash/pkg/logger"
)

// capture is Stash's logger: it passes every line to the Host in use. Stash's logger is global and read by goroutines
// that never end, so it is set once, and only the Host in use changes.
type capture struct{ inUse atomic.Pointer[Host] }

// captureFor passes the lines of Stash's log to h from now on.
func captureFor(h *Host) {
	c, ok := logger.Logger.(*capture)
	if ok {
		c.inUse.Store(h)
		return
	}
	c = &capture{}
	c.inUse.Store(h)
	logger.Logger = c
}

func (c *capture) add(level, text string) {
	h := c.inUse.Load()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, Line{level, strings.TrimSuffix(text, "\n")})
}

func (c *capture) lazy(level string, fn func() (string, []any)) {
	format, args := fn()
	c.add(level, fmt.Sprintf(format, args...))
}

func (c *capture) Progressf(string, ...any)            {}
func (c *capture) Trace(args ...any)                   { c.add("Trace", fmt.Sprint(args...)) }
func (c *capture) Tracef(format string, args ...any)   { c.add("Trace", fmt.Sprintf(format, args...)) }
func (c *capture) TraceFunc(fn func() (string, []any)) { c.lazy("Trace", fn) }
func (c *capture) Debug(args ...any)                   { c.add("Debug", fmt.Sprint(args...)) }
func (c *capture) Debugf(format string, args ...any)   { c.add("Debug", fmt.Sprintf(format, args...)) }
func (c *capture) DebugFunc(fn func() (string, []any)) { c.lazy("Debug", fn) }
func (c *capture) Info(args ...any)                    { c.add("Info", fmt.Sprint(args...)) }
func (c *capture) Infof(format string, args ...any)    { c.add("Info", fmt.Sprintf(format, args...)) }
func (c *capture) InfoFunc(fn func() (string, []any))  { c.lazy("Info", fn) }
func (c *capture) Warn(args ...any)                    { c.add("Warning", fmt.Sprint(args...)) }
func (c *capture) Warnf(format string, args ...any)    { c.add("Warning", fmt.Sprintf(format, args...)) }
func (c *capture) WarnFunc(fn func() (string, []any))  { c.lazy("Warning", fn) }
func (c *capture) Error(args ...any)                   { c.add("Error", fmt.Sprint(args...)) }
func (c *capture) Errorf(format string, args ...any)   { c.add("Error", fmt.Sprintf(format, args...)) }
func (c *capture) ErrorFunc(fn func() (string, []any)) { c.lazy("Error", fn) }
func (c *capture) Fatal(args ...any)                   { panic(fmt.Sprint(args...)) }
func (c *capture) Fatalf(format string, args ...any)   { panic(fmt.Sprintf(format, args...)) }
