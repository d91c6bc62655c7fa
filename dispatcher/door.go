package dispatcher

import (
	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/dispatcher/access"
	httpapi "github.com/emprops/machinectl/dispatcher/api"
)

// door is what decides who gets in: the tokens, and the certificate, which is nil without TLS.
type door struct {
	access      *access.Access
	certificate *httpapi.Certificate
}

// openDoor reads the admin token and the certificate. It fails if nobody could get in, or everybody. Tokens are in store, which
// stays its caller's.
func (o Options) openDoor(store redis.UniversalClient) (*door, error) {
	d := &door{}
	var err error
	if o.TLSCert != "" {
		if d.certificate, err = httpapi.LoadCertificate(o.TLSCert, o.TLSKey, o.Logger); err != nil {
			return nil, err
		}
	}
	d.access, err = access.New(access.Options{
		Redis: store, Prefix: o.Prefix, AdminTokenFile: o.AdminTokenFile, AdminToken: o.AdminToken, Insecure: o.Insecure,
		Rate: o.TokenRate, Logger: o.Logger,
	})
	if err != nil {
		return nil, err
	}
	if d.access.Open() {
		o.Logger.Warn("everybody is an administrator, because of -insecure and no admin token")
	}
	return d, nil
}
