package uitest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

// Shot stores a picture of the whole page as name.png in the folder PAGE_SHOTS, or else in a temporary one.
func (t *Tab) Shot(name string) {
	t.Helper()
	t.still()
	dir := os.Getenv("PAGE_SHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	ctx, end := context.WithTimeout(t.ctx, 2*patience)
	defer end()
	size, _ := t.Eval("[innerWidth, innerHeight, document.documentElement.scrollHeight]").([]any)
	width, height := int64(size[0].(float64)), int64(size[1].(float64))
	t.run(chromedp.EmulateViewport(width, max(height, int64(size[2].(float64))))) // a bar at the bottom is then below the page
	defer t.run(chromedp.EmulateViewport(width, height))
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	t.w.must(err)
	t.w.must(os.MkdirAll(dir, 0o755))
	t.w.must(os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// still waits until nothing moves, but for what moves forever.
func (t *Tab) still() {
	t.Helper()
	t.WaitFor(`!document.getAnimations().some((a) => a.playState === "running" && a.effect.getComputedTiming().endTime !== Infinity)`, "something moves")
}

// tight returns what does not fit: a page that scrolls sideways, elements that reach over its edge, and text that its
// own element cuts. An element that scrolls by itself, such as a wide table in div.table-responsive, may be wide.
const tight = `(() => {
  const wide = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > wide) found.push("the page is " + document.documentElement.scrollWidth + " wide, the window " + wide);
  const name = (e) => e.tagName.toLowerCase() + (e.className && e.className.baseVal === undefined ? "." + String(e.className).trim().replace(/\s+/g, ".") : "") + " " + JSON.stringify(uitest.clean(e.textContent).slice(0, 60));
  const scrolls = (e) => { for (; e !== document.body; e = e.parentElement) if (/auto|scroll/.test(getComputedStyle(e).overflowX)) return true; return false; };
  for (const e of document.querySelectorAll("body *")) {
    if (!uitest.visible(e) || e.closest(".sr-only, svg")) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (box.width > 0 && (box.right > wide + 1 || box.left < -1) && !scrolls(e.parentElement)) found.push(name(e) + " reaches over the edge");
    if (/hidden|clip/.test(style.overflowX) && e.scrollWidth > e.clientWidth + 1 && e.innerText) found.push(name(e) + " is cut at its side");
    if (/hidden|clip/.test(style.overflowY) && e.scrollHeight > e.clientHeight + 1 && e.innerText) found.push(name(e) + " is cut at its bottom");
  }
  return found;
})()`

// Fits fails the test if the page scrolls sideways or cuts text.
func (t *Tab) Fits() {
	t.Helper()
	t.still()
	for _, problem := range t.list(tight) {
		t.Errorf("at %s: %s", t.Path(), problem)
	}
}

func (t *Tab) list(script string) []string {
	t.Helper()
	values, _ := t.Eval(script).([]any)
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprint(v)
	}
	return list
}

// Accessible fails the test for each serious or critical problem that axe finds in a part of the page, such as ".main".
// Toasts are left out: their colours are Stash's own, and have too little contrast.
func (t *Tab) Accessible(part string) {
	t.Helper()
	t.still()
	if t.Eval("!!window.axe") != true {
		script, err := os.ReadFile(filepath.Join(nodeModules(), "axe-core", "axe.min.js"))
		t.w.must(err)
		t.Eval("void (() => {" + string(script) + "})()")
	}
	for _, problem := range t.list(fmt.Sprintf(`axe.run({include: [%s], exclude: [".toast-container"]}, {resultTypes: ["violations"]}).then((r) => r.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`, quote(part))) {
		t.Errorf("at %s: %s", t.Path(), problem)
	}
}

// Clean fails the test if the token is anywhere in the document or in the storage of the page.
func (t *Tab) Clean() {
	t.Helper()
	stored, _ := t.Eval("JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location.href").(string)
	if strings.Contains(t.Document()+stored, Token) {
		t.Errorf("at %s the token is in the page", t.Path())
	}
}

// Looks checks a state of the page at both widths: it fits, is accessible, and is kept as a picture.
func (t *Tab) Looks(name string) {
	t.Helper()
	for _, width := range []int{390, 1280} {
		t.Size(width)
		t.Fits()
		t.Accessible(".plexsync")
		t.Shot(fmt.Sprintf("%s-%d", name, width))
	}
}
