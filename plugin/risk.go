package plugin

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/account"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// warnOfRisk logs once for each queue what other users can do because the data folder, or the sign-in in it, could not be protected.
func warnOfRisk(ctx context.Context, db *store.Store, z zerolog.Logger) {
	risk := text.Join(sqlitefile.Risk(db.Dir()), account.Risk(db.Dir()))
	if risk == "" {
		return
	}
	if logged, _, err := db.Meta(ctx, store.KeyRisk); err != nil || logged == risk {
		return
	}
	if err := db.SetMeta(ctx, time.Now(), store.KeyRisk, risk); err != nil {
		return // a queue that cannot be written has worse problems, and the next process logs the warning
	}
	z.Warn().Msg(risk)
}
