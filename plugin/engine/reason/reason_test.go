package reason

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// All has a reason of every function that makes one, and each has a code of its own.
func TestAllHasEveryCode(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	codes := make(map[string]bool)
	for _, r := range All() {
		if codes[r.Code] || !name.MatchString(r.Code) {
			t.Errorf("the code %q is used twice, or has another form than not_in_plex", r.Code)
		}
		codes[r.Code] = true
		for p := range r.Params {
			if !name.MatchString(p) {
				t.Errorf("%s: the parameter %q has another form than rating_key", r.Code, p)
			}
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	makers := 0
	for _, file := range files {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.IsExported() && f.Type.Results != nil && f.Name.Name != "Parse" {
				if result, ok := f.Type.Results.List[0].Type.(*ast.Ident); ok && result.Name == "Reason" {
					makers++
				}
			}
		}
	}
	if makers != len(codes) {
		t.Errorf("%d functions make a reason, and All has %d codes", makers, len(codes))
	}
}

func TestStoredReasonIsReadAgain(t *testing.T) {
	for _, r := range append(All(), OtherScene(7, "12"), Ambiguous("/a \"b\"/<c>\\é.mp4", 3), Reason{}) {
		if got := Parse(r.JSON()); got.Code != r.Code || len(r.Params) > 0 && !reflect.DeepEqual(got, r) {
			t.Errorf("%+v is read as %+v", r, got)
		}
	}
	if got := OtherScene(7, "12").JSON(); got != `{"code":"other_scene","params":{"other_scene":"7","rating_key":"12"}}` {
		t.Errorf("a reason is stored as %s", got)
	}
}

func TestDamagedReasonCountsAsNone(t *testing.T) {
	for _, stored := range []string{"", " ", "null", "{", `"no_file"`, "[]", `{"code":5}`, `{"code":"no_file","params":["x"]}`, `{"params":{"a":"b"}}`, "\x00\xff"} {
		if r := Parse(stored); r.Code != "" || r.Params != nil {
			t.Errorf("%q is read as %+v", stored, r)
		}
	}
}

// What comes from Stash and Plex is on one line of limited length, and paths are private.
func TestParametersAreShortLines(t *testing.T) {
	long := "a\nb\x1b\xff" + strings.Repeat("é", 1000)
	for _, r := range []Reason{
		NotInPlex(long), MissingSkipped(long), LibraryNotRead(long), Ambiguous(long, 2), ExcludedTag(long, long), OtherScene(1, long),
		ItemChanged(long), ItemUnreadable(long, long), ValueRefused(long), PictureRefused(long), NotChanged(long), NotPlex(200, long),
		WebPageInstead(long), ProxyWithoutPlex(502, long), ProxyGaveUp(504, long), RefusedInFront(403, long), Redirected(302, long),
		RequestRefused(400, long), SettingInvalid(long), UnknownTags(long), ServerChanged(long, long),
	} {
		for name, value := range r.Params {
			plain := text.Plain(value)
			if strings.ContainsAny(plain, "\n\x1b") || !utf8.ValidString(plain) || len([]rune(plain)) > text.Limit || name != "path" && len([]rune(plain)) > text.ValueLimit {
				t.Errorf("%s: %s = %q", r.Code, name, value)
			}
			if name == "path" && strings.Contains(text.Redact(value), "é") {
				t.Errorf("%s: the path is not private: %q", r.Code, value)
			}
		}
	}
}
