package plexapi

import (
	"errors"
	"fmt"
	"slices"
)

// ErrNoPaths means that no file in an answer of Plex has a path. Plex sends paths only to the owner of the server.
var ErrNoPaths = errors.New("the token gives no access to file paths: use the token of the server's owner")

// dropNameless removes the files without a path, and records whether there were any.
func (r *Row) dropNameless() {
	r.nameless = slices.ContainsFunc(r.Parts, func(p Part) bool { return p.File == "" && p.ID != "" && !p.Deleted })
	r.Parts = slices.DeleteFunc(r.Parts, func(p Part) bool { return p.File == "" })
}

// pathsOfRows returns ErrNoPaths if these items have files but none has a path.
func pathsOfRows(rows []Row) error {
	return checkPaths(rows, func(r Row) (bool, bool) { return len(r.Parts) > 0, r.nameless && !r.Deleted })
}

func pathsOfItems(items []Item) error {
	return checkPaths(items, func(it Item) (bool, bool) { return len(it.Parts) > 0, it.nameless && !it.Deleted })
}

func checkPaths[T any](list []T, files func(T) (named, nameless bool)) error {
	missing := false
	for _, one := range list {
		named, nameless := files(one)
		if named {
			return nil
		}
		missing = missing || nameless
	}
	if missing {
		return ErrNoPaths
	}
	return nil
}

// checkSize returns an error if an answer counts items but contains none. Such an answer does not mean that the library
// is empty.
func checkSize(size, received int) error {
	if size > 0 && received == 0 {
		return fmt.Errorf("%w: it counts %d items but contains none", errShape, size)
	}
	return nil
}
