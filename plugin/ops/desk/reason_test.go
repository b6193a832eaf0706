package desk

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// params returns the names of a reason's parameters, sorted.
func params(r reason.Reason) []string { return slices.Sorted(maps.Keys(r.Params)) }

func TestEveryCodeHasARemedy(t *testing.T) {
	left := maps.Clone(remedies)
	for _, r := range reason.All() {
		for _, m := range regexp.MustCompile(`\{(.*?)\}`).FindAllStringSubmatch(remedies[r.Code], -1) {
			if !slices.Contains(params(r), m[1]) {
				t.Errorf("the remedy of %s names %q, which is none of its parameters %q", r.Code, m[1], params(r))
			}
		}
		if remedies[r.Code] == "" {
			t.Errorf("%s has no remedy", r.Code)
		}
		delete(left, r.Code)
	}
	if len(left) > 0 {
		t.Errorf("remedies of codes that do not exist: %q", slices.Sorted(maps.Keys(left)))
	}
}

// The table in OPERATIONS.md lists the same codes in the same order, with their parameters.
func TestCodesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(doc), "\n| code | parameters | meaning |\n|---|---|---|\n")
	table, _, _ := strings.Cut(after, "\n\n")
	var got, want []string
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.TrimSpace(cells[3]) == "" {
			t.Fatalf("a row without a meaning: %s", line)
		}
		got = append(got, strings.TrimSpace(cells[1])+" "+strings.TrimSpace(cells[2]))
	}
	for _, r := range reason.All() {
		var names []string
		for _, p := range params(r) {
			names = append(names, "`"+p+"`")
		}
		want = append(want, strings.TrimSpace("`"+r.Code+"` "+strings.Join(names, ", ")))
	}
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("the table is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReasonOfWhatIsStored(t *testing.T) {
	none := map[string]string{}
	other := reason.OtherScene(7, "12")
	for _, c := range []struct {
		name                    string
		class, stored, sentence string
		want                    *Reason
	}{
		{"nothing", "", "", "", nil},
		{"a code with parameters", "skipped", other.JSON(), "x", &Reason{
			"other_scene", other.Params, "x",
			"give this scene a Plex item of its own: choose Split Apart at item 12 in Plex, which shows scene 7",
		}},
		{"a code without parameters", "gone", reason.NoFile().JSON(), "x", &Reason{"no_file", none, "x", remedies["no_file"]}},
		{"what an earlier version stored", "rejected", "", "x", &Reason{"rejected", none, "x", ""}},
		{"a job that crashed, which the store buries", "crashed", "", "x", &Reason{"crashed", none, "x", remedies["crashed"]}},
		{"a damaged column", "temporary", `{"code":"no_file","params":3}`, "x", &Reason{"temporary", none, "x", ""}},
		{"a code of a later version", "temporary", `{"code":"moon_full"}`, "x", &Reason{"moon_full", none, "x", ""}},
		{"sentences in the column", "temporary", `{"code":"no_file","text":"y","remedy":"y"}`, "x", &Reason{"no_file", none, "x", remedies["no_file"]}},
	} {
		if got := ReasonOf(c.class, c.stored, c.sentence); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// A parameter is not a template.
func TestParameterIsNotFilledAgain(t *testing.T) {
	r := ReasonOf("", reason.ExcludedTag("{excluded}", "{tag}").JSON(), "")
	if !strings.HasPrefix(r.Remedy, `remove the tag "{excluded}" from the scene in Stash, or "{tag}" from`) {
		t.Errorf("remedy = %s", r.Remedy)
	}
	if got := ReasonOf("", reason.NotInPlex("/a").JSON(), "").Params["path"]; got != text.Private("/a") {
		t.Errorf("path = %q", got)
	}
}
