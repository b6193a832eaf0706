package plexapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// OwnerAccount is the owner of a server in its own tables.
const OwnerAccount = 1

// Account is an account that uses a server.
type Account struct {
	ID   int64
	Name string
}

// Accounts lists the accounts of the server, which only its owner may. An account that cannot be read is an error,
// because a name that two accounts have must not look unique.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	var accounts []Account
	r := request{op: "list the accounts of Plex", method: http.MethodGet, path: "/accounts"}
	err := c.do(ctx, r, func(body io.Reader) (err error) {
		var m struct {
			Account json.RawMessage `json:"Account"`
		}
		if err := container(body, &m); err != nil {
			return err
		}
		accounts, err = readAccounts(value(m.Account))
		return err
	})
	return accounts, err
}

func readAccounts(v value) ([]Account, error) {
	var accounts []Account
	if len(v) == 0 {
		return nil, fmt.Errorf("%w: no accounts", errShape)
	}
	err := v.elements(func(v value) error {
		var a Account
		seen := false
		err := readFields(v, func(name string, v value) error {
			switch name {
			case "id":
				seen = true
				return v.int(&a.ID)
			case "name":
				return v.string(&a.Name)
			}
			return nil
		})
		if err == nil && (!seen || a.ID < 0) {
			err = fmt.Errorf("%w: an account without an id", errShape)
		}
		if err == nil && a.ID > 0 { // 0 is nobody
			accounts = append(accounts, a)
		}
		return err
	})
	if err == nil && len(accounts) == 0 {
		err = fmt.Errorf("%w: no accounts", errShape)
	}
	return accounts, err
}

// Sessions returns the rating keys of the items that play at this moment, for whomever. Only the owner may ask.
func (c *Client) Sessions(ctx context.Context) ([]string, error) {
	var keys []string
	r := request{op: "read what plays in Plex", method: http.MethodGet, path: "/status/sessions"}
	err := c.do(ctx, r, func(body io.Reader) error {
		var total, offset, received int
		keys = nil
		return shape(frame{total: &total, offset: &offset, received: &received}.decode(body, func(v value) error {
			key := ""
			err := readFields(v, func(name string, v value) error {
				if name != "ratingKey" {
					return nil
				}
				return v.string(&key)
			})
			if ValidKey(key) { // live television has none
				keys = append(keys, key)
			}
			return err
		}))
	})
	return keys, err
}
