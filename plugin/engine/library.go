package engine

import "context"

// libraries are the titles of the libraries, by their ids.
func (d *drain) libraries(ctx context.Context) (map[string]string, error) {
	titles := make(map[string]string)
	readings, err := d.Index.Readings(ctx, d.server)
	for _, r := range readings {
		titles[r.Section] = r.Title
	}
	return titles, err
}
