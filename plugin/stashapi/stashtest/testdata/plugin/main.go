// The plugin does what its arguments say, to show what Stash's plugin host makes of it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"
	"github.com/stashapp/stash/pkg/plugin/common/log"
)

func main() {
	if err := common.ServePlugin(&runner{stopped: make(chan struct{})}); err != nil {
		panic(err)
	}
}

type runner struct {
	once    sync.Once
	stopped chan struct{}
}

// Stop implements common.RPCRunner.
func (r *runner) Stop(struct{}, *bool) error {
	r.once.Do(func() { close(r.stopped) })
	return nil
}

// Run implements common.RPCRunner.
func (r *runner) Run(in common.PluginInput, out *common.PluginOutput) error {
	dir := in.ServerConnection.Dir
	if hook, ok := in.Args["hookContext"]; ok {
		r.hook(dir, hook)
		return nil
	}
	switch in.Args["mode"] {
	case "error":
		out.SetError(errors.New("what went wrong"))
	case "go error":
		return errors.New("nobody sees this")
	case "exit":
		os.Exit(3)
	case "log":
		log.Debug("debug")
		log.Info("info")
		log.Warn("warning")
		log.Error("error")
		fmt.Fprintln(os.Stderr, "without a level")
		for range 200 { // Stash drops what it is not waiting for
			log.Progress(0.25)
			time.Sleep(time.Millisecond)
		}
	case "talk":
		for i := range 500 {
			log.Infof("line %d", i)
		}
	case "wait": // until Stop
		note(dir, "waiting")
		<-r.stopped
		note(dir, "stopped")
	case "deaf": // until the file is gone, whatever Stop says
		note(dir, "waiting")
		gone(filepath.Join(dir, "hold"), nil)
		note(dir, "ended")
	case "ask":
		answer := ask(in)
		out.Output = &answer
	default:
		var args any = in.Args
		out.Output = &args
	}
	return nil
}

// hook notes what it got, and stays as long as there is a file "hold".
func (r *runner) hook(dir string, hook any) {
	text, err := json.Marshal(hook)
	if err != nil {
		panic(err)
	}
	note(dir, string(text))
	if !gone(filepath.Join(dir, "hold"), r.stopped) {
		note(dir, "stopped")
	}
}

// gone waits until a file is gone or stop is closed, and reports whether it is gone.
func gone(name string, stop chan struct{}) bool {
	for {
		if _, err := os.Stat(name); err != nil {
			return true
		}
		select {
		case <-stop:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func note(dir, line string) {
	f, err := os.OpenFile(filepath.Join(dir, "notes"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(line + "\n")
	}
	if err != nil {
		panic(err)
	}
}

// ask sends the query that it is given to Stash, and returns the status and the answer.
func ask(in common.PluginInput) any {
	body, err := json.Marshal(map[string]any{"query": in.Args["query"]})
	if err != nil {
		panic(err)
	}
	c := in.ServerConnection
	req, err := http.NewRequest(http.MethodPost, fmt.Sprintf("%s://%s:%d/graphql", c.Scheme, c.Host, c.Port), bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if in.Args["cookie"] == true {
		req.AddCookie(&http.Cookie{Name: c.SessionCookie.Name, Value: c.SessionCookie.Value})
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	return fmt.Sprint(res.StatusCode, " ", string(text))
}
