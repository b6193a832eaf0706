package store

// Value is what one Plex field holds: a single string for a scalar, the names for a tag list, and
// nothing at all when the field is empty. A rating is its decimal form ("7.5").
type Value []string

// Held is a field as Plex held it at some moment.
type Held struct {
	Value  Value `json:"value,omitempty"`
	Locked bool  `json:"locked,omitempty"`
}

// Normalized is how Plex keeps a value that it does not keep as it was sent. Of a list it is about the names
// that Plex does not show, and those that stand for them.
type Normalized struct {
	Sent Value `json:"sent"`
	Held Value `json:"held"`
}

// Item is what is known of one Plex item. Every map is keyed by Plex's singular field name (title,
// summary, studio, originallyAvailableAt, userRating, actor, genre, director, collection, thumb, art)
// and may be nil.
type Item struct {
	Server    string // machine identifier
	RatingKey string
	Section   string
	Owner     int // the scene whose values the item shows; 0 if none yet

	Paths []string // normalised paths of its files when this was written
	Fresh bool     // replaces all that is stored, which is of another item with this rating key; not stored itself

	Original   map[string]Held       // as Plex held it before our first write of that field
	Owned      map[string][]string   // tags that we added, as we sent them
	Sent       map[string]Value      // what we last sent
	Confirmed  map[string]Value      // what Plex held after that
	Normalized map[string]Normalized // Plex's own form of exactly the value sent
	Rejected   map[string]Value      // a value that Plex refused when it was sent alone
	Faults     int                   // writes to which Plex answered 500 since it last took one whole

	Images map[string]Image // by the name of Plex's lock: thumb, art; Before holds the rating key of what was selected
}

// Image is what is known of one picture of an item.
type Image struct {
	SHA1     string `json:"sha1,omitempty"`     // of the bytes uploaded last, hexadecimal
	Version  string `json:"version,omitempty"`  // of the scene when its cover was read
	Sending  string `json:"sending,omitempty"`  // of bytes whose upload may have arrived and is not confirmed
	Selected string `json:"selected,omitempty"` // the picture's address as Plex showed it after the upload
	Failed   string `json:"failed,omitempty"`   // SHA-1 of bytes to which Plex answered once as if it refused them
}
