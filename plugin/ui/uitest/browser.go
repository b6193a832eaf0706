package uitest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a tab waits for something to appear.
const patience = 15 * time.Second

// one is the browser of all tests of a process.
var one struct {
	sync.Mutex
	ctx   context.Context
	close []context.CancelFunc
}

// chromium returns the path of the browser.
func chromium() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	return exec.LookPath("chromium")
}

// browser starts the browser, unless it runs. Popups that no click has asked for are blocked, and no name but that of
// this machine is resolved.
func browser() (context.Context, error) {
	one.Lock()
	defer one.Unlock()
	if one.ctx != nil {
		return one.ctx, nil
	}
	path, err := chromium()
	if err != nil {
		return nil, err
	}
	alloc, end := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("disable-features", "LocalNetworkAccessChecks,Translate"),
	)
	ctx, stop := chromedp.NewContext(alloc)
	one.close = []context.CancelFunc{stop, end}
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	one.ctx = ctx
	return ctx, nil
}

func closeBrowser() {
	one.Lock()
	defer one.Unlock()
	for _, end := range one.close {
		end()
	}
}

// Tab is a tab of the browser, with cookies and storage of its own.
type Tab struct {
	testing.TB
	w   *World
	ctx context.Context

	mu       sync.Mutex
	errors   []string
	expected []*regexp.Regexp
}

// Tab opens an empty tab, 1280 pixels wide. At its end the test fails if a script had an error that Expect does not name.
func (w *World) Tab() *Tab {
	w.Helper()
	parent, err := browser()
	w.must(err)
	return w.tab(parent, chromedp.WithNewBrowserContext())
}

// Beside opens another tab that shares cookies and storage with this one.
func (t *Tab) Beside() *Tab {
	t.Helper()
	return t.w.tab(t.ctx)
}

func (w *World) tab(parent context.Context, options ...chromedp.ContextOption) *Tab {
	w.Helper()
	t := &Tab{TB: w.TB, w: w}
	var end context.CancelFunc
	t.ctx, end = chromedp.NewContext(parent, append(options, chromedp.WithListener(t.listen))...)
	w.must(chromedp.Do(t.ctx)) // the first call opens the tab, which ends with the context of that call
	call(t, cdplog.Enable, cdp.Empty{})
	call(t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: helpers})
	t.Size(1280)
	w.Cleanup(func() {
		if w.Failed() && os.Getenv("PAGE_SHOTS") != "" {
			t.Shot("failed-" + strings.ReplaceAll(w.Name(), "/", "-"))
		}
		end()
		for _, e := range t.Errors() {
			w.Errorf("the page had an error: %s", e)
		}
	})
	return t
}

// listen collects what goes wrong in scripts: exceptions, console.error, and what the page's policy refuses.
func (t *Tab) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = thrown(e.ExceptionDetails).Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		for _, arg := range e.Args {
			if arg.Description != "" {
				text += " " + arg.Description
			} else {
				text += " " + string(arg.Value)
			}
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Source != cdplog.EntrySourceSecurity {
			return
		}
		text = e.Entry.Text
	default:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errors = append(t.errors, strings.TrimSpace(text))
}

// Errors returns the errors of scripts that no call of Expect has named.
func (t *Tab) Errors() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
next:
	for _, text := range t.errors {
		for _, e := range t.expected {
			if e.MatchString(text) {
				continue next
			}
		}
		list = append(list, text)
	}
	return list
}

// Expect names, by a regular expression, errors of scripts that are no failure of the test.
func (t *Tab) Expect(expression string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expected = append(t.expected, regexp.MustCompile(expression))
}

// run runs actions within the limit of time.
func (t *Tab) run(actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, end := context.WithTimeout(t.ctx, 2*patience)
	defer end()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// call runs a command of the browser's protocol within the limit of time.
func call[P, R any](t *Tab, command cdp.Command[P, R], params P) R {
	t.Helper()
	ctx, end := context.WithTimeout(t.ctx, 2*patience)
	defer end()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// Open opens a path of Stash, and waits until the document has been read. Scripts of plugins may not have run yet.
func (t *Tab) Open(path string) {
	t.Helper()
	t.run(chromedp.Navigate(t.w.URL() + path))
}

// Reload loads the page again.
func (t *Tab) Reload() {
	t.Helper()
	t.run(chromedp.Reload())
}

// Back goes back in the history.
func (t *Tab) Back() {
	t.Helper()
	t.Eval("history.back()")
}

// Path returns the path of the page and its query, without the prefix of a proxy.
func (t *Tab) Path() string {
	t.Helper()
	return strings.TrimPrefix(t.Eval("location.pathname + location.search").(string), t.w.front.root())
}

// Size sets the width of the window: 1280 for a desktop, 390 for a telephone.
func (t *Tab) Size(width int) {
	t.Helper()
	height := int64(900)
	if width < 500 {
		height = 844
	}
	t.run(chromedp.EmulateViewport(int64(width), height))
}

// Locale sets the language and the time zone of the browser.
func (t *Tab) Locale(locale, zone string) {
	t.Helper()
	call(t, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: locale})
	call(t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
}

// Login gives the tab a session of Stash.
func (t *Tab) Login() {
	t.Helper()
	name, value, _ := strings.Cut(t.w.Stash.Session(), "=")
	call(t, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: t.w.URL() + "/"})
}

// Hidden hides or shows the tab: headless Chromium takes each tab for visible.
func (t *Tab) Hidden(hidden bool) {
	t.Helper()
	t.Eval(fmt.Sprintf(`(() => {
		Object.defineProperty(document, "hidden", {configurable: true, get: () => %t});
		Object.defineProperty(document, "visibilityState", {configurable: true, get: () => %t ? "hidden" : "visible"});
		document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
	})()`, hidden, hidden))
}

// Eval runs a script in the page, waits for its promise, and returns its value.
func (t *Tab) Eval(script string) any {
	t.Helper()
	value, err := t.eval(script)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (t *Tab) eval(script string) (value any, err error) {
	ctx, end := context.WithTimeout(t.ctx, 2*patience)
	defer end()
	yes := true
	result, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: script, AwaitPromise: &yes, ReturnByValue: &yes})
	switch {
	case err != nil:
		return nil, err
	case result.ExceptionDetails != nil:
		return nil, thrown(result.ExceptionDetails)
	case len(result.Result.Value) > 0:
		err = json.Unmarshal(result.Result.Value, &value)
	}
	return value, err
}

// thrown describes an exception with its stack.
func thrown(e *runtime.ExceptionDetails) error {
	if e.Exception != nil && e.Exception.Description != "" {
		return fmt.Errorf("%s %s", e.Text, e.Exception.Description)
	}
	return fmt.Errorf("%s at %s:%d", e.Text, e.URL, e.LineNumber+1)
}

// Front puts the tab in front of the windows that it has opened. Chromium draws no tab that is behind another.
func (t *Tab) Front() {
	t.Helper()
	call(t, page.BringToFront, cdp.Empty{})
}

// Popups returns the addresses of the windows that the tab has opened.
func (t *Tab) Popups() []string {
	t.Helper()
	targets, err := chromedp.Targets(t.ctx)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, info := range targets {
		if info.OpenerID == chromedp.FromContext(t.ctx).Target.TargetID {
			list = append(list, info.URL)
		}
	}
	return list
}
