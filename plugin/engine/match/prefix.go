package match

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
)

// PathPair says that the folder From in Stash is the folder To in Plex. Both are normalised.
type PathPair struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// replace returns path with the prefix From replaced by To, if path is below From. On Windows it ignores case.
func (p PathPair) replace(path string) (string, bool) {
	rest, below := Under(path, p.From)
	return strings.TrimSuffix(pathform.Normal(p.To), "/") + "/" + rest, below
}

// Under returns the part of a path below a folder. A share is below no root.
func Under(path, folder string) (rest string, below bool) {
	path, folder = pathform.Normal(path), strings.TrimSuffix(pathform.Normal(folder), "/")+"/"
	if strings.HasPrefix(path, "//") != strings.HasPrefix(folder, "//") {
		return "", false
	}
	if rest, below = strings.CutPrefix(path, folder); below || !onWindows(path) || len(path) < len(folder) {
		return rest, below
	}
	return path[len(folder):], strings.EqualFold(path[:len(folder)], folder)
}

// onWindows reports whether a normalised path begins with a share or a drive.
func onWindows(normal string) bool {
	return strings.HasPrefix(normal, "//") || onDrive(normal)
}

func onDrive(normal string) bool { return len(normal) > 2 && normal[1:3] == ":/" }

// back returns the reversed pair.
func (p PathPair) back() PathPair { return PathPair{From: p.To, To: p.From} }

// spellings returns the ways in which Stash may write a path: in both Unicode forms, and on Windows with both slashes
// and both cases of the drive letter.
func spellings(path string) []string {
	normal := pathform.Normal(path)
	list := []string{normal, norm.NFD.String(normal)}
	if onDrive(normal) {
		for _, p := range list {
			list = append(list, strings.ToLower(p[:1])+p[1:], strings.ToUpper(p[:1])+p[1:])
		}
	}
	if onWindows(normal) {
		for _, p := range list {
			list = append(list, strings.ReplaceAll(p, "/", `\`))
		}
	}
	return append(list, path)
}

// mapPath applies the pair with the longest prefix.
func mapPath(pairs []PathPair, path string) (string, bool) {
	best, found := "", -1
	for _, p := range pairs {
		if mapped, ok := p.replace(path); ok && len(p.From) > found {
			best, found = mapped, len(p.From)
		}
	}
	return best, found >= 0
}

const (
	foldersToLearn = 3  // different folders that must agree
	pairsKept      = 50 // of the evidence
)

// Evidence holds, for each pair of prefixes, the folders with matches by name and size that support it. It is stored as
// JSON and bounded.
type Evidence struct {
	Pairs []Support `json:"pairs"`
}

// Support holds the folders that support a pair.
type Support struct {
	PathPair
	Folders []string `json:"folders"`
}

// Add adds one match and reports whether the evidence changed.
func (e *Evidence) Add(stash, plex string) bool {
	pair, folder, ok := commonTail(stash, plex)
	if !ok {
		return false
	}
	i := slices.IndexFunc(e.Pairs, func(s Support) bool { return s.PathPair == pair })
	if i < 0 {
		if len(e.Pairs) >= pairsKept {
			e.Pairs = slices.DeleteFunc(e.Pairs, func(s Support) bool { return len(s.Folders) < foldersToLearn })
			if len(e.Pairs) >= pairsKept {
				return false
			}
		}
		e.Pairs = append(e.Pairs, Support{PathPair: pair})
		i = len(e.Pairs) - 1
	}
	s := &e.Pairs[i]
	if len(s.Folders) >= foldersToLearn || slices.Contains(s.Folders, folder) {
		return false
	}
	s.Folders = append(s.Folders, folder)
	return true
}

// Learned returns the pairs that enough folders agree on.
func (e *Evidence) Learned() []PathPair {
	var pairs []PathPair
	for _, s := range e.Pairs {
		if len(s.Folders) >= foldersToLearn {
			pairs = append(pairs, s.PathPair)
		}
	}
	return pairs
}

// commonTail removes the folders that two paths have in common at their ends, and returns the rest as a pair. ok is
// false if the paths are equal or have no folder in common.
func commonTail(stash, plex string) (pair PathPair, folder string, ok bool) {
	a, b := pathform.Normal(stash), pathform.Normal(plex)
	x, y := strings.LastIndexByte(a, '/'), strings.LastIndexByte(b, '/')
	if x < 0 || y < 0 || a == b {
		return pair, "", false
	}
	folder = a[:x]
	from, to, common := a[:x], b[:y], 0
	for {
		i, j := strings.LastIndexByte(from, '/'), strings.LastIndexByte(to, '/')
		if i < 0 || j < 0 || from[i:] != to[j:] || strings.HasSuffix(from[:i], "/") || strings.HasSuffix(to[:j], "/") {
			break // do not separate a share's name from its slashes
		}
		from, to = from[:i], to[:j]
		common++
	}
	return PathPair{From: from, To: to}, folder, common > 0 && from != to
}
