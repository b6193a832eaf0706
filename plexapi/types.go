package plexapi

import "slices"

// ItemType is Plex's number for a kind of item, sent as "type" with every listing and edit.
type ItemType int

// The kinds of items that this program reads and edits.
const (
	Movie   ItemType = 1
	Episode ItemType = 4
)

// TagKind is a kind of tag list by its name in an edit. Performers are actors.
type TagKind string

// The kinds of tags that this program writes. Their locks have the same names.
const (
	Actor      TagKind = "actor"
	Genre      TagKind = "genre"
	Director   TagKind = "director"
	Collection TagKind = "collection"
)

// Field is the name of a scalar in edits and locks.
type Field string

// The scalars that this program writes, except the user rating: see Client.Rate.
const (
	Title   Field = "title"
	Summary Field = "summary"
	Studio  Field = "studio"
	Date    Field = "originallyAvailableAt" // YYYY-MM-DD

	ContentRating Field = "contentRating" // free text, such as PG-13
)

// Identity is the identity of a server.
type Identity struct {
	MachineIdentifier string
	Version           string
}

// Section is one library. UpdatedAt, ScannedAt and ContentChangedAt use the server's clock or are opaque. If they are
// equal, an earlier listing is probably still valid.
type Section struct {
	ID               string // 1–19 digits
	UUID             string
	Type             string // "movie", "show", "artist", "photo"
	Title            string
	Agent            string // what finds texts and pictures for its items, such as tv.plex.agents.movie
	Refreshing       bool   // a scan is running
	UpdatedAt        int64
	ScannedAt        int64
	ContentChangedAt int64
	OddMarks         string   // those of the three that are not numbers
	Locations        []string // folders in the server's path form
	Unreadable       string   // why the library cannot be used, such as "its title has an unexpected form"; "" if it can
}

// MayHaveVideos reports whether the library is one of movies or shows, or may be one although it is unreadable.
func (s Section) MayHaveVideos() bool {
	return s.ItemType() != 0 || s.Unreadable != "" && (s.Type == "" || s.Type == "movie" || s.Type == "show")
}

// ItemType returns the type of the section's items that have files; 0 if the files are not videos or the section is
// unreadable.
func (s Section) ItemType() ItemType {
	switch {
	case s.Unreadable != "":
	case s.Type == "movie":
		return Movie
	case s.Type == "show":
		return Episode
	}
	return 0
}

// Part is one file of an item.
type Part struct {
	ID         string
	File       string // in the server's path form
	Size       int64  // bytes
	DurationMS int64
	Deleted    bool // in the trash
}

// Row is one item of a listing: identity and files only, because listings truncate tag lists.
type Row struct {
	RatingKey string
	AddedAt   int64  // epoch seconds, the server's clock
	UpdatedAt int64  // epoch seconds, the server's clock; 0 if absent
	Deleted   bool   // in the trash
	Parts     []Part // every file of every version, without optimised versions
	nameless  bool   // a file has no path
}

// Item is one item with complete lists.
type Item struct {
	RatingKey     string
	SectionID     string
	Type          string // "movie", "episode", …
	Title         string
	Summary       string
	Studio        string
	Date          string   // YYYY-MM-DD or ""
	UserRating    *float64 // 0–10, nil if unrated
	ContentRating string
	Tags          map[TagKind][]string // absent kinds are empty
	Locked        map[string]bool      // by Plex's singular field names
	Thumb, Art    string
	UpdatedAt     int64
	Deleted       bool
	Parts         []Part
	odd           []string // see Unreadable
	nameless      bool     // a file has no path
}

// Unreadable returns a member of the item in Plex that has a value of an unexpected kind and that is needed: for any use
// of the item, or for one of these fields, by Plex's names. It returns "" if there is none. Other such members count as
// absent.
func (it *Item) Unreadable(fields ...string) string {
	for _, name := range it.odd {
		if name == "type" || name == "Field" || name == "Media" || slices.Contains(fields, name) {
			return name
		}
	}
	return ""
}

// field returns a pointer to the text field with this name in Plex, or nil.
func (it *Item) field(name string) *string {
	switch name {
	case "librarySectionID":
		return &it.SectionID
	case "type":
		return &it.Type
	case "title":
		return &it.Title
	case "summary":
		return &it.Summary
	case "studio":
		return &it.Studio
	case "originallyAvailableAt":
		return &it.Date
	case "contentRating":
		return &it.ContentRating
	case "thumb":
		return &it.Thumb
	case "art":
		return &it.Art
	}
	return nil
}

// ItemType returns the type for edits of the item.
func (it *Item) ItemType() ItemType {
	if it.Type == "episode" {
		return Episode
	}
	return Movie
}

// Edit is the changes to one item in one request. Only the named locks are set or cleared.
type Edit struct {
	Set    map[Field]string     // "" clears
	Tags   map[TagKind][]string // the complete desired list: correct whether the server appends or replaces
	Remove map[TagKind][]string // tags to remove, in Plex's spelling; never together with Tags of the same name
	Lock   []string             // field names to lock
	Unlock []string             // field names to unlock
}

// Empty reports whether the edit would change nothing.
func (e Edit) Empty() bool {
	return len(e.Set)+len(e.Tags)+len(e.Remove)+len(e.Lock)+len(e.Unlock) == 0
}
