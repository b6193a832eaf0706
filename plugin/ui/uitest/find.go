package uitest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed helpers.js
var helpers string

// An Element is a way to find a visible element.
type Element struct{ script, words string }

func quote(text string) string {
	out, _ := json.Marshal(text) // a text always has a form
	return string(out)
}

// Role finds an element by its role and its accessible name: exactly, or else one whose name contains it.
func Role(role, name string) Element {
	return Element{fmt.Sprintf("uitest.byRole(%s, %s)", quote(role), quote(name)), role + " " + quote(name)}
}

// Button finds a button by its name.
func Button(name string) Element { return Role("button", name) }

// Link finds a link by its name.
func Link(name string) Element { return Role("link", name) }

// Text finds the innermost element that contains a text.
func Text(text string) Element {
	return Element{fmt.Sprintf("uitest.byText(%s)", quote(text)), "text " + quote(text)}
}

// Selector finds an element by a CSS selector.
func Selector(css string) Element {
	return Element{fmt.Sprintf("uitest.bySelector(%s)", quote(css)), css}
}

// Wait waits until an element is visible.
func (t *Tab) Wait(e Element) {
	t.Helper()
	t.WaitFor(e.script, "no "+e.words)
}

// Gone waits until an element is not visible.
func (t *Tab) Gone(e Element) {
	t.Helper()
	t.WaitFor("!"+e.script, "still there: "+e.words)
}

// Has reports whether an element is visible now.
func (t *Tab) Has(e Element) bool {
	t.Helper()
	return t.Eval("!!"+e.script) == true
}

// WaitFor waits until an expression is true in the page. Navigation does not disturb it.
func (t *Tab) WaitFor(expression, otherwise string) {
	t.Helper()
	if err := t.wait(expression); err != nil {
		t.Fatalf("%s: %v; the page at %s says:\n%s", otherwise, err, t.Path(), t.Body())
	}
}

func (t *Tab) wait(expression string) error {
	end := time.Now().Add(patience)
	for {
		script := fmt.Sprintf("uitest.until(() => (%s), %d)", expression, max(time.Until(end).Milliseconds(), 1))
		switch ok, err := t.eval(script); {
		case err == nil && ok == true:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("not within %v", patience)
		case err != nil && !passing(err):
			return err
		}
	}
}

// passing reports whether a script has failed only because the page has changed.
func passing(err error) bool {
	text := err.Error()
	for _, part := range []string{"context was destroyed", "context with specified id", "Inspected target navigated", "uitest is not defined", "Promise was collected"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// Click clicks on an element as a person does: it waits until the element stands still and nothing covers it.
func (t *Tab) Click(e Element) {
	t.Helper()
	t.WaitFor(fmt.Sprintf("window.uitestPlace = uitest.place(%s)", e.script), "cannot click on "+e.words)
	at := t.Eval("uitestPlace").(map[string]any)
	t.run(chromedp.MouseClickXY(at["x"].(float64), at["y"].(float64)))
}

// Fill replaces the text of a field.
func (t *Tab) Fill(e Element, text string) {
	t.Helper()
	t.Wait(e)
	t.Eval(fmt.Sprintf("(() => { const e = %s; e.focus(); e.select(); })()", e.script))
	if text == "" {
		t.Press(kb.Backspace)
		return
	}
	call(t, input.InsertText, input.InsertTextParams{Text: text})
}

// Choose selects an option of a field by its text.
func (t *Tab) Choose(e Element, option string) {
	t.Helper()
	t.WaitFor(fmt.Sprintf(`[...(%s).options].some((o) => uitest.clean(o.text) === %s)`, e.script, quote(option)), "no option "+option)
	t.Eval(fmt.Sprintf(`(() => {
		const e = %s, value = [...e.options].find((o) => uitest.clean(o.text) === %s).value;
		Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value").set.call(e, value);
		e.dispatchEvent(new Event("change", {bubbles: true}));
	})()`, e.script, quote(option)))
}

// Press presses a key, such as kb.Escape, or types a text.
func (t *Tab) Press(keys string) {
	t.Helper()
	t.run(chromedp.KeyEvent(keys))
}

// Focused returns the accessible name of the element that has the focus.
func (t *Tab) Focused() string {
	t.Helper()
	return t.Eval("uitest.name(document.activeElement)").(string)
}

// Body returns the visible text of the page.
func (t *Tab) Body() string {
	t.Helper()
	text, _ := t.Eval("document.body ? document.body.innerText : ''").(string)
	return text
}

// Document returns the page as HTML, with the values of its fields.
func (t *Tab) Document() string {
	t.Helper()
	text, _ := t.Eval(`document.documentElement.outerHTML + [...document.querySelectorAll("input, textarea, select")].map((e) => e.value).join("\n")`).(string)
	return text
}
