package uitest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// policy is the Content-Security-Policy of Stash's pages.
const policy = "default-src data: 'self' 'unsafe-inline'; connect-src data: 'self' ws: wss:; img-src data: *; " +
	"script-src 'self' http://www.gstatic.com https://www.gstatic.com 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; " +
	"media-src blob: 'self'; worker-src blob:; child-src 'none'; object-src 'none'; form-action 'self'"

// document is the page of Stash's web app. Its paths are relative to the base.
const document = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<base href="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stash</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/bootstrap.css">
<link rel="stylesheet" href="assets/host.css">
</head>
<body><div id="root"></div><script src="assets/host.js"></script></body>
</html>
`

// app answers what belongs to the web app of Stash.
func (f *front) app() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/host.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, f.file("host.js")) })
	mux.HandleFunc("GET /assets/host.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, f.file("host.css")) })
	mux.HandleFunc("GET /assets/bootstrap.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(nodeModules(), "bootstrap", "dist", "css", "bootstrap.min.css"))
	})
	mux.HandleFunc("GET /plugin/{id}/javascript", f.enabled(f.files("text/javascript")))
	mux.HandleFunc("GET /plugin/{id}/css", f.enabled(f.files("text/css")))
	mux.HandleFunc("GET /plugin/{id}/assets/", f.enabled(f.assets))
	mux.HandleFunc("GET /plugin/", http.NotFound)
	mux.HandleFunc("GET /graphql", f.subscriptions)
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!DOCTYPE html><title>Login | Stash</title><link rel=icon href='data:,'><h1>Login</h1>")
	})
	mux.HandleFunc("GET /", f.page)
	return mux
}

func (f *front) page(w http.ResponseWriter, r *http.Request) {
	if path.Ext(r.URL.Path) != "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Referrer-Policy", "same-origin")
	fmt.Fprintf(w, document, html.EscapeString(r.Header.Get("X-Forwarded-Prefix")+"/"))
}

// enabled answers requests about a plugin that is missing or disabled, and leaves the others to serve.
func (f *front) enabled(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch p := f.w.Host.PluginOf(r.PathValue("id")); {
		case p == nil:
			http.NotFound(w, r)
		case !p.Enabled:
			http.Error(w, "plugin disabled", http.StatusBadRequest)
		default:
			serve(w, r)
		}
	}
}

// assets serves the files of the folders that a plugin maps, without Cache-Control.
func (f *front) assets(w http.ResponseWriter, r *http.Request) {
	p := f.w.Host.PluginOf(r.PathValue("id"))
	rest, folder := p.UI.Assets.GetFilesystemLocation(strings.TrimPrefix(r.URL.Path, "/plugin/"+p.ID+"/assets"))
	if folder == "" {
		http.NotFound(w, r)
		return
	}
	r.URL.Path = rest
	http.FileServer(http.Dir(filepath.Join(filepath.Dir(p.ConfigPath), folder))).ServeHTTP(w, r)
}

// files serves the scripts or styles of a plugin as one file. A file that is missing is left out.
func (f *front) files(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := f.w.Host.PluginOf(r.PathValue("id"))
		files := p.UI.Javascript
		if strings.HasSuffix(kind, "css") {
			files = p.UI.CSS
		}
		var all bytes.Buffer
		for _, name := range files {
			if text, err := os.ReadFile(name); err == nil {
				all.Write(text)
				all.WriteByte('\n')
			}
		}
		sum := sha256.Sum256(all.Bytes())
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(all.Bytes()))
	}
}
