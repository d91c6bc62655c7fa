package dispatcher

import (
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/dispatcher/access"
	httpapi "github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/queue"
)

// door is what decides who gets in: the tokens, and the certificate, which is nil without TLS.
type door struct {
	store       redis.UniversalClient
	access      *access.Access
	certificate *httpapi.Certificate
}

// openDoor reads the admin token and the certificate. It fails if nobody could get in, or everybody.
func (o Options) openDoor() (*door, error) {
	d := &door{}
	var err error
	if o.TLSCert != "" {
		if d.certificate, err = httpapi.LoadCertificate(o.TLSCert, o.TLSKey, o.Logger); err != nil {
			return nil, err
		}
	}
	if d.store, err = queue.Connect(queue.Options{URL: o.Redis, Prefix: o.Prefix}); err != nil {
		return nil, err
	}
	d.access, err = access.New(access.Options{
		Redis: d.store, Prefix: o.Prefix, AdminTokenFile: o.AdminTokenFile, AdminToken: o.AdminToken, Insecure: o.Insecure,
		Rate: o.TokenRate, Logger: o.Logger,
	})
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	if d.access.Open() {
		o.Logger.Warn("everybody is an administrator, because of -insecure and no admin token")
	}
	return d, nil
}

func (d *door) close() error { return d.store.Close() }
