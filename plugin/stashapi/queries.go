package stashapi

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Version returns Stash's version. It is the cheapest query to find out whether Stash answers.
func (c *Client) Version(ctx context.Context) (string, error) {
	const op = "ask Stash for its version"
	res, err := Version(ctx, c.gql)
	if err != nil {
		return "", c.wrap(ctx, op, err)
	}
	if res.Version == nil {
		return "", unexpected(op, "the answer has no version")
	}
	return deref(res.Version.Version), nil
}

// Settings returns the settings of a plugin that the user has set.
func (c *Client) Settings(ctx context.Context, plugin string) (map[string]any, error) {
	const op = "read the plugin's settings"
	res, err := PluginSettings(ctx, c.gql, plugin)
	if err != nil {
		return nil, c.wrap(ctx, op, err)
	}
	if res.Configuration == nil {
		return nil, unexpected(op, "the answer has no configuration")
	}
	if set := res.Configuration.Plugins[plugin]; set != nil {
		return set, nil
	}
	return map[string]any{}, nil
}

// PluginEnabled reports whether a plugin is installed and enabled.
func (c *Client) PluginEnabled(ctx context.Context, plugin string) (bool, error) {
	res, err := Plugins(ctx, c.gql)
	if err != nil {
		return false, c.wrap(ctx, "list the plugins", err)
	}
	return slices.ContainsFunc(res.Plugins, func(p *PluginsPluginsPlugin) bool { return p != nil && p.Id == plugin && p.Enabled }), nil
}

// KeepLogin reads the API key, if there is one, so that a run can continue after its session has expired (by default an
// hour after its start). The key stays in memory.
func (c *Client) KeepLogin(ctx context.Context) error {
	const op = "read the API key"
	res, err := APIKey(ctx, c.gql)
	if err != nil {
		return c.wrap(ctx, op, err)
	}
	if res.Configuration == nil || res.Configuration.General == nil {
		return unexpected(op, "the answer has no configuration")
	}
	c.login.mu.Lock()
	defer c.login.mu.Unlock()
	c.login.apiKey = res.Configuration.General.ApiKey
	return nil
}

// Secrets returns the texts that must never be shown: the sessions and the API key.
func (c *Client) Secrets() []string {
	c.login.mu.Lock()
	defer c.login.mu.Unlock()
	list := slices.Concat(c.login.former, c.login.others)
	if c.login.cookie != nil {
		list = append(list, c.login.cookie.Value)
	}
	return append(list, c.login.apiKey)
}

// AddSecret adds a secret to remove from errors that repeat an answer of Stash.
func (c *Client) AddSecret(secret string) {
	c.login.mu.Lock()
	defer c.login.mu.Unlock()
	c.login.others = append(c.login.others, secret)
}

// JobQueue returns the jobs that run or wait in Stash.
func (c *Client) JobQueue(ctx context.Context) ([]QueueJob, error) {
	res, err := JobQueue(ctx, c.gql)
	if err != nil {
		return nil, c.wrap(ctx, "look at Stash's queue", err)
	}
	jobs := make([]QueueJob, 0, len(res.JobQueue))
	for _, j := range res.JobQueue {
		if j != nil {
			jobs = append(jobs, QueueJob{ID: j.Id, Status: string(j.Status), Description: j.Description})
		}
	}
	return jobs, nil
}

// RunPluginTask puts a task of a plugin into Stash's queue and returns the job's id.
func (c *Client) RunPluginTask(ctx context.Context, plugin, task, description string, args map[string]any) (string, error) {
	const op = "ask Stash for a run"
	res, err := RunPluginTask(ctx, c.gql, plugin, task, description, args)
	if err != nil {
		return "", c.wrap(ctx, op, err)
	}
	if res.RunPluginTask == "" {
		return "", unexpected(op, "the answer contains no job id")
	}
	return res.RunPluginTask, nil
}

// UpdatedSince lists scenes whose updated_at, as text, is greater than bound and whose id is greater than
// after, in the order of their ids. Stash compares the text and ignores time zones.
func (c *Client) UpdatedSince(ctx context.Context, bound string, after, perPage int) (Listing, error) {
	return c.slim(ctx, map[string]any{"updated_at": map[string]any{"value": bound, "modifier": "GREATER_THAN"}}, after, perPage)
}

// AllScenes lists scenes whose id is greater than after, in the order of their ids.
func (c *Client) AllScenes(ctx context.Context, after, perPage int) (Listing, error) {
	return c.slim(ctx, map[string]any{}, after, perPage)
}

// LastScene returns the largest id of a scene; 0 if Stash has none.
func (c *Client) LastScene(ctx context.Context) (int, error) {
	const op = "look for the last scene"
	res, err := LastScene(ctx, c.gql)
	if err != nil {
		return 0, c.wrap(ctx, op, err)
	}
	if res.FindScenes == nil {
		return 0, unexpected(op, "the answer has no scenes")
	}
	if len(res.FindScenes.Scenes) == 0 {
		return 0, nil
	}
	last := res.FindScenes.Scenes[0]
	if last == nil || atoi(last.Id) <= 0 {
		return 0, unexpected(op, "the scene has no id")
	}
	return atoi(last.Id), nil
}

// Search returns the ids of the scenes that Stash's own search finds for a text, at most limit, the last updated first.
// more reports whether Stash found others.
func (c *Client) Search(ctx context.Context, text string, limit int) (ids []int, more bool, err error) {
	const op = "search scenes"
	res, err := SearchScenes(ctx, c.gql, text, limit)
	if err != nil {
		return nil, false, c.wrap(ctx, op, err)
	}
	if res.FindScenes == nil || len(res.FindScenes.Scenes) > limit {
		return nil, false, unexpected(op, "the answer is not the requested page")
	}
	ids = make([]int, 0, len(res.FindScenes.Scenes))
	for _, s := range res.FindScenes.Scenes {
		if s == nil || atoi(s.Id) <= 0 {
			return nil, false, unexpected(op, "a scene has no id")
		}
		ids = append(ids, atoi(s.Id))
	}
	return ids, res.FindScenes.Count > len(ids), nil
}

// slim lists scenes that pass a filter and whose id is greater than after. It adds that condition to the filter.
func (c *Client) slim(ctx context.Context, filter map[string]any, after, perPage int) (Listing, error) {
	const op = "list scenes"
	filter["id"] = map[string]any{"value": after, "modifier": "GREATER_THAN"}
	res, err := SlimScenes(ctx, c.gql, &filter, perPage)
	if err != nil {
		return Listing{}, c.wrap(ctx, op, err)
	}
	if res.FindScenes == nil || len(res.FindScenes.Scenes) > perPage {
		return Listing{}, unexpected(op, "the answer is not the requested page")
	}
	l := Listing{Count: res.FindScenes.Count, Date: c.date()}
	last := after
	for _, s := range res.FindScenes.Scenes {
		if s == nil {
			return Listing{}, unexpected(op, "a scene is empty")
		}
		id := atoi(s.Id)
		if id <= last { // a listing that does not ascend might never end
			return Listing{}, unexpected(op, "the scenes are not in order")
		}
		last = id
		stub := SceneStub{ID: id, UpdatedAt: s.Updated_at}
		for _, f := range s.Files {
			if f != nil {
				stub.Paths = append(stub.Paths, f.Path)
			}
		}
		l.Scenes = append(l.Scenes, stub)
	}
	return l, nil
}

func (c *Client) date() time.Time {
	c.login.mu.Lock()
	defer c.login.mu.Unlock()
	return c.login.date
}

// pathsAQuery is how many paths one query asks for. Each is nested in the one before, and the parser of the SQLite in
// Stash 0.30.1 overflows at 28.
const pathsAQuery = 20

// ScenesByPath returns, by path, the scene that has a file with exactly this path.
func (c *Client) ScenesByPath(ctx context.Context, paths []string) (map[string]int, error) {
	found := make(map[string]int)
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	for chunk := range slices.Chunk(paths, pathsAQuery) {
		if err := c.findPaths(ctx, chunk, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// PathsLike returns up to limit paths of files that may be in a folder: it accepts either slash, any case, and any
// character in place of _ or %. The folder is normalised.
func (c *Client) PathsLike(ctx context.Context, folder string, limit int) ([]string, error) {
	pattern := strings.ReplaceAll(strings.TrimSuffix(folder, "/"), "/", "_") + "_%"
	var paths []string
	for _, p := range slices.Compact([]string{pattern, norm.NFD.String(pattern)}) {
		l, err := c.slim(ctx, map[string]any{"path": map[string]any{"value": p, "modifier": "EQUALS"}}, 0, limit)
		if err != nil {
			return nil, err
		}
		for _, s := range l.Scenes {
			paths = append(paths, s.Paths...)
		}
	}
	return paths, nil
}

// findPaths looks up sorted paths. Stash compares with LIKE, which ignores case and takes _ and % as wildcards, so the
// answer may have other scenes too, and several pages.
func (c *Client) findPaths(ctx context.Context, paths []string, found map[string]int) error {
	const perPage = 1000
	var filter map[string]any
	for _, p := range paths {
		one := map[string]any{"path": map[string]any{"value": p, "modifier": "EQUALS"}}
		if filter != nil {
			one["OR"] = filter
		}
		filter = one
	}
	for last := 0; ; {
		l, err := c.slim(ctx, map[string]any{"AND": filter}, last, perPage)
		if err != nil {
			return err
		}
		for _, s := range l.Scenes {
			last = s.ID
			for _, p := range s.Paths {
				if _, asked := slices.BinarySearch(paths, p); asked {
					found[p] = s.ID
				}
			}
		}
		if len(l.Scenes) < perPage {
			return nil
		}
	}
}
