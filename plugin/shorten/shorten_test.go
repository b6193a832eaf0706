package shorten

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func shortenedTo(t *testing.T, limit int, text string) string {
	t.Helper()
	whole, err := io.ReadAll(Texts(strings.NewReader(text), limit))
	if err != nil {
		t.Fatal(err)
	}
	bits, err := io.ReadAll(Texts(iotest.OneByteReader(strings.NewReader(text)), limit))
	if err != nil || !bytes.Equal(whole, bits) {
		t.Fatalf("read in one piece: %q, byte by byte: %q, %v", whole, bits, err)
	}
	return string(whole)
}

func TestOnlyLongTextsAreCut(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":["12345678",12345678901,"\"\\"]}`: `{"a":["12345678",12345678901,"\"\\"]}`,
		`"12345678"`:                            `"12345678"`,
		`"123456789"`:                           `"12345678+`,
		`"1234567\"9"`:                          `"1234567\"+`,
		`"123456\u00e99"`:                       `"123456\u00e9+`,
		`["\\\\\\\\","x"]`:                      `["\\\\\\\\","x"]`,
		`"\\\\\\\\\\"`:                          `"\\\\\\\\+`,
	} {
		got := shortenedTo(t, 8, in)
		if !json.Valid([]byte(got)) {
			t.Errorf("%s became %s, which is no JSON", in, got)
		}
		if before, _, cut := strings.Cut(want, "+"); !strings.HasPrefix(got, before) || cut != (got != in) {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

func TestDifferentTextsStayDifferent(t *testing.T) {
	if one, other := shortenedTo(t, 8, `"123456789A"`), shortenedTo(t, 8, `"123456789B"`); one == other {
		t.Errorf("both became %s", one)
	}
}

// For any input: JSON stays JSON, and short texts stay unchanged.
func FuzzShortened(f *testing.F) {
	for _, seed := range []string{
		`{"method":"RPCRunner.Run","params":[{"args":{"hookContext":{"id":1,"input":{"cover_image":"data:image/png;base64,AAAAAAAAAAAAAAAAAAA"}}}}],"id":0}`,
		`"\u00e9\u00e9\u00e9\\\\\"\"\n\n"`, `["ééééééééé"]`, `"`, `"\`, `{"a`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		const limit = 8
		got := shortenedTo(t, limit, in)
		if json.Valid([]byte(in)) && !json.Valid([]byte(got)) {
			t.Errorf("%q became %q", in, got)
		}
		if len(in) <= limit && got != in {
			t.Errorf("%q became %q", in, got)
		}
		if room := strings.Count(in, `"`) * 16; len(got) > len(in)+room {
			t.Errorf("%q became %q, which is longer", in, got)
		}
	})
}
