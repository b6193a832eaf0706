package plextest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// AddBulk adds n items to a section that exist only in listings, so that a library of a million items takes no memory.
// They are older than all other items, and as long as Plex's in a listing. Their values have Plex's usual types,
// whatever the options say.
func (s *Server) AddBulk(sectionID string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := s.section(sectionID)
	now := s.clock().Unix()
	sec.bulk, sec.bulkKey, sec.bulkSince = n, s.nextKey+1, int(now)-n-bulkAge // one a second
	s.nextKey += n
	sec.touch(now)
}

// bulkAge is the age of the newest item of the bulk, in seconds.
const bulkAge = 3600

// bulkViewed is when the items of the bulk were last watched.
const bulkViewed = 1_505_969_509

// bulkRow is Plex's answer for an item without tags and texts.
const bulkRow = `{"ratingKey":"%[1]d","key":"/library/metadata/%[1]d","guid":"com.plexapp.agents.none://0123456789abcdef0123456789abcdef/%[1]d?lang=xn","librarySectionTitle":"Videos",` +
	`"librarySectionID":1,"librarySectionKey":"/library/sections/1","studio":"The Studio No. %[2]d","type":"movie","title":"Clip %[1]d with a Title of Some Words",` +
	`"titleSort":"Clip %[1]d with a Title of Some Words","rating":6.1,"userRating":8.0,"viewCount":1,"lastViewedAt":1505969509,"year":2023,"thumb":"/library/metadata/%[1]d/thumb/1689270983",` +
	`"art":"/library/metadata/%[1]d/art/1689270983","duration":1834567,"originallyAvailableAt":"2023-05-06","addedAt":%[3]d,"updatedAt":%[3]d,"Media":[{"id":%[1]d,"duration":1834567,` +
	`"bitrate":8123,"width":1920,"height":1080,"aspectRatio":1.78,"audioChannels":2,"audioCodec":"aac","videoCodec":"h264","videoResolution":"1080","container":"mp4","videoFrameRate":"24p",` +
	`"optimizedForStreaming":1,"audioProfile":"lc","has64bitOffsets":false,"videoProfile":"high","Part":[{"id":%[1]d,"key":"/library/parts/%[1]d/1689270983/file.mp4","duration":1834567,` +
	`"file":"/data/videos/studio %[2]d/2023/A Folder of the Scene/clip%[1]d.1080p.mp4","size":%[4]d,"audioProfile":"lc","container":"mp4","has64bitOffsets":false,` +
	`"optimizedForStreaming":true,"videoProfile":"high"}]}]}`

// listBulk answers with rows of the bulk and of the other items. An item of the bulk never changes, so the others come
// first when sorted by time.
func (s *Server) listBulk(w http.ResponseWriter, sec *section, others []*Item, newestFirst bool, from, to int) int {
	total := sec.bulk + len(others)
	out := fmt.Appendf(make([]byte, 0, (to-from+1)*2*len(bulkRow)), `{"MediaContainer":{"size":%d,"totalSize":%d,"offset":%d,"allowSync":false,"Metadata":[`, to-from, total, from)
	for i := from; i < to; i++ {
		at, other := i, i-sec.bulk
		if newestFirst {
			at, other = total-1-i, i
		}
		if i > from {
			out = append(out, ',')
		}
		if at < sec.bulk {
			out = fmt.Appendf(out, bulkRow, sec.bulkKey+at, at%50, sec.bulkSince+at, 1_000_000+at)
		} else {
			row, err := json.Marshal(s.row(sec, others[other], true))
			if err != nil {
				panic("plextest: " + err.Error())
			}
			out = append(out, row...)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(out, "]}}"...)) // the client may be gone
	return http.StatusOK
}
