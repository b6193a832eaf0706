package plexapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// decoded returns the content of a value like encoding/json.
func decoded(t *testing.T, v value) any {
	t.Helper()
	var out any
	var err error
	switch v[0] {
	case '{':
		m := make(map[string]any)
		err = v.fields(func(name []byte, v value) error {
			m[string(name)] = decoded(t, v)
			return nil
		})
		out = m
	case '[':
		list := []any{}
		err = v.elements(func(v value) error {
			list = append(list, decoded(t, v))
			return nil
		})
		out = list
	case '"':
		var text []byte
		text, err = v.text()
		out = string(text)
	default:
		dec := json.NewDecoder(bytes.NewReader(v))
		dec.UseNumber()
		err = dec.Decode(&out)
	}
	if err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	return out
}

// The hand-written parser returns the same as encoding/json.
func FuzzValue(f *testing.F) {
	f.Add([]byte(`{"a" : [ 1,-2.5e3 ,true,null, "b\"\\é",[],{} , [[{"c":{}}]]],` + "\n\t" + `"" : "]}" ,"\ud800":"` + "\xff" + `"}`))
	f.Add([]byte(` [{"x":1}, {"x" :2 } ]`))
	f.Add([]byte(`{"Media":[{"Part":[{"file":"/ä,:{[","size":12}]}],"Media":7}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var raw json.RawMessage
		if json.NewDecoder(bytes.NewReader(body)).Decode(&raw) != nil {
			return
		}
		var want any
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := decoded(t, value(raw)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, want %#v", raw, got, want)
		}
	})
}

// realRow is a row of a listing from Plex without the excluded fields.
const realRow = `{"ratingKey":"%[1]d","key":"/library/metadata/%[1]d","guid":"com.plexapp.agents.none://0123456789abcdef0123456789abcdef/%[1]d?lang=xn","librarySectionTitle":"Videos","librarySectionID":1,` +
	`"librarySectionKey":"/library/sections/1","studio":"The Studio No. %[2]d","type":"movie","title":"Clip %[1]d with a Title of Some Words","titleSort":"Clip %[1]d with a Title of Some Words",` +
	`"rating":6.1,"userRating":8.0,"viewCount":1,"lastViewedAt":1505969509,"year":2023,"thumb":"/library/metadata/%[1]d/thumb/1689270983","art":"/library/metadata/%[1]d/art/1689270983",` +
	`"duration":1834567,"originallyAvailableAt":"2023-05-06","addedAt":1700000000,"updatedAt":1700000000,"Media":[{"id":%[1]d,"duration":1834567,"bitrate":8123,"width":1920,"height":1080,` +
	`"aspectRatio":1.78,"audioChannels":2,"audioCodec":"aac","videoCodec":"h264","videoResolution":"1080","container":"mp4","videoFrameRate":"24p","optimizedForStreaming":1,"audioProfile":"lc",` +
	`"has64bitOffsets":false,"videoProfile":"high","Part":[{"id":%[1]d,"key":"/library/parts/%[1]d/1689270983/file.mp4","duration":1834567,"file":"/data/videos/studio %[2]d/2023/A Folder of the Scene/clip%[1]d.1080p.mp4",` +
	`"size":%[1]d,"audioProfile":"lc","container":"mp4","has64bitOffsets":false,"optimizedForStreaming":true,"videoProfile":"high"}]}]}`

func realPage(n int) []byte {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(realRow, i+1000, i%50)
	}
	return fmt.Appendf(nil, `{"MediaContainer":{"size":%d,"totalSize":100000,"offset":0,"allowSync":false,"Metadata":[%s]}}`, n, strings.Join(rows, ","))
}

func BenchmarkDecodePage(b *testing.B) {
	page := realPage(200)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := decodePage(bytes.NewReader(page), 0)
		if err != nil || len(p.Rows) != 200 {
			b.Fatal(len(p.Rows), err)
		}
	}
}

// A complete library is read, so a row must cost little more than the stored data.
func TestRowCostsFewAllocations(t *testing.T) {
	const rows = 200
	page := realPage(rows)
	n := testing.AllocsPerRun(5, func() {
		if p, err := decodePage(bytes.NewReader(page), 0); err != nil || len(p.Rows) != rows {
			t.Fatalf("%d rows, %v", len(p.Rows), err)
		}
	})
	if n > 8*rows {
		t.Errorf("a page of %d rows costs %.0f allocations", rows, n)
	}
}

// Checking the rest of the text at each letter would take an hour.
func TestLongTextIsReadInOnePass(t *testing.T) {
	want := strings.Repeat("Ж", 1<<20)
	if got, err := value(`"` + want + `"`).text(); err != nil || string(got) != want {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
