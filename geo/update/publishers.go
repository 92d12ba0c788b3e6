package update

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// fetchDBIP fetches the month's file, or the last month's as long as the new one is not
// out. DB-IP publishes no hash of its free files: gzip's checksum has to do. A month
// that is there already is not asked for.
func (u *Updater) fetchDBIP(ctx context.Context, e edition, s *state) (fetched, error) {
	now := u.now().UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	var missing error
	for _, month := range [...]time.Time{first, first.AddDate(0, -1, 0)} {
		name := e.name + "-" + month.Format("2006-01") + ".mmdb"
		if u.has(s, e.kind, name) {
			return fetched{name: name, note: "is the latest"}, nil
		}
		f, err := u.download(ctx, u.DBIP+"/free/"+name+".gz", name+".gz", e.kind, false)
		var answer *answerError
		if errors.As(err, &answer) && answer.code == http.StatusNotFound {
			missing = err
			continue
		}
		f.name = name
		return f, err
	}
	return fetched{}, fmt.Errorf("neither this month's file is there nor the last one's: %w (is the clock right?)", missing)
}

// has reports whether a file is one that was put there, and still is.
func (u *Updater) has(s *state, kind, name string) bool {
	_, err := os.Stat(filepath.Join(u.Dir, kind, name))
	return err == nil && slices.Contains(s.Files[kind], name)
}

// offer is what MaxMind says of an edition.
type offer struct {
	Edition string `json:"edition_id"`
	Date    string `json:"date"` // 2026-11-20
	MD5     string `json:"md5"`  // of the unpacked database
}

// maxOffer bounds the answer to the question for a hash, which takes 200 bytes.
const maxOffer = 1 << 16

// fetchMaxMind follows geoipupdate's protocol, version 7: the metadata of an edition
// tell its hash and date, and the download is an archive of that date.
func (u *Updater) fetchMaxMind(ctx context.Context, e edition, _ *state) (f fetched, err error) {
	offered, err := u.askMaxMind(ctx, e.name)
	if err != nil {
		return f, err
	}
	name := e.name + ".mmdb"
	have, err := hashOf(filepath.Join(u.Dir, e.kind, name))
	if err != nil {
		return f, err
	}
	if have == offered.MD5 {
		return fetched{name: name, note: "is the latest"}, nil
	}
	query := url.Values{"date": {strings.ReplaceAll(offered.Date, "-", "")}, "suffix": {"tar.gz"}}
	address := u.MaxMind + "/geoip/databases/" + url.PathEscape(e.name) + "/download?" + query.Encode()
	f, err = u.download(ctx, address, e.name+".tar.gz", e.kind, true)
	if err != nil {
		return f, err
	}
	if f.md5 != offered.MD5 {
		return fetched{}, errors.Join(fmt.Errorf("what came has the hash %s instead of %s: it was damaged on its way", f.md5, offered.MD5), os.Remove(f.temp))
	}
	f.name = name
	return f, nil
}

// askMaxMind asks for the hash of an edition.
func (u *Updater) askMaxMind(ctx context.Context, name string) (o offer, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*u.stall)
	defer cancel()
	answer, err := u.get(ctx, u.MaxMind+"/geoip/updates/metadata?"+url.Values{"edition_id": {name}}.Encode(), true)
	if err != nil {
		return o, err
	}
	defer answer.Body.Close()
	var all struct {
		Databases []offer `json:"databases"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxOffer)).Decode(&all); err != nil {
		return o, fmt.Errorf("read what MaxMind offers: %w", err)
	}
	for _, o := range all.Databases {
		if o.Edition == name && len(o.MD5) == 2*md5.Size && o.Date != "" {
			o.MD5 = strings.ToLower(o.MD5)
			return o, nil
		}
	}
	return o, fmt.Errorf("MaxMind offers no %s (check geo.update.maxmind.editions)", name)
}

// hashOf returns the MD5 of a file, "" where there is none.
func hashOf(name string) (string, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	defer f.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
