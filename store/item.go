package store

// Value is the value of one Plex field: a single string for a scalar, the names for a tag list, and no elements for an
// empty field. A rating has its decimal form ("7.5").
type Value []string

// Held is the state of a field in Plex at some moment.
type Held struct {
	Value  Value `json:"value,omitempty"`
	Locked bool  `json:"locked,omitempty"`
}

// Normalized is Plex's form of a value that it does not store as sent. For a list it holds only the names that Plex
// does not show, and the names that replace them.
type Normalized struct {
	Sent Value `json:"sent"`
	Held Value `json:"held"`
}

// Item is one Plex item with its base. Every map is keyed by Plex's singular field name (title,
// summary, studio, originallyAvailableAt, userRating, actor, genre, director, collection, thumb, art)
// and may be nil.
type Item struct {
	Server    string // machine identifier
	RatingKey string
	Section   string
	Owner     int // the scene whose values the item shows; 0 if none

	Paths []string // normalised paths of the files when the base was written
	Fresh bool     // replace the stored base, which belongs to another item with this rating key; not stored

	Original   map[string]Held       // in Plex before our first write of the field
	Owned      map[string][]string   // tags that we added, as sent
	Sent       map[string]Value      // last sent
	Confirmed  map[string]Value      // in Plex after that
	Normalized map[string]Normalized // Plex's form of exactly the value sent
	Rejected   map[string]Value      // value that Plex refused when it was sent alone
	Faults     int                   // writes answered with 500 since the last complete success

	Images map[string]Image // by the name of Plex's lock: thumb, art; Original holds the key of the selected picture
}

// Image is the stored state of one picture of an item.
type Image struct {
	SHA1     string `json:"sha1,omitempty"`     // of the bytes uploaded last, hexadecimal
	Version  string `json:"version,omitempty"`  // of the scene when the cover was read
	Sending  string `json:"sending,omitempty"`  // of bytes whose upload may have arrived but is not confirmed
	Selected string `json:"selected,omitempty"` // the picture's address in Plex after the upload
	Failed   string `json:"failed,omitempty"`   // SHA-1 of bytes that Plex seemed to refuse once
}
